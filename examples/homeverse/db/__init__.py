"""The scripts that make the schema."""

"""The application's own tests: everything through HTTP, on whatever `import sqlite3` gives."""

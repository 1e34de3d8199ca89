"""HomeVerse, the reference application: a multi-tenant housing platform on one SQLite file."""

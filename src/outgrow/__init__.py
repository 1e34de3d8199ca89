"""outgrow moves a SQLite application to PostgreSQL and proves that nothing was lost or changed."""

__all__ = ["__version__"]

__version__ = "0.1.0"

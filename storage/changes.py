"""Whether anybody wrote to the workflow database: what lets a role rest without being late."""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


def mark(database: BaseDatabaseWrapper | None = None) -> tuple[int, int] | None:
    """A value that differs after each commit of another connection; None where the database has none (PostgreSQL).

    SQLite's `data_version` counts per connection, so the connection is part of the value.
    """
    database = database or connections["default"]
    if database.vendor != "sqlite":
        return None
    with database.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return id(database.connection), cursor.fetchone()[0]

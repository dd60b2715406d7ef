"""The post store of one machine: one SQLite file, full-text index and counts kept in the same transaction."""

from storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]

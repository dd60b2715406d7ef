"""The store a name means."""

from __future__ import annotations

from typing import Any

from core.errors import ConfigError
from storage.elastic import ElasticStore
from storage.sqlite import SqliteStore

#: The port, and what only administrators use: info, reindex, maintain.
Store = SqliteStore | ElasticStore


def open_store(name: str, settings: Any) -> Store:
    """The post store `sqlite` or `elasticsearch` of an installation. Raises ConfigError for another name."""
    match name:
        case "sqlite":
            return SqliteStore(settings.HOME / "posts.sqlite3")
        case "elasticsearch":
            return ElasticStore.from_settings(settings)
    raise ConfigError(f"CAIFENG_STORE is sqlite or elasticsearch, not {name!r}")

"""The file's tables, and connections to it."""

from __future__ import annotations

import string
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError
from storage.sqlite import packing

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        # Bundles a recent SQLite; the one of the system is often older than contentless_delete (3.43).
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3

OperationalError = sqlite3.OperationalError

VERSION = 2
#: Seconds a writer waits for another one.
PATIENCE = 30

_TOKEN_SIGNS = string.punctuation + "\x01\x02\x03"
_TOKENIZER = "ascii tokenchars '{}'".format(_TOKEN_SIGNS.replace("'", "''")).replace('"', '""')

# A row key is slot << 19 | sequence, a slot being ten minutes: keys sort by time, so a window is a range of keys,
# newest-first stops early, and an hour is arithmetic. A slot holds half a million posts, for imports stamp thousands
# with the same midnight; narrower slots would cost the index a byte per token.
_TABLES = f"""
CREATE TABLE post (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL, -- microseconds since 1970, publish time
    risk INTEGER NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    sentiment TEXT NOT NULL,
    topics TEXT NOT NULL, -- JSON lists
    regions TEXT NOT NULL,
    flags TEXT NOT NULL
);
CREATE TABLE record (
    key INTEGER PRIMARY KEY,
    body BLOB NOT NULL -- see packing
);
CREATE VIRTUAL TABLE gram USING fts5(
    whole, title, facet, content='', contentless_delete=1, tokenize="{_TOKENIZER}"
);
CREATE TABLE hourly (
    facet TEXT NOT NULL, hour INTEGER NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (facet, hour, value)
) WITHOUT ROWID;
CREATE TABLE daily (
    facet TEXT NOT NULL, day INTEGER NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (facet, day, value)
) WITHOUT ROWID;
"""


def connect(path: Path) -> Any:
    """Open a connection: write-ahead log, an acknowledged commit survives a power cut."""
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -32768")
    connection.execute("PRAGMA mmap_size = 1073741824")
    connection.execute("PRAGMA temp_store = MEMORY")
    packing.install(connection)
    return connection


def prepare(path: Path) -> None:
    """Create the file if need be. Raises ConfigError for an old SQLite or a file of another version."""
    if sqlite3.sqlite_version_info < (3, 43):
        raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old: install pysqlite3 or SQLite 3.43")
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path)
    try:
        _use_log(connection)
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        connection.close()
    if version not in {0, VERSION}:
        raise ConfigError(f"{path} is of version {version}, this program reads {VERSION}: move it aside and reindex")


def _use_log(connection: Any) -> None:
    """Switch to the write-ahead log; SQLite does not wait here when another process is doing the same."""
    for attempt in range(50):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == 49:
                raise
            time.sleep(0.1)
        else:
            return

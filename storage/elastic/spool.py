"""What the cluster could not take: waiting posts, and those it refused for good. Durable, shared by processes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.sqlite import schema

_TABLES = """
CREATE TABLE IF NOT EXISTS waiting (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refused (
    id TEXT PRIMARY KEY, record TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record in the spool; a newer one of the same id takes its place under a higher `seq`."""

    seq: int
    id: str
    record: str


class Spool:
    """The file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.executescript(_TABLES)

    def add(self, records: Sequence[tuple[str, str]]) -> None:
        """Keep (id, record) until the cluster has it; on disk when this returns."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO waiting (id, record) VALUES (?, ?)", records)
            connection.execute("COMMIT")

    def refuse(self, records: Sequence[tuple[str, str, str]]) -> None:
        """Keep (id, record, reason) of what the cluster will never take."""
        with self._connection() as connection:
            connection.executemany("INSERT OR REPLACE INTO refused (id, record, reason) VALUES (?, ?, ?)", records)

    def first(self, limit: int) -> list[Waiting]:
        """The records that wait longest."""
        with self._connection() as connection:
            found = connection.execute("SELECT seq, id, record FROM waiting ORDER BY seq LIMIT ?", (limit,))
            return [Waiting(*row) for row in found]

    def done(self, records: Sequence[Waiting]) -> None:
        """Forget records that arrived, unless a newer one took their place meanwhile."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM waiting WHERE seq = ?", [(record.seq,) for record in records])
            connection.execute("COMMIT")

    def expire(self, ids: Sequence[str]) -> None:
        """Forget waiting posts by id."""
        with self._connection() as connection:
            connection.executemany("DELETE FROM waiting WHERE id = ?", [(id_,) for id_ in ids])

    def sizes(self) -> tuple[int, int]:
        """How many wait, how many were refused."""
        with self._connection() as connection:
            waiting, refused = connection.execute(
                "SELECT (SELECT count(*) FROM waiting), (SELECT count(*) FROM refused)"
            ).fetchone()
            return waiting, refused

    def refusals(self) -> list[tuple[str, str, datetime]]:
        """(id, reason, when) of what was refused, newest first."""
        with self._connection() as connection:
            found = connection.execute("SELECT id, reason, at FROM refused ORDER BY at DESC, id").fetchall()
        return [(id_, reason, datetime.fromisoformat(f"{at}+00:00")) for id_, reason, at in found]

    @contextmanager
    def draining(self) -> Iterator[bool]:
        """Hold the one right to drain; False when another process has it."""
        with self.path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        with closing(schema.connect(self.path)) as connection:
            yield connection

"""The post store's port on SQLite: one transaction a batch, readers on snapshots beside it."""

from __future__ import annotations

import itertools
import json
import queue
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.errors import Rejected, Retry
from core.model import Engagement, TaggedPost
from core.ports import Bucket, Page
from core.query import Everything, Node
from storage import similar
from storage.codec import decode
from storage.moments import HOUR, instant, microseconds
from storage.paging import page_key, read_key
from storage.sqlite import counts, rows, schema
from storage.sqlite.packing import pack, unpack
from storage.sqlite.rows import SEQUENCE_BITS, Row
from storage.sqlite.translation import Selection, select

_EXPIRED_AT_ONCE = 1000
_MERGED_AT_ONCE = 500
#: Errors of the machine, not of the statement.
_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PROTOCOL")


class SqliteStore:
    """`core.ports.PostStore` on the file at `path`; any number of threads and processes may share the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        schema.prepare(path)

    def close(self) -> None:
        """Close the connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    # Writing

    def upsert(self, posts: Sequence[TaggedPost]) -> int:
        """Write one batch in one transaction; return how many posts were new."""
        batch = {post.post.id: Row.of(post) for post in posts}
        if not batch:
            return 0
        with self._writing() as connection:
            known = _known(connection, batch)
            changed = [row for id_, row in batch.items() if id_ not in known or known[id_][1] != row.record]
            _write(connection, changed, known)
        return len(batch) - len(known)

    def expire(self, before: datetime) -> int:
        """Drop posts published before, oldest first, some at a time so that writers get their turn."""
        expired = 0
        gone = Selection(high=microseconds(before) - 1)
        tail = f"ORDER BY {{key}} LIMIT {_EXPIRED_AT_ONCE}"
        while True:
            with self._writing() as connection:
                found = connection.execute(*gone.sql("post.key, body", tail, join=_RECORD)).fetchall()
                _remove(connection, [(key, Row.of(decode(unpack(body)))) for key, body in found])
            expired += len(found)
            if len(found) < _EXPIRED_AT_ONCE:
                return expired

    def reindex(self) -> Iterator[int]:
        """Rebuild tokens and counts from the records, a day per transaction; yields how many posts each had."""
        with self._reading() as connection:
            days = connection.execute(counts.DAYS).fetchall()
        for (day,) in days:
            with self._writing() as connection:
                rebuilt = _rebuild_day(connection, day)
            yield rebuilt

    def maintain(self) -> None:
        """Merge the index's parts and shorten the log; for quiet hours. Others may write in between."""
        # FTS5: a negative number starts an optimisation, positive ones go on with it until fewer than two rows change.
        pages = -_MERGED_AT_ONCE
        changes = 2
        while changes >= 2:
            with self._writing() as connection:
                before = connection.total_changes
                connection.execute("INSERT INTO gram (gram, rank) VALUES ('merge', ?)", (pages,))
                changes = connection.total_changes - before
            pages = _MERGED_AT_ONCE
        with self._connection() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def info(self) -> dict[str, Any]:
        """What an administrator asks first."""
        return {
            "store": "sqlite",
            "file": str(self.path),
            "posts": self.count(Everything()),
            "bytes": sum(file.stat().st_size for file in self.path.parent.glob(f"{self.path.name}*")),
        }

    # Reading

    def get(self, ids: Sequence[str]) -> list[TaggedPost]:
        """Posts by id, in the order asked."""
        sql = "SELECT id, body FROM post JOIN record USING (key) WHERE id IN (SELECT value FROM json_each(?))"
        with self._reading() as connection:
            bodies = dict(connection.execute(sql, (json.dumps(list(ids)),)))
        return [decode(unpack(bodies[id_])) for id_ in ids if id_ in bodies]

    def search(self, query: Node, *, limit: int = 20, after: str | None = None) -> Page:
        """Newest first; `after` is what the page before said."""
        selection, edge = select(query), read_key(after) if after else None
        if edge is not None:
            selection = selection.within(None, edge[0])
        with self._reading() as connection:
            found = list(itertools.islice(_newest(connection, selection, edge), limit + 1))
            posts = tuple(decode(unpack(body)) for body in _bodies(connection, [key for _, _, key in found[:limit]]))
        return Page(posts=posts, after=page_key(*found[limit - 1][:2]) if len(found) > limit else None)

    def scan(self, query: Node) -> Iterator[TaggedPost]:
        """Every match of the snapshot taken at the first step, oldest first."""
        sql = select(query).sql("{key}, at, id, body", "ORDER BY {key}", join=_RECORD)
        with self._reading() as connection:
            for _, group in itertools.groupby(connection.execute(*sql), lambda found: found[0] >> SEQUENCE_BITS):
                for *_, body in sorted(group, key=lambda found: found[1:3]):
                    yield decode(unpack(body))

    def count(self, query: Node) -> int:
        """Exact number of matches."""
        with self._reading() as connection:
            return counts.total(connection, select(query))

    def similar(self, post_id: str, *, limit: int = 20) -> list[TaggedPost]:
        """Other posts of the same story, newest first."""
        return similar.others(self, post_id, limit)

    # Counting

    def histogram(
        self, query: Node, *, start: datetime, end: datetime, step: timedelta, facet: str | None = None
    ) -> list[Bucket]:
        """Posts per hour or day of Shanghai."""
        window = select(query).within(microseconds(start), microseconds(end) - 1)
        with self._reading() as connection:
            found = counts.histogram(connection, window, step, facet or "")
        return [
            Bucket(start=instant(hour * HOUR), value=value, count=count)
            for (hour, value), count in sorted(found.items())
        ]

    def terms(self, query: Node, facet: str, *, limit: int = 20) -> list[tuple[str, int]]:
        """Most frequent values, ties by value."""
        with self._reading() as connection:
            found = counts.terms(connection, select(query), facet)
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:limit]

    # Connections

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """One of the idle connections, or a new one; SQLite's errors become ours."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = schema.connect(self.path)
        try:
            yield connection
        except schema.OperationalError as error:
            if not error.sqlite_errorname.startswith(_PASSING):
                raise
            raise Retry(f"post store {self.path.name}: {error}") from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.put(connection)

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        """A snapshot."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """A transaction, committed at the end; IMMEDIATE, for a reader that becomes a writer may fail at once."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")


_RECORD = "JOIN record ON record.key = {key}"

#: id → (key, record) of a post that is stored.
_Known = Mapping[str, tuple[int, str]]


def _known(connection: Any, ids: Iterable[str]) -> dict[str, tuple[int, str]]:
    sql = "SELECT id, key, body FROM post JOIN record USING (key) WHERE id IN (SELECT value FROM json_each(?))"
    return {id_: (key, unpack(body)) for id_, key, body in connection.execute(sql, (json.dumps(list(ids)),))}


def _write(connection: Any, changed: list[Row], known: _Known) -> None:
    """Replace what changed; a post whose engagement alone moved keeps its tokens and counts."""
    stale, fresh = [], []
    for row in changed:
        old = known.get(row.post.post.id)
        if old is None:
            fresh.append(row)
        elif _without_engagement(decode(old[1])) == _without_engagement(decode(row.record)):
            connection.execute("UPDATE record SET body = ? WHERE key = ?", (pack(row.record), old[0]))
        else:
            stale.append((old[0], Row.of(decode(old[1]))))
            fresh.append(row)
    _remove(connection, stale)
    _insert(connection, fresh)


def _without_engagement(post: TaggedPost) -> TaggedPost:
    return replace(post, post=replace(post.post, engagement=Engagement()))


def _remove(connection: Any, stale: list[tuple[int, Row]]) -> None:
    keys = [(key,) for key, _ in stale]
    for table, column in (("post", "key"), ("record", "key"), ("gram", "rowid")):
        connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", keys)  # noqa: S608 - names of ours
    counts.add(connection, (row for _, row in stale), -1)


def _insert(connection: Any, fresh: list[Row]) -> None:
    """Insert in key order: FTS5 writes out its buffer whenever a key is lower than the one before."""
    keyed = sorted(_keyed(connection, fresh), key=lambda pair: pair[0])
    connection.executemany(
        "INSERT INTO post VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [(key, *row.columns()) for key, row in keyed]
    )
    connection.executemany("INSERT INTO record VALUES (?, ?)", [(key, pack(row.record)) for key, row in keyed])
    connection.executemany(
        "INSERT INTO gram (rowid, whole, title, facet) VALUES (?, ?, ?, ?)",
        [(key, *row.tokens()) for key, row in keyed],
    )
    counts.add(connection, fresh, 1)


def _keyed(connection: Any, fresh: list[Row]) -> Iterator[tuple[int, Row]]:
    """Give each row the next free key of its slot."""
    used: Counter[int] = Counter()
    for row in fresh:
        first = rows.first_key(row.at)
        if first not in used:
            last = connection.execute(
                "SELECT max(key) FROM post WHERE key BETWEEN ? AND ?", (first, rows.last_key(row.at))
            ).fetchone()[0]
            used[first] = 0 if last is None else last - first + 1
        if used[first] >> SEQUENCE_BITS:
            raise Rejected(f"more than {1 << SEQUENCE_BITS} posts within ten minutes of {row.post.post.published_at}")
        yield first + used[first], row
        used[first] += 1


def _rebuild_day(connection: Any, day: int) -> int:
    """Tokens and counts of one day of Shanghai again; return its posts."""
    first, last = counts.day_keys(day)
    found = connection.execute(
        "SELECT key, body FROM record WHERE key BETWEEN ? AND ? ORDER BY key", (first, last)
    ).fetchall()
    keyed = [(key, Row.of(decode(unpack(body)))) for key, body in found]
    connection.executemany("DELETE FROM gram WHERE rowid = ?", [(key,) for key, _ in keyed])
    connection.executemany(
        "INSERT INTO gram (rowid, whole, title, facet) VALUES (?, ?, ?, ?)",
        [(key, *row.tokens()) for key, row in keyed],
    )
    counts.clear_day(connection, day)
    counts.add(connection, (row for _, row in keyed), 1)
    return len(keyed)


def _newest(connection: Any, selection: Selection, edge: tuple[int, str] | None) -> Iterator[tuple[int, str, int]]:
    """(at, id, key) below the edge, newest first. Keys order slots; within a slot time and id do."""
    if selection.is_empty:
        return
    found = connection.execute(*selection.sql("post.at, post.id, {key}", "ORDER BY {key} DESC"))
    for _, group in itertools.groupby(found, lambda row: row[2] >> SEQUENCE_BITS):
        for at, id_, key in sorted(group, reverse=True):
            if edge is None or (at, id_) < edge:
                yield at, id_, key


def _bodies(connection: Any, keys: list[int]) -> list[bytes]:
    found = connection.execute(
        "SELECT key, body FROM record WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
    )
    bodies = dict(found.fetchall())
    return [bodies[key] for key in keys]

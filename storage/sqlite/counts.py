"""Counts kept per hour and day, and counting what they do not cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from storage.moments import HOUR
from storage.sqlite import rows
from storage.sqlite.rows import SEQUENCE_BITS, SLOTS, Row
from storage.sqlite.translation import Selection

_DAY = 24 * HOUR
#: Shanghai's midnight in UTC.
_DAY_START = -8 * HOUR

_HOUR_OF_KEY = f"({{key}} >> {SEQUENCE_BITS}) / {SLOTS}"
DAYS = f"SELECT DISTINCT ((key >> {SEQUENCE_BITS}) / {SLOTS} + 8) / 24 FROM post"  # noqa: S608 - our own number

#: Facet → (what else to join, the value's expression).
_VALUES = {
    "": ("", "''"),
    "sentiment": ("", "post.sentiment"),
    "source": ("", "post.source"),
    "kind": ("", "post.kind"),
    "topic": ("JOIN json_each(post.topics) AS item", "item.value"),
    "region": ("JOIN json_each(post.regions) AS item", "item.value"),
    "flag": ("JOIN json_each(post.flags) AS item", "item.value"),
}
_OF_RECORD = "JOIN record ON record.key = {{key}} JOIN json_each(unpacked(record.body), '{path}') AS item"
_VALUES |= {
    name: (_OF_RECORD.format(path=path), "item.value")
    for name, path in {
        "keyword": "$.tags.keywords",
        "institution": "$.tags.institutions",
        "incident": "$.incident",
        "story": "$.story",
        "language": "$.post.language",
    }.items()
}


def add(connection: Any, posts: Iterable[Row], sign: int) -> None:
    """Count posts in (1) or out (-1), in the caller's transaction."""
    changes: Counter[tuple[str, str, int, str]] = Counter()
    for row in posts:
        for place in row.counts():
            changes[place] += sign
    for table, unit in (("hourly", "hour"), ("daily", "day")):
        places = [(facet, at, value, n) for (name, facet, at, value), n in sorted(changes.items()) if name == table]
        connection.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?) "  # noqa: S608 - names of ours
            f"ON CONFLICT (facet, {unit}, value) DO UPDATE SET count = count + excluded.count",
            places,
        )
        if sign < 0:
            connection.executemany(
                f"DELETE FROM {table} WHERE facet = ? AND {unit} = ? AND value = ? AND count = 0",  # noqa: S608
                [place[:3] for place in places],
            )


def day_keys(day: int) -> tuple[int, int]:
    """First and last key of a day of Shanghai."""
    start = day * _DAY + _DAY_START
    return rows.first_key(start), rows.first_key(start + _DAY) - 1


def clear_day(connection: Any, day: int) -> None:
    """Forget the counts of a day of Shanghai."""
    first_hour = day * 24 - 8
    connection.execute("DELETE FROM hourly WHERE hour BETWEEN ? AND ?", (first_hour, first_hour + 23))
    connection.execute("DELETE FROM daily WHERE day = ?", (day,))


def total(connection: Any, selection: Selection) -> int:
    """Number of posts."""
    if selection.is_empty:
        return 0
    if not selection.is_window:
        return _counted(connection, selection)
    kept, edges = _split(selection, HOUR, 0)
    return sum(_kept(connection, kept, "hourly", "").values()) + sum(_counted(connection, edge) for edge in edges)


def histogram(connection: Any, selection: Selection, step: timedelta, facet: str) -> Counter[tuple[int, str]]:
    """(hour since 1970 in which the bar starts, value) → posts. ValueError for another step, KeyError for a facet."""
    if step not in {timedelta(hours=1), timedelta(days=1)}:
        raise ValueError(f"a histogram has steps of an hour or a day, not {step}")
    per_hour = _per_hour(connection, selection, facet)
    if step == timedelta(hours=1):
        return per_hour
    found: Counter[tuple[int, str]] = Counter()
    for (hour, value), count in per_hour.items():
        found[(hour + 8) // 24 * 24 - 8, value] += count
    return found


def terms(connection: Any, selection: Selection, facet: str) -> Counter[str]:
    """Value → posts."""
    found: Counter[str] = Counter()
    if facet in rows.DAILY and selection.is_window and not selection.is_empty:
        kept, edges = _split(selection, _DAY, _DAY_START)
        for (_, value), count in _kept(connection, kept, "daily", facet).items():
            found[value] += count
        for edge in edges:
            for (_, value), count in _scanned(connection, edge, facet).items():
                found[value] += count
        return found
    for (_, value), count in _per_hour(connection, selection, facet).items():
        found[value] += count
    return found


def _per_hour(connection: Any, selection: Selection, facet: str) -> Counter[tuple[int, str]]:
    """(hour since 1970, value) → posts: from the kept counts as far as they reach, else counted."""
    if selection.is_empty:
        return Counter()
    if facet not in rows.HOURLY or not selection.is_window:
        return _scanned(connection, selection, facet)
    kept, edges = _split(selection, HOUR, 0)
    found = _kept(connection, kept, "hourly", facet)
    for edge in edges:
        found.update(_scanned(connection, edge, facet))
    return found


def _counted(connection: Any, selection: Selection) -> int:
    count: int = connection.execute(*selection.sql("count(*)", of_posts=False)).fetchone()[0]
    return count


def _scanned(connection: Any, selection: Selection, facet: str) -> Counter[tuple[int, str]]:
    """Count post by post; (hour, value) → posts."""
    join, value = _VALUES[facet]
    # A value that stands twice in a record counts once.
    once = "count(DISTINCT {key})" if "record" in join else "count(*)"
    statement = selection.sql(f"{_HOUR_OF_KEY}, {value}, {once}", "GROUP BY 1, 2", join=join, of_posts=bool(facet))
    return Counter({(hour, found): count for hour, found, count in connection.execute(*statement)})


def _kept(
    connection: Any, bounds: tuple[int | None, int | None] | None, table: str, facet: str
) -> Counter[tuple[int, str]]:
    """(hour or day, value) → posts in `bounds`, whole hours or days with both ends."""
    if bounds is None:
        return Counter()
    unit = "hour" if table == "hourly" else "day"
    conditions, parameters = ["facet = ?"], [facet]
    for sign, bound in zip((">=", "<="), bounds, strict=True):
        if bound is not None:
            conditions.append(f"{unit} {sign} {bound:d}")
    found = connection.execute(
        f"SELECT {unit}, value, count FROM {table} WHERE {' AND '.join(conditions)}",  # noqa: S608 - names of ours
        parameters,
    )
    return Counter({(at, value): count for at, value, count in found})


def _split(window: Selection, length: int, offset: int) -> tuple[tuple[int | None, int | None] | None, list[Selection]]:
    """Cut a window into whole units (first and last of them, None when there is none) and its ragged edges."""
    low, high = window.low, window.high
    first = None if low is None else -((offset - low) // length)
    last = None if high is None else (high + 1 - offset) // length - 1
    if first is not None and last is not None and first > last:
        return None, [window]
    edges: list[Selection] = []
    if first is not None and low != first * length + offset:
        edges.append(Selection(low=low, high=first * length + offset - 1))
    if last is not None and high != (last + 1) * length + offset - 1:
        edges.append(Selection(low=(last + 1) * length + offset, high=high))
    return (first, last), edges

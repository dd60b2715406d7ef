"""Rows of stories and incidents: read before a batch is merged, saved in the transaction that stores it.

Several workers share the rows. A worker calls `lock`, reads what is newer than the position it knows, merges, saves;
the lock lasts until its transaction ends, so positions and counts are exact.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.db.models import Max, Q, QuerySet

from core.errors import Refused
from storage import models, writing
from storage.stories import MESSAGE, IncidentState, Story, Weights, joined, warmth

#: Names the advisory lock among others of the database.
_LOCK = 0x6361_6966
_SPLIT = "-s"
#: psycopg's `pq.Format.BINARY`, whose import a house on SQLite does without.
_BINARY = 1
#: What rows have of their values, the id first.
_STORY = tuple(field.name for field in fields(Story))
_INCIDENT = (*(field.name for field in fields(IncidentState) if field.name != "centre"), "centre")
_story_values, _incident_values = attrgetter(*_STORY), attrgetter(*_INCIDENT[:-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Stories and incidents, and the position up to which they are complete."""

    stories: tuple[Story, ...]
    incidents: tuple[IncidentState, ...]
    position: int


def lock() -> None:
    """Wait for other workers' merging to end. SQLite's write transactions exclude each other already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def running(since: datetime, lone_since: datetime, message_since: datetime | None = None) -> Rows:
    """What was seen since a moment, those of a single post since a later one; for a worker that starts.

    Incidents of a single message to an office have a moment of their own.
    """
    # Read first, and without a lock: what is saved meanwhile is newer, and comes with `changed_after`.
    position = _position()
    seen = Q(last_seen_at__gte=since, size__gt=1) | Q(last_seen_at__gte=lone_since)
    messages = Q(last_seen_at__gte=message_since or lone_since, centre__has_key=MESSAGE)
    return _rows(models.Story.objects.filter(seen), models.Incident.objects.filter(seen | messages), position)


def changed_after(position: int) -> Rows:
    """What others saved since; complete when the caller holds the lock."""
    newest = _position()
    stories = models.Story.objects.filter(changed__gt=position)
    incidents = models.Incident.objects.filter(changed__gt=position)
    return _rows(stories, incidents, newest)


def save(stories: Iterable[Story], incidents: Iterable[IncidentState]) -> int:
    """Write rows by id in the caller's transaction; return the new position."""
    position = _position() + 1
    writing.insert(
        models.Story,
        (*_STORY, "changed"),
        [(*_story_values(story), position) for story in stories],
        unique=["id"],
        update=["incident", "title", "last_seen_at", "size", "changed"],
    )
    writing.insert(
        models.Incident,
        (*_INCIDENT, "warmth", "changed"),
        [
            (*_incident_values(incident), incident.centre.read(), warmth(incident.heat, incident.heat_at), position)
            for incident in incidents
        ],
        unique=["id"],
        update=[*_INCIDENT[1:], "warmth", "changed"],
    )
    return position


def of_stories(stories: Collection[str]) -> dict[str, str]:
    """Incident of each story."""
    return dict(models.Story.objects.filter(id__in=stories).values_list("id", "incident"))


def roots(ids: Iterable[str]) -> dict[str, str]:
    """Incident → the one it went into in the end, itself when it stands alone."""
    found = {incident: incident for incident in ids}
    while moved := _moved(models.Incident.objects.filter(id__in=set(found.values()))):
        found = {incident: moved.get(root, root) for incident, root in found.items()}
    return found


def families(ids: Iterable[str]) -> dict[str, str]:
    """These incidents and all that went into them, each → the one asked for: older posts and alerts still name them."""
    newest = found = {incident: incident for incident in ids}
    while newest:
        gone = _moved(models.Incident.objects.filter(merged_into__in=newest).exclude(id__in=found))
        newest = {incident: newest[into] for incident, into in gone.items()}
        found = found | newest
    return found


def _moved(rows: QuerySet[models.Incident]) -> dict[str, str]:
    """Incident → the one it went into, of those that did."""
    return {incident: into for incident, into in rows.values_list("id", "merged_into") if into}


def join(incident: str, into: str) -> None:
    """An officer says two incidents are one: the first one's stories, and its posts to come, go to the other.

    Posts already in the store keep the old id until the caller writes them again. Raises Refused.
    """
    lock()
    rows = {row.id: _incident(row) for row in models.Incident.objects.filter(id__in=[incident, into])}
    if incident == into or len(rows) != 2:
        raise Refused("请选择两个不同且存在的事件")
    if rows[incident].merged_into:
        raise Refused("该事件已并入其他事件")
    if rows[into].merged_into:
        raise Refused("目标事件已并入其他事件，请选择并入后的事件")
    gone, stays = rows[incident], rows[into]
    both = joined(stays, gone)
    moved = [replace(_story(row), incident=into) for row in models.Story.objects.filter(incident=incident)]
    save(moved, [both, replace(gone, merged_into=into)])


def split(story: str) -> str:
    """An officer says a story is a matter of its own; return the id of the new incident. Raises Refused."""
    lock()
    row = models.Story.objects.filter(id=story).first()
    if row is None:
        raise Refused("找不到要拆出的内容")
    old = models.Incident.objects.get(id=row.incident)
    if old.size <= row.size:
        raise Refused("该事件只有这一条内容，无需拆分")
    new = IncidentState(
        id=f"{story}{_SPLIT}",
        title=row.title,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        size=row.size,
        sources=tuple(old.sources),
        heat=old.heat * row.size / old.size,
        heat_at=old.heat_at,
    )
    rest = replace(_incident(old), size=old.size - row.size, heat=old.heat - new.heat)
    save([replace(_story(row), incident=new.id)], [new, rest])
    return new.id


def _position() -> int:
    stories = models.Story.objects.aggregate(last=Max("changed"))["last"] or 0
    incidents = models.Incident.objects.aggregate(last=Max("changed"))["last"] or 0
    return int(max(stories, incidents))


def _rows(stories: QuerySet[models.Story], incidents: QuerySet[models.Incident], position: int) -> Rows:
    return Rows(
        stories=tuple(map(_story, _read(stories, _STORY))),
        incidents=tuple(map(_incident, _read(incidents, _INCIDENT))),
        position=position,
    )


def _read(rows: QuerySet[Any], columns: tuple[str, ...]) -> Iterator[Any]:
    """Rows with these attributes; a worker that starts reads tens of thousands."""
    if connection.vendor != "postgresql":
        yield from rows.values_list(*columns, named=True).iterator()
        return
    sql, parameters = rows.values_list(*columns).query.sql_with_params()
    with connection.cursor() as cursor:
        # Django reads times from text, in Python; the driver reads them as they are.
        cursor.cursor.format = _BINARY
        cursor.execute(sql, parameters)
        yield from (SimpleNamespace(**dict(zip(columns, values, strict=True))) for values in cursor)


def _story(row: Any) -> Story:
    """Of a model or of its named values."""
    return Story(
        id=row.id,
        incident=row.incident,
        title=row.title,
        signature=bytes(row.signature),
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        size=row.size,
    )


def _incident(row: Any) -> IncidentState:
    return IncidentState(
        id=row.id,
        title=row.title,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        size=row.size,
        sources=tuple(map(sys.intern, row.sources)),
        centre=Weights.of(row.centre),
        heat=row.heat,
        heat_at=row.heat_at,
        peak=row.peak,
        merged_into=row.merged_into,
    )

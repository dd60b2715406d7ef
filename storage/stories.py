"""Stories and incidents as values: what merging reads and writes, free of any framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: A term the centre of every message to an office has, and of nothing else.
MESSAGE = "%城乡建设"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Near-duplicates of one text; the id is the first post's."""

    id: str
    incident: str
    title: str
    #: MinHash signature, little-endian uint32s.
    signature: bytes
    first_seen_at: datetime
    last_seen_at: datetime
    size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentState:
    """A matter several stories are about, with what tells it from others."""

    id: str
    title: str
    first_seen_at: datetime
    last_seen_at: datetime
    size: int = 0
    sources: tuple[str, ...] = ()
    #: term → weight: pairs of names `#`, words, places `@`, classes `%`.
    centre: Mapping[str, float] = field(default_factory=dict)
    heat: float = 0.0
    heat_at: datetime
    peak: float = 0.0
    #: The incident an officer joined this one into.
    merged_into: str | None = None

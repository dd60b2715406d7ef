"""Stories and incidents as values: what merging reads and writes, free of any framework."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

#: A term the centre of every message to an office has, and of nothing else.
MESSAGE = "%城乡建设"
#: After it a post adds half to its incident's heat.
HALF_LIFE = timedelta(hours=6)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
#: A heat of nothing has no logarithm; this one is below all others.
_NO_HEAT = 2.0**-60

_PARTS = 10_000


def heat_now(heat: float, at: datetime, now: datetime) -> float:
    """Posts weighted by age: each counts half after every `HALF_LIFE`."""
    return float(heat * 0.5 ** (max(timedelta(), now - at) / HALF_LIFE))


def warmth(heat: float, at: datetime) -> float:
    """Orders incidents by their heat now, whenever now is, for all cool alike: in half-lives, on no scale of its own."""
    return math.log2(max(heat, _NO_HEAT)) + (at - _EPOCH) / HALF_LIFE


@dataclass(frozen=True, slots=True)
class Weights:
    """Terms with their weights, of four decimals, in a tenth of a dict's memory: workers keep all running centres."""

    _terms: str = ""
    _weights: bytes = b""

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> Self:
        """Of any number of terms without line breaks."""
        return cls("\n".join(weights), array("I", [round(_PARTS * weight) for weight in weights.values()]).tobytes())

    def read(self) -> dict[str, float]:
        """In the order they were given."""
        return {term: weight / _PARTS for term, weight in self._pairs()}

    def marked(self, mark: str) -> dict[str, float]:
        """Of the terms with this mark, without it."""
        return {term[1:]: weight / _PARTS for term, weight in self._pairs() if term[0] == mark}

    def _pairs(self) -> Iterable[tuple[str, int]]:
        return zip(self._terms.split("\n"), memoryview(self._weights).cast("I"), strict=False)

    def __contains__(self, term: str) -> bool:
        return f"\n{term}\n" in f"\n{self._terms}\n"


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
    centre: Weights = Weights()
    heat: float = 0.0
    heat_at: datetime
    peak: float = 0.0
    #: The incident an officer joined this one into.
    merged_into: str | None = None


def joined(stays: IncidentState, gone: IncidentState) -> IncidentState:
    """The first incident with what the second one had, but for its centre."""
    at = max(stays.heat_at, gone.heat_at)
    heat = heat_now(stays.heat, stays.heat_at, at) + heat_now(gone.heat, gone.heat_at, at)
    return replace(
        stays,
        first_seen_at=min(stays.first_seen_at, gone.first_seen_at),
        last_seen_at=max(stays.last_seen_at, gone.last_seen_at),
        size=stays.size + gone.size,
        sources=tuple(sorted({*stays.sources, *gone.sources})),
        heat=heat,
        heat_at=at,
        peak=max(stays.peak, gone.peak, heat),
    )

"""Stories and incidents as values: what merging reads and writes, free of any framework."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

#: A term the centre of every message to an office has, and of nothing else.
MESSAGE = "%城乡建设"


_PARTS = 10_000


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

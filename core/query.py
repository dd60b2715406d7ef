"""The tree every query becomes: search box, watch, rule and replay mean the same by it.

`storage.query` parses text to this tree; three evaluators read it (in-process, SQLite, Elasticsearch).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Everything:
    """Every post: the empty query."""


@dataclass(frozen=True, slots=True)
class Text:
    """A substring of title or text, both normalised as `clean` does."""

    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field has this value.

    `name`: topic, sentiment, region (any segment of a path), source (id or kind), kind, flag,
    incident, story, institution, keyword, language, id, title (substring of the title alone).
    """

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """`low` ≤ field ≤ `high`, ends included unless `open_*`; None is unbounded. Fields: risk, published."""

    name: str
    low: int | datetime | None = None
    high: int | datetime | None = None
    open_low: bool = False
    open_high: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All children."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any child."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not the child."""

    child: Node


Node = Everything | Text | Field | Range | And | Or | Not

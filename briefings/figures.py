"""A number of a briefing: what it says, how it is written, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a number was counted in."""

    #: `query` is a text of the query language, the period included.
    POSTS = "posts"
    #: `query` is a selection of alerts (`briefings.selections`) within the period.
    ALERTS = "alerts"
    #: `query` is a selection of deadlines within the period.
    DEADLINES = "deadlines"
    #: Computed from other figures by `operation`.
    DERIVED = "derived"


class Operation(StrEnum):
    """How a derived figure follows from its operands, in their order."""

    #: first ÷ second, in percent.
    SHARE = "share"
    #: (first − second) ÷ second, in percent.
    CHANGE = "change"
    #: first − second, in percentage points when the operands are shares.
    DIFFERENCE = "difference"
    #: The greatest of them.
    MAXIMUM = "maximum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a number comes from; enough to count it again."""

    kind: Kind
    query: str = ""
    operation: Operation | None = None
    #: Keys of other figures.
    operands: tuple[str, ...] = ()
    #: Half-open; None for derived figures.
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number. `value` None is unknown and written —, never 0."""

    key: str
    #: What is counted, in Chinese.
    label: str
    value: float | None
    #: As it stands in the text: `4,862`, `32.1%`.
    text: str
    ground: Ground


def count_text(value: int) -> str:
    """A count with thousands separated."""
    return f"{value:,}"


def percent_text(value: float | None) -> str:
    """A percentage without its sign: the words around it say whether it rose or fell."""
    return "—" if value is None else f"{abs(value):.1f}%"


def points_text(value: float | None) -> str:
    """Percentage points without sign."""
    return "—" if value is None else f"{abs(value):.1f}"


def computed(operation: Operation, values: tuple[float | None, ...]) -> float | None:
    """The value of a derived figure; None when an operand is unknown or there is nothing to divide by."""
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not known:
        return None
    match operation:
        case Operation.SHARE:
            return 100 * known[0] / known[1] if known[1] else None
        case Operation.CHANGE:
            return 100 * (known[0] - known[1]) / known[1] if known[1] else None
        case Operation.DIFFERENCE:
            return known[0] - known[1]
        case Operation.MAXIMUM:
            return max(known)


def derived(key: str, label: str, operation: Operation, operands: tuple[Figure, ...]) -> Figure:
    """A figure that follows from others."""
    value = computed(operation, tuple(figure.value for figure in operands))
    write = {Operation.DIFFERENCE: points_text, Operation.MAXIMUM: _maximum_text}.get(operation, percent_text)
    ground = Ground(kind=Kind.DERIVED, operation=operation, operands=tuple(figure.key for figure in operands))
    return Figure(key=key, label=label, value=value, text=write(value), ground=ground)


def _maximum_text(value: float | None) -> str:
    return "—" if value is None else count_text(round(value))

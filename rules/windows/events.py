"""What goes into a window and what comes out of it."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol, Self

Key = Hashable
#: The key of a rule without `query_key`.
ALL: Key = "all"
NOTHING: Mapping[str, Any] = {}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def ticks(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The instant of such a number."""
    return _EPOCH + timedelta(microseconds=at)


def span(duration: timedelta) -> int:
    """A duration in microseconds."""
    return duration // _MICROSECOND


class Event(NamedTuple):
    """A post as a window sees it."""

    at: int
    key: Key = ALL
    #: The fields the rule's type reads.
    fields: Mapping[str, Any] = NOTHING
    #: What names the post outside; opaque here.
    ref: Any = None


class Outcome(NamedTuple):
    """A rule's condition came true."""

    key: Key
    #: The instant of the column "stamped" in docs/rules.md.
    at: int
    values: Mapping[str, Any]
    #: References of the posts behind it, newest first; empty when silence is the finding.
    evidence: tuple[Any, ...]
    #: Reference of the post it is stamped with; None when a tick or bucket is.
    post: Any = None
    #: Names an outcome that is said once whatever its instant; empty for the others.
    once: str = ""


class Machine(Protocol):
    """The windows of one rule. Feed it in order; it says what came true."""

    #: True when what happens under one key never depends on another key.
    independent: bool
    #: False when a post is judged by itself alone.
    remembers: bool
    #: True when a tick may ever say something.
    ticking: bool

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""

    def batch(self, events: Iterable[Event]) -> list[Outcome]:
        """Posts one query returned together."""

    def tick(self, at: int) -> Sequence[Outcome]:
        """The end of an evaluation pass at `at`."""

    def awake(self) -> bool:
        """Whether a tick can say or change anything now."""

    def idle(self, before: int) -> bool:
        """Whether forgetting this machine changes nothing for posts after `before`."""

    def copy(self) -> Self:
        """The same state, on its own from here."""


class Windows:
    """What most machines share: batches are posts one by one, ticks say nothing."""

    independent = True
    remembers = True
    ticking = False

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        raise NotImplementedError

    def batch(self, events: Iterable[Event]) -> list[Outcome]:
        """Posts one query returned together."""
        return [outcome for event in events for outcome in self.add(event)]

    def tick(self, at: int) -> Sequence[Outcome]:
        """The end of an evaluation pass at `at`."""
        return ()

    def awake(self) -> bool:
        """Whether a tick can say or change anything now."""
        return False

    def idle(self, before: int) -> bool:
        """Whether forgetting this machine changes nothing for posts after `before`."""
        return False

    def copy(self) -> Self:
        """The same state, on its own from here."""
        return copy.deepcopy(self)


def hashable(value: Any) -> Key:
    """A list or mapping stands for itself by its text, as keys do in ElastAlert2."""
    return value if isinstance(value, Hashable) else str(value)

"""Posts of one set of windows in the order of their own time, whatever the order in which they came.

1. A post that is younger than everything before it simply moves the windows on.
2. Late ones are put in their places; the windows go back to the last kept copy before them and run again.
3. What came true anew, and what is no longer true, is the difference of the two runs.

So the outcomes are always those of one run over the posts sorted by time; copies older than the allowed
lateness are dropped. Ticks are not kept: they lie on a fixed grid, the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Self

from rules.windows.events import Event, Machine, Outcome

#: Posts between two kept copies: at least so many, such a part of all that are held, and of those that came after.
#: A late post makes so much more run again than what came after it; there are few copies however many posts are held.
_STRIDE, _OF_ALL, _OF_LATER = 32, 256, 4
#: Microseconds between two copies at most, for ticks are run again as well.
_SPAN = 3 * 3_600_000_000
#: The grid of ticks starts at midnight in China, eight hours ahead of UTC.
_OFFSET = 8 * 3_600_000_000


class Stream:
    """A machine with its clock: between two posts it ticks on the grid while that can matter."""

    __slots__ = ("clock", "machine", "pace")

    def __init__(self, machine: Machine, pace: int, clock: int) -> None:
        self.machine = machine
        self.pace = pace
        #: The last point of the grid that has passed.
        self.clock = self._grid(clock)

    def _grid(self, at: int) -> int:
        return (at + _OFFSET) // self.pace * self.pace - _OFFSET

    def push(self, event: Event) -> list[Outcome]:
        """A post; what the ticks before it say comes first."""
        outcomes = self.advance(event.at - 1)
        outcomes += self.machine.add(event)
        return outcomes

    def advance(self, until: int) -> list[Outcome]:
        """Every point of the grid up to `until`."""
        outcomes: list[Outcome] = []
        if until - self.clock < self.pace:
            return outcomes
        machine = self.machine
        while until - self.clock >= self.pace:
            if not machine.awake():
                self.clock = self._grid(until)
                break
            self.clock += self.pace
            outcomes += machine.tick(self.clock)
        return outcomes

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self).__new__(type(self))
        twin.machine, twin.pace, twin.clock = self.machine.copy(), self.pace, self.clock
        return twin


#: Posts of one instant follow each other by id, in whatever order they came.
_order: Callable[[Event], tuple[int, str]] = attrgetter("at", "ref")


@dataclass(slots=True)
class _Copy:
    """The stream as it was before the post at `index`, and how many outcomes there were."""

    index: int
    outcomes: int
    stream: Stream


@dataclass(frozen=True, slots=True)
class Delta:
    """What a step changed."""

    appeared: Sequence[Outcome] = ()
    vanished: Sequence[Outcome] = ()


NO_CHANGE = Delta()


class Timeline:
    """One stream with the posts of its allowed lateness."""

    __slots__ = ("copies", "events", "outcomes", "stream", "waiting")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.events: list[Event] = []
        self.outcomes: list[Outcome] = []
        self.copies = [_Copy(0, 0, stream.copy())]
        #: History that is run when the windows are first needed: after a start most keys are not, for a while.
        self.waiting: list[Event] = []

    def load(self, events: Iterable[Event]) -> None:
        """Take in history after a start, in any order; what it says has been said before."""
        self.waiting = sorted(events, key=_order)

    def _wake(self) -> None:
        waiting, self.waiting = self.waiting, []
        for later, event in zip(range(len(waiting) - 1, -1, -1), waiting, strict=True):
            self._append(event, later)

    def add(self, fresh: Iterable[Event]) -> Delta:
        """Posts that came together, in time or late; however many are late, the windows run again once."""
        self._wake()
        posts = sorted(fresh, key=_order)
        late = next((place for place, event in enumerate(posts) if self._is_in_time(event)), len(posts))
        delta = self._run_again(posts[:late]) if late else NO_CHANGE
        appeared = [outcome for event in posts[late:] for outcome in self._append(event)]
        return Delta((*delta.appeared, *appeared), delta.vanished) if appeared else delta

    def _is_in_time(self, event: Event) -> bool:
        return event.at > self.stream.clock and (not self.events or _order(self.events[-1]) <= _order(event))

    def advance(self, until: int) -> list[Outcome]:
        """Let the clock go on."""
        self._wake()
        appeared = self.stream.advance(until)
        self.outcomes += appeared
        if self.stream.clock - self.copies[-1].stream.clock >= _SPAN:
            self._keep()
        return appeared

    def forget(self, before: int) -> None:
        """Drop posts older than `before` that no late post can come among any more."""
        if self.waiting and self.waiting[-1].at >= before:
            return
        self._wake()
        keep = 0
        for number, kept in enumerate(self.copies):
            if kept.stream.clock < before and (not kept.index or self.events[kept.index - 1].at < before):
                keep = number
        if not keep:
            return
        base = self.copies[keep]
        del self.events[: base.index], self.outcomes[: base.outcomes], self.copies[:keep]
        index, outcomes = base.index, base.outcomes
        for kept in self.copies:
            kept.index -= index
            kept.outcomes -= outcomes

    def _append(self, event: Event, later: int = 0) -> list[Outcome]:
        """Run one post more; `later` ones follow it at once."""
        since = len(self.events) - self.copies[-1].index
        if since >= _STRIDE and since >= self._stride(later):
            self._keep()
        outcomes = self.stream.push(event)
        self.events.append(event)
        self.outcomes += outcomes
        return outcomes

    def _stride(self, later: int) -> int:
        """How far apart copies stand that have so many posts after them."""
        return max(_STRIDE, (len(self.events) + later) // _OF_ALL, later // _OF_LATER)

    def _keep(self) -> None:
        """Keep a copy of now; of the older ones, those that still stand far enough apart."""
        self.copies.append(_Copy(len(self.events), len(self.outcomes), self.stream.copy()))
        end, thinned = len(self.events), self.copies[:1]
        for kept, following in pairwise(self.copies[1:]):
            last = thinned[-1]
            is_far = following.index - last.index > self._stride(end - kept.index)
            if is_far or following.stream.clock - last.stream.clock > _SPAN:
                thinned.append(kept)
        self.copies = [*thinned, self.copies[-1]]

    def _run_again(self, late: Sequence[Event]) -> Delta:
        """From the last copy that the first late post does not touch."""
        while len(self.copies) > 1 and not self._precedes(self.copies[-1], late[0]):
            self.copies.pop()
        start = self.copies[-1]
        clock, before = self.stream.clock, self.outcomes[start.outcomes :]
        again = sorted([*self.events[start.index :], *late], key=_order)
        del self.events[start.index :], self.outcomes[start.outcomes :]
        self.stream = start.stream.copy()
        for later, event in zip(range(len(again) - 1, -1, -1), again, strict=True):
            self._append(event, later)
        self.advance(clock)
        return _difference(before, self.outcomes[start.outcomes :])

    def _precedes(self, kept: _Copy, late: Event) -> bool:
        """Whether a copy was taken before the late post's place, and before any tick after it."""
        last = self.events[kept.index - 1] if kept.index else None
        return (last is None or _order(last) < _order(late)) and kept.stream.clock < late.at


def _difference(before: Sequence[Outcome], after: Sequence[Outcome]) -> Delta:
    """Outcomes are the same when they are named the same; evidence may have grown."""
    was, is_now = {name_of(outcome) for outcome in before}, {name_of(outcome) for outcome in after}
    appeared = [outcome for outcome in after if name_of(outcome) not in was]
    vanished = [outcome for outcome in before if name_of(outcome) not in is_now]
    return Delta(appeared, vanished) if appeared or vanished else NO_CHANGE


def name_of(outcome: Outcome) -> tuple[object, ...]:
    """What makes an outcome this one and no other: key, instant, post, and the field that is new."""
    if outcome.once:
        return (outcome.key, outcome.once)
    fields = [outcome.values.get("new_field"), outcome.values.get("missing_field")]
    return (outcome.key, outcome.at, outcome.post, str(fields) if any(fields) else "")

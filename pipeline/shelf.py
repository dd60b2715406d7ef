"""Rows found by numbers they were filed under: a worker keeps a million of those, so each takes ten bytes.

1. A row stands at a place; an entry is a key and a place in one number, and the part of the row this key makes.
2. Most entries stand in a sorted array. Those of rows filed since the last sorting stand in a table, and go into the
   array when they become many.
3. Entries of rows that were taken off lead nowhere until `tidy` drops them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint32]
#: 65,535ths.
Parts = NDArray[np.uint16]
WHOLE = 0xFFFF
_PLACE_BITS, _PLACE = np.uint64(32), np.uint64(0xFFFFFFFF)
_PART_BITS = 16
#: Of a number made of question, place and two parts added.
_BOTH_BITS, _BOTH, _ASKER = np.uint64(17), np.uint64(0x1FFFF), np.uint64(49)
#: Questions looked up together; their number has 15 bits.
_AT_ONCE = 512
#: So many rows, and this share of all, wait in the table at most: sorting them in costs a walk over all entries.
_WAITING, _SHARE = 512, 32


class _Named(Protocol):
    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=_Named)


class Found(NamedTuple):
    """What the sorted entries said, as long as their edition stands."""

    edition: int
    #: Places and sums.
    sums: Sequence[tuple[int, int]]


class Shelf(Generic[Row]):
    """Rows by id, and by keys in parts."""

    def __init__(self) -> None:
        self._rows: list[Row | None] = []
        self._places: dict[str, int] = {}
        self._entries = np.empty(0, np.uint64)
        self._parts = np.empty(0, np.uint16)
        #: Keys and parts of the last rows, which are not sorted in yet.
        self._waiting: list[tuple[Keys, Parts]] = []
        #: The same by key: place and part in one number, or several.
        self._recent: dict[int, int | tuple[int, ...]] = {}
        #: Changes with the sorted entries.
        self._edition = 0

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, name: str) -> Row:
        if (row := self.get(name)) is None:
            raise KeyError(name)
        return row

    def get(self, name: str) -> Row | None:
        """The newest state of a row."""
        place = self._places.get(name)
        return None if place is None else self._rows[place]

    def replace(self, row: Row) -> None:
        """A newer state, its keys as before."""
        self._rows[self._places[row.id]] = row

    def file(self, rows: Sequence[Row], under: Sequence[tuple[Keys, Parts]]) -> None:
        """Add rows, or newer states, each under these keys and no others; no row twice."""
        for row in rows:
            if (place := self._places.get(row.id)) is not None:
                self._rows[place] = None
            self._places[row.id] = len(self._rows)
            self._rows.append(row)
        self._waiting += under
        if len(self._waiting) > self._patience():
            self._sort()
            return
        for place, (keys, parts) in enumerate(under, len(self._rows) - len(rows)):
            for key, part in zip(keys.tolist(), parts.tolist(), strict=True):
                one, held = place << _PART_BITS | part, self._recent.get(key)
                self._recent[key] = one if held is None else (*_several(held), one)

    def find(self, keys: Keys, own: Parts, least: int, sorted_in: Found | None = None) -> list[tuple[Row, int]]:
        """Rows under these keys: their parts, and for each the key's own, add up to `least` or more.

        `sorted_in` is what `look_up` found for the same question; without it, or when it is out of date, it is asked.
        """
        if sorted_in is None or sorted_in.edition != self._edition:
            (sorted_in,) = self.look_up([(keys, own)], least)
        sums = [*sorted_in.sums, *self._among_recent(keys, own, least)]
        return [(row, both) for place, both in sums if (row := self._rows[place]) is not None]

    def look_up(self, questions: Sequence[tuple[Keys, Parts]], least: int) -> list[Found]:
        """What the sorted entries answer, all questions at once: one at a time numpy's calls cost more than its work."""
        sums: list[list[tuple[int, int]]] = [[] for _ in questions]
        for first in range(0, len(questions) if len(self._entries) else 0, _AT_ONCE):
            for asker, place, both in self._sums(questions[first : first + _AT_ONCE], least):
                sums[first + asker].append((place, both))
        return [Found(self._edition, found) for found in sums]

    def _sums(self, questions: Sequence[tuple[Keys, Parts]], least: int) -> Iterable[tuple[int, int, int]]:
        """(question, place, sum), where the sum is enough."""
        keys, own = (np.concatenate(parts) for parts in zip(*questions, strict=True))
        askers = np.repeat(np.arange(len(questions), dtype=np.uint64), [len(asked) for asked, _ in questions])
        lowest = keys.astype(np.uint64) << _PLACE_BITS
        low = self._entries.searchsorted(lowest)
        held = self._entries.take(low, mode="clip") - lowest <= _PLACE
        if not held.any():
            return ()
        low, lowest = low[held], lowest[held]
        counts = self._entries.searchsorted(lowest | _PLACE, "right") - low
        at = np.repeat(low - counts.cumsum() + counts, counts) + np.arange(counts.sum())
        # Question, place and part in one number: sorted, the parts of a place stand together.
        asked = np.repeat(askers[held] << _ASKER | own[held], counts)
        codes = asked + ((self._entries[at] & _PLACE) << _BOTH_BITS) + self._parts[at]
        codes.sort()
        names = codes >> _BOTH_BITS
        first = np.flatnonzero(np.concatenate(([True], names[1:] != names[:-1])))
        sums = np.add.reduceat(codes & _BOTH, first)
        enough = sums >= least
        found = names[first[enough]]
        return zip((found >> _PLACE_BITS).tolist(), (found & _PLACE).tolist(), sums[enough].tolist(), strict=True)

    def settle(self, more: int) -> None:
        """Sort in what waits if so many more rows would make it too many: best before a batch is looked up."""
        if len(self._waiting) + more > self._patience():
            self._sort()

    def _patience(self) -> int:
        return max(_WAITING, len(self._rows) // _SHARE)

    def _among_recent(self, keys: Keys, own: Parts, least: int) -> list[tuple[int, int]]:
        named = keys.tolist()
        if self._recent.keys().isdisjoint(named):
            return []
        sums: defaultdict[int, int] = defaultdict(int)
        for key, part in zip(named, own.tolist(), strict=True):
            if held := self._recent.get(key):
                for one in _several(held):
                    sums[one >> _PART_BITS] += (one & WHOLE) + part
        return [(place, both) for place, both in sums.items() if both >= least]

    def tidy(self, keep: Callable[[Row], bool]) -> None:
        """Drop the other rows, and what is left of those that were filed anew."""
        self._sort()
        kept = np.array([row is not None and keep(row) for row in self._rows], bool)
        entries = self._entries & _PLACE
        standing = kept[entries]
        places = (kept.cumsum() - 1).astype(np.uint64)
        self._entries = (self._entries & ~_PLACE | places[entries])[standing]
        self._parts = self._parts[standing]
        self._edition += 1
        self._rows = [row for row, stays in zip(self._rows, kept.tolist(), strict=True) if stays]
        self._places = {row.id: place for place, row in enumerate(self._rows) if row is not None}

    def _sort(self) -> None:
        if not self._waiting:
            return
        keys, parts = zip(*self._waiting, strict=True)
        places = np.arange(len(self._rows) - len(keys), len(self._rows), dtype=np.uint64)
        entries = np.concatenate(keys).astype(np.uint64) << _PLACE_BITS | np.repeat(places, list(map(len, keys)))
        order = entries.argsort()
        at = self._entries.searchsorted(entries[order])
        self._entries = np.insert(self._entries, at, entries[order])
        self._parts = np.insert(self._parts, at, np.concatenate(parts)[order])
        self._waiting.clear()
        self._recent.clear()
        self._edition += 1


def _several(held: int | tuple[int, ...]) -> tuple[int, ...]:
    return (held,) if isinstance(held, int) else held

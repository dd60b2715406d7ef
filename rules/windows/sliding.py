"""Windows that slide with their newest entry: frequency, flatline and spike."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from rules.schema import FlatlineOptions, FrequencyOptions, SpikeOptions
from rules.windows.events import ALL, Event, Key, Outcome, Windows, span


class Entry(NamedTuple):
    """An event with what it counts; `counts` is False for the mark a tick leaves."""

    at: int
    amount: int
    event: Event
    counts: bool = True


class Window:
    """Entries by time, none as old as `length` relative to the newest."""

    __slots__ = ("entries", "length", "total")

    def __init__(self, length: int) -> None:
        self.length = length
        self.entries: deque[Entry] = deque()
        self.total = 0

    def put(self, entry: Entry) -> list[Entry]:
        """Place an entry by its time; return what fell out, oldest first."""
        entries = self.entries
        if not entries or entries[-1].at <= entry.at:
            entries.append(entry)
        else:
            entries.insert(_place(entries, entry.at), entry)
        self.total += entry.amount
        horizon = entries[-1].at - self.length
        if entries[0].at > horizon:
            return []
        return self._drop(horizon)

    def _drop(self, horizon: int) -> list[Entry]:
        dropped = []
        while self.entries[0].at <= horizon:
            entry = self.entries.popleft()
            self.total -= entry.amount
            dropped.append(entry)
        return dropped

    def keep(self, most: int) -> None:
        """Let go of the oldest while the amounts are more than `most` together."""
        while self.total > most:
            self.total -= self.entries.popleft().amount

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self.total = 0

    def mean(self) -> float | None:
        """Mean amount of the entries that count."""
        amounts = [entry.amount for entry in self.entries if entry.counts]
        return sum(amounts) / len(amounts) if amounts else None

    def refs(self) -> tuple[Any, ...]:
        """What the counted entries refer to, newest first."""
        return tuple(entry.event.ref for entry in reversed(self.entries) if entry.counts)

    def copy(self) -> Window:
        """The same entries, on their own from here."""
        twin = Window(self.length)
        twin.entries = self.entries.copy()
        twin.total = self.total
        return twin


def _place(entries: deque[Entry], at: int) -> int:
    """Index right of all entries that are not younger; late posts are seldom far from the end."""
    index = len(entries)
    for entry in reversed(entries):
        if entry.at <= at:
            break
        index -= 1
    return index


class Frequency(Windows):
    """`num_events` posts of a key younger than `timeframe` relative to the newest; then the key starts afresh."""

    def __init__(self, options: FrequencyOptions) -> None:
        self.needed = options.num_events
        self.length = span(options.timeframe)
        self.windows: dict[Key, Window] = {}

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        key = event.key
        window = self.windows.get(key)
        if window is None:
            window = self.windows[key] = Window(self.length)
        window.put(Entry(event.at, 1, event))
        if window.total < self.needed:
            return ()
        del self.windows[key]
        newest = window.entries[-1]
        return (Outcome(key, newest.at, {"count": window.total}, window.refs(), newest.event.ref),)

    def tick(self, at: int) -> Sequence[Outcome]:
        """Forget keys whose newest post is older than the window."""
        for key in [key for key, window in self.windows.items() if at - window.entries[-1].at > self.length]:
            del self.windows[key]
        return ()

    def idle(self, before: int) -> bool:
        """Whether every window has run out."""
        return all(before - window.entries[-1].at >= self.length for window in self.windows.values())

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self).__new__(type(self))
        twin.needed, twin.length = self.needed, self.length
        twin.windows = {key: window.copy() for key, window in self.windows.items()}
        return twin


class Flatline(Windows):
    """Fewer than `threshold` posts younger than `timeframe`, once a key has been watched that long.

    The newest `threshold` posts decide, so no more are kept: the others are older than all that runs out after them.
    """

    ticking = True

    def __init__(self, options: FlatlineOptions, *, keyed: bool) -> None:
        self.threshold = options.threshold
        self.enough = max(1, math.ceil(options.threshold))
        self.length = span(options.timeframe)
        self.forget = options.forget_keys
        self.keyed = keyed
        self.windows: dict[Key, Window] = {}
        #: Since when a key is watched.
        self.since: dict[Key, int] = {}

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        return self.batch([event])

    def batch(self, events: Iterable[Event]) -> list[Outcome]:
        """Posts one query returned together: all are counted, then the last one's key is judged, as ElastAlert2 does."""
        last = None
        for last in events:
            window = self._window(last.key)
            window.put(Entry(last.at, 1, last))
            window.keep(self.enough)
        return [] if last is None else self._judge(last.key)

    def tick(self, at: int) -> Sequence[Outcome]:
        """Judge every key that has been seen; without keys, silence from the start counts too."""
        keys = list(self.windows) or ([] if self.keyed else [ALL])
        outcomes = []
        for key in keys:
            self._window(key).put(Entry(at, 0, Event(at), counts=False))
            self.since.setdefault(key, at)
            outcomes += self._judge(key)
        return outcomes

    def awake(self) -> bool:
        """Silence is the finding, so every tick counts once a key is known."""
        return bool(self.windows) or not self.keyed

    def _window(self, key: Key) -> Window:
        window = self.windows.get(key)
        if window is None:
            window = self.windows[key] = Window(self.length)
        return window

    def _judge(self, key: Key) -> list[Outcome]:
        window = self.windows[key]
        newest = window.entries[-1]
        if newest.at - self.since.setdefault(key, newest.at) < self.length or window.total >= self.threshold:
            return []
        if self.forget:
            del self.since[key], self.windows[key]
        else:
            # Judged again at every post and tick until it fills up.
            self.since[key] = min(window.entries[0].at, newest.at - self.length)
        post = newest.event.ref if newest.counts else None
        return [Outcome(key, newest.at, {"count": window.total}, window.refs(), post)]

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self).__new__(type(self))
        twin.threshold, twin.enough, twin.length = self.threshold, self.enough, self.length
        twin.forget, twin.keyed = self.forget, self.keyed
        twin.windows = {key: window.copy() for key, window in self.windows.items()}
        twin.since = dict(self.since)
        return twin


class Spike(Windows):
    """The current window against the reference window that the current one feeds."""

    ticking = True

    def __init__(self, options: SpikeOptions, *, keyed: bool) -> None:
        self.options = options
        self.length = span(options.timeframe)
        self.new_data = keyed and options.alert_on_new_data
        # One key's warm-up opens the gate for all others.
        self.independent = not self.new_data
        self.current: dict[Key, Window] = {}
        self.reference: dict[Key, Window] = {}
        self.first: dict[Key, int] = {}
        self.mute_until: dict[Key, int] = {}
        self.warm = False

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        amount = self._amount(event.fields)
        return [] if amount is None else self._put(event.key, Entry(event.at, amount, event))

    def tick(self, at: int) -> Sequence[Outcome]:
        """Size the windows by the clock; a key with both empty is forgotten, its warm-up is not."""
        outcomes: list[Outcome] = []
        for key in list(self.current):
            if key != ALL and not self.current[key].total and not self.reference[key].total:
                del self.current[key], self.reference[key]
                continue
            outcomes += self._put(key, Entry(at, 0, Event(at), counts=False))
        return outcomes

    def awake(self) -> bool:
        """Whether a window still moves."""
        return bool(self.current)

    def _amount(self, fields: Mapping[str, Any]) -> int | None:
        """What a post counts: one, or the whole number in `field_value`; None leaves it out."""
        if self.options.field_value is None:
            return 1
        try:
            return int(fields[self.options.field_value])
        except (KeyError, TypeError, ValueError):
            return None

    def _put(self, key: Key, entry: Entry) -> list[Outcome]:
        first = self.first.setdefault(key, entry.at)
        current = self.current.get(key)
        if current is None:
            current = self.current[key] = Window(self.length)
            self.reference[key] = Window(self.length)
        reference = self.reference[key]
        for fallen in current.put(entry):
            reference.put(fallen)
        if entry.at - first >= 2 * self.length:
            self.warm = True
        elif not self._early(key, entry.at):
            return []
        return self._judge(key, current, reference)

    def _early(self, key: Key, at: int) -> bool:
        """May a key match before its own warm-up?"""
        return self.warm and self.new_data and at >= self.mute_until.get(key, at)

    def _judge(self, key: Key, current: Window, reference: Window) -> list[Outcome]:
        counting = self.options.field_value is None
        now: float | None = current.total if counting else current.mean()
        before: float | None = reference.total if counting else reference.mean()
        if not self._spiked(now, before):
            return []
        # The oldest post that counts; a dip to nothing has none and is stamped with the tick.
        stamp = next((e for e in current.entries if (e.amount if counting else e.counts)), current.entries[-1])
        values = {"spike_count": now, "reference_count": before}
        # ElastAlert2 calls the missing key so where no post can show that it is missing.
        shown = "other" if key is None and not stamp.counts else key
        outcome = Outcome(shown, stamp.at, values, current.refs(), stamp.event.ref if stamp.counts else None)
        reference.clear()
        del self.first[key]
        self.mute_until[key] = stamp.at + 2 * self.length
        return [outcome]

    def _spiked(self, now: float | None, before: float | None) -> bool:
        options = self.options
        if options.field_value is None:
            if now is None or before is None or now < options.threshold_cur or before < options.threshold_ref:
                return False
        elif not now or not before:
            return False
        up = options.spike_type in ("up", "both") and now >= before * options.spike_height
        down = options.spike_type in ("down", "both") and now <= before / options.spike_height
        return up or down

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self).__new__(type(self))
        twin.options, twin.length = self.options, self.length
        twin.new_data, twin.independent, twin.warm = self.new_data, self.independent, self.warm
        twin.current = {key: window.copy() for key, window in self.current.items()}
        twin.reference = {key: window.copy() for key, window in self.reference.items()}
        twin.first, twin.mute_until = dict(self.first), dict(self.mute_until)
        return twin

"""The windows of one live rule: one timeline per key where keys do not depend on each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from rules.schema import FlatlineOptions, Rule
from rules.timeline import NO_CHANGE, Delta, Stream, Timeline
from rules.windows.events import ALL, NOTHING, Event, Outcome, span
from rules.windows.families import machine, pace


class Row(NamedTuple):
    """A match as the log holds it."""

    seq: int
    rule: str
    version: str
    key: str
    event_time: int
    recorded_at: int
    post: str
    #: JSON text as the database gives it, or what was read from it.
    fields: Mapping[str, Any] | str | None


class RuleWindows:
    """Windows of a rule since `since`, in microseconds."""

    def __init__(self, rule: Rule, since: int) -> None:
        self.rule = rule
        self.keyed = bool(rule.key_fields)
        self.pace = pace(rule)
        self.lateness = span(rule.lateness)
        self.since = since
        self.late = 0
        #: Reads what was counted before; None once it has been read.
        self.unread: Callable[[], Iterable[Row]] | None = None
        self.newest = since
        self.prototype = machine(rule)
        self.timelines: dict[str, Timeline] = {}
        if isinstance(rule.options, FlatlineOptions) and not self.keyed:
            # Silence from the very start is a finding too.
            self._start("", since)

    def load(self, rows: Callable[[], Iterable[Row]]) -> None:
        """Take in matches that have been counted before, in any order; nothing is said.

        They are only read when the rule is next needed, so that a start does not wait for a day's windows.
        """
        self.unread = rows if self.prototype.remembers else None

    def _read(self) -> None:
        if self.unread is None:
            return
        unread, self.unread = self.unread(), None
        by_timeline: dict[str, list[Event]] = {}
        for row in unread:
            if row.recorded_at - row.event_time <= self.lateness:
                by_timeline.setdefault(self._name(row), []).append(self._event(row))
            self.newest = max(self.newest, row.recorded_at)
        for name, events in by_timeline.items():
            self._timeline(name, min(event.at for event in events)).load(events)

    def add(self, *rows: Row) -> list[Delta]:
        """New matches, and what they changed in each timeline."""
        self._read()
        deltas: list[Delta] = []
        by_timeline: dict[str, list[Event]] = {}
        for row in rows:
            self.newest = max(self.newest, row.recorded_at)
            if row.recorded_at - row.event_time > self.lateness:
                self.late += 1
            elif self.prototype.remembers:
                by_timeline.setdefault(self._name(row), []).append(self._event(row))
            elif outcomes := self.prototype.add(self._event(row)):
                deltas.append(Delta(outcomes))
        for name, events in by_timeline.items():
            deltas.append(self._timeline(name, min(event.at for event in events)).add(events))
        return [delta for delta in deltas if delta is not NO_CHANGE]

    def advance(self, until: int) -> list[Outcome]:
        """Let the clock go on for every key."""
        if not self.prototype.ticking:
            return []
        self._read()
        return [outcome for timeline in self.timelines.values() for outcome in timeline.advance(until)]

    def forget(self) -> None:
        """Let go of what no match can change any more; the clock is that of the newest match."""
        if self.unread is not None:
            return
        before = self.newest - self.lateness
        for name, timeline in list(self.timelines.items()):
            timeline.forget(before)
            over = not timeline.events or timeline.events[-1].at < before
            if over and timeline.stream.machine.idle(before):
                del self.timelines[name]

    def _name(self, row: Row) -> str:
        return row.key if self.prototype.independent else ""

    def _event(self, row: Row) -> Event:
        fields = json.loads(row.fields) if isinstance(row.fields, str) else row.fields
        return Event(row.event_time, row.key if self.keyed else ALL, fields or NOTHING, row.post)

    def _timeline(self, name: str, at: int) -> Timeline:
        timeline = self.timelines.get(name)
        # A post may come before the first one that was seen, but no earlier than it may be late.
        return self._start(name, at - self.lateness) if timeline is None else timeline

    def _start(self, name: str, clock: int) -> Timeline:
        timeline = self.timelines[name] = Timeline(Stream(self.prototype.copy(), self.pace, clock))
        return timeline

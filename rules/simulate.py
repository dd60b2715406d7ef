"""Streams of flat events through a rule: what `caifeng rules simulate` prints and rules' own tests run.

A line is `{"events": […]}`, `{"tick": time}` or `{"run": {"now": time, "events": […]}}`. The first two give every
finding of the step; a run gives its notifications, after realert and aggregation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.clock import SHANGHAI
from core.errors import ConfigError, Fault, QuerySyntax
from rules import noise
from rules.flat import Test, expression, lookup, numerator
from rules.reading import names
from rules.schema import UNMATCHED, PercentageMatchOptions, Rule
from rules.windows.events import ALL, Event, Key, Machine, Outcome, hashable, moment, ticks
from rules.windows.families import machine

TIME = "published_at"

#: Values a finding of a type carries, by the names of docs/rules.md; the others carry none.
CARRIED = {
    "change": ("old_value", "new_value"),
    "spike": ("spike_count", "reference_count"),
    "flatline": ("count",),
    "new_term": ("new_field", "missing_field"),
    "percentage_match": ("percentage", "denominator"),
    "metric_aggregation": ("metric_agg_value",),
}


@dataclass(slots=True)
class Groups:
    """Realert and aggregation of the runs of one rule, by the clock of the run."""

    rests: dict[str | None, noise.Rest] = field(default_factory=dict)
    open: dict[str, tuple[datetime, list[Outcome]]] = field(default_factory=dict)


class Simulation:
    """One rule and the stream so far."""

    def __init__(self, rule: Rule, *, ticked: bool) -> None:
        """`ticked`: whether the stream has ticks at all; without any, a later post ends a bucket.

        Raises ConfigError for a query that cannot be read, and for a type that is fed by facts.
        """
        if rule.type in UNMATCHED:
            raise ConfigError(f"{rule.type} 依据信源或事件的状态，不能用帖文流模拟")
        # Relative times of a query count back from the start of the epoch of the stream, which has no clock.
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        self.rule = rule
        self.matches = _test(rule.query, epoch)
        self.machine: Machine = machine(rule, matches=_numerator(rule, epoch), ticked=ticked)
        self.names = names(rule)
        self.groups = Groups()
        self.style: Callable[[datetime], str] = _in_utc
        #: Events of the last step that could not be read, each with its field.
        self.faults: list[str] = []

    def step(self, line: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Findings of one line; unreadable events are left out and named in `faults`. Raises ValueError."""
        self.faults.clear()
        match line:
            case {"events": list(events)}:
                return [self._shown(outcome) for outcome in self.machine.batch(self._events(events))]
            case {"tick": at}:
                return [self._shown(outcome) for outcome in self.machine.tick(ticks(self._time(at, "tick")))]
            case {"run": {"now": at, "events": list(events)}}:
                return self._run(self._time(at, "run.now"), events)
            case {"run": {"now": at}}:
                return self._run(self._time(at, "run.now"), [])
        raise ValueError("a step is {events: […]}, {tick: time} or {run: {now: time, events: […]}}")

    def _run(self, now: datetime, events: Sequence[Any]) -> list[dict[str, Any]]:
        """One pass: send the groups that are due, judge the posts and the clock, then realert and aggregation."""
        outcomes = [*self.machine.batch(self._events(events)), *self.machine.tick(ticks(now))]
        sent = self._due_groups(now)
        for outcome in outcomes:
            if self._rests(outcome, now):
                continue
            if not self.rule.aggregation:
                sent.append([outcome])
            else:
                self._join(outcome, now)
        return [self._notification(matches) for matches in sent]

    def _due_groups(self, now: datetime) -> list[list[Outcome]]:
        due = [name for name, (at, _) in self.groups.open.items() if now > at]
        return [self.groups.open.pop(name)[1] for name in due]

    def _rests(self, outcome: Outcome, now: datetime) -> bool:
        """Whether the outcome's key rests; when it does not, it begins to."""
        name = None if self._key(outcome) is None else str(self._key(outcome))
        last = self.groups.rests.get(name)
        if noise.rests(last, now):
            return True
        rest = noise.rest_after(self.rule, last, now)
        if rest is not None:
            self.groups.rests[name] = rest
        return False

    def _join(self, outcome: Outcome, now: datetime) -> None:
        name = ", ".join(str(self._field(outcome, part)) for part in self.rule.aggregation_key or [])
        if name not in self.groups.open:
            due = noise.group_due(self.rule, now)
            assert due is not None  # noqa: S101 - the rule has an aggregation
            self.groups.open[name] = (due, [])
        self.groups.open[name][1].append(outcome)

    def _field(self, outcome: Outcome, name: str) -> Any:
        if (name,) == self.rule.key_fields:
            return outcome.key
        return lookup(outcome.post, name) if isinstance(outcome.post, Mapping) else outcome.values.get(name)

    def _notification(self, matches: Sequence[Outcome]) -> dict[str, Any]:
        return {**self._shown(matches[0]), "matches": [self._shown(outcome) for outcome in matches]}

    def _shown(self, outcome: Outcome) -> dict[str, Any]:
        values = {name: outcome.values[name] for name in CARRIED.get(self.rule.type, ()) if name in outcome.values}
        shown: dict[str, Any] = {"at": self.style(moment(outcome.at))}
        if self.rule.key_fields or self.rule.type == "flatline":
            shown["key"] = outcome.key
        return {**shown, "values": values}

    def _key(self, outcome: Outcome) -> Key | None:
        return outcome.key if self.rule.key_fields or self.rule.type == "flatline" else None

    def _events(self, given: Sequence[Any]) -> list[Event]:
        events = []
        for number, fields in enumerate(given):
            try:
                at = self._time(fields[TIME], f"events[{number}].{TIME}")
            except (KeyError, TypeError):
                self.faults.append(f"events[{number}].{TIME}: missing")
            except ValueError as error:
                self.faults.append(str(error))
            else:
                if self.matches(fields):
                    events.append(Event(ticks(at), self._key_of(fields), self._read(fields), fields))
        return events

    def _read(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the rule's type reads of an event."""
        return {name: value for name in self.names if (value := lookup(fields, name)) is not None}

    def _key_of(self, fields: Mapping[str, Any]) -> Key:
        names = self.rule.key_fields
        if not names:
            return ALL
        if len(names) == 1:
            return hashable(lookup(fields, names[0]))
        return ", ".join(str(lookup(fields, name)) for name in names)

    def _time(self, value: Any, place: str) -> datetime:
        """An instant; findings are printed in the zone of the first one."""
        try:
            written = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValueError(f"{place}: not a time: {value!r}") from None
        if self.style is _in_utc and (written.tzinfo is None or written.utcoffset()):
            zone = written.tzinfo or SHANGHAI
            self.style = lambda at: at.astimezone(zone).isoformat()
        return written if written.tzinfo else written.replace(tzinfo=SHANGHAI)


def _in_utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _test(query: str, now: datetime) -> Test:
    if not query.strip():
        return lambda event: True
    try:
        return expression(query, now)
    except QuerySyntax as error:
        raise ConfigError([Fault(file="", line=None, reason=f"query: {error}")]) from error


def _numerator(rule: Rule, now: datetime) -> Callable[[Event], bool] | None:
    if not isinstance(rule.options, PercentageMatchOptions):
        return None
    try:
        test = numerator(rule.options.match, now)
    except QuerySyntax as error:
        raise ConfigError([Fault(file="", line=None, reason=f"match: {error}")]) from error
    return lambda event: test(event.ref)


def has_ticks(lines: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a stream says when evaluation passes end."""
    return any("tick" in line or "run" in line for line in lines)

"""New matches → windows → findings, each raised once whoever runs.

1. Windows are built again from the log of matches: at the first step, or when their rule is first needed.
2. New matches are read by `seq`; each moves the windows of its rule.
3. Clocks go on: silence, dips and buckets come true without a post; facts are judged.
4. A finding is inserted if nobody has inserted it; who inserts it decides whether people are told, and tells them.
5. Groups that are due are told.

A rule that fails is put aside alone, tried again later and later, and reported; its matches wait in the log.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import F

from rules import health
from rules.facts import Facts, NoFacts
from rules.findings import Sink, Teller
from rules.health import HEALTH_RULE
from rules.live import Row, RuleWindows
from rules.models import Counter, Health, MatchRow
from rules.schema import IncidentOptions, Rule, SilentSourceOptions
from rules.timeline import Delta
from rules.windows.events import Outcome, moment, ticks
from rules.windows.facts import growing, silent
from rules.windows.families import memory

RUNNER = "runner"
#: Until when clocks have gone on, whoever did it: windows are brought there before a new match is counted.
CLOCK = "clock"
#: When facts were asked last, whoever asked: a start does not ask them again at once, for they are hundreds of searches.
FACTS = "facts"
#: Matches per transaction.
_BATCH = 2000
#: Changes told per transaction.
_TOGETHER = 20
#: How often facts are asked, an idle clock is written, and old posts are let go.
_FACTS_EVERY = timedelta(minutes=1)
_CLOCK_EVERY = timedelta(minutes=1)
_FORGET_EVERY = timedelta(minutes=10)
_COLUMNS = ("seq", "rule", "version", "key", "event_time", "recorded_at", "post", "fields")


@dataclass(slots=True)
class _Live:
    """A rule at work."""

    rule: Rule
    #: None while it is ill, and for rules that are fed by facts.
    windows: RuleWindows | None
    #: Newest match it has counted.
    seq: int
    #: Set while it is ill.
    retry_at: datetime | None = None

    @property
    def is_fed_by_facts(self) -> bool:
        """Whether its type reads no posts."""
        return isinstance(self.rule.options, SilentSourceOptions | IncidentOptions)


@dataclass(slots=True)
class _Pass:
    """One step: its clock, whom it tells, and how many findings people were told of."""

    teller: Teller
    now: datetime
    sink: Sink
    told: int = 0

    def tell(self, rule: Rule, outcome: Outcome, *, correction: bool = False) -> None:
        """A finding."""
        self.told += self.teller.tell(rule, outcome, self.now, self.sink, correction=correction)


class Runner:
    """All enabled rules of a profile. One per process; any number of processes."""

    def __init__(
        self, rules: Iterable[Rule], *, facts: Facts | None = None, faults: Mapping[str, str] | None = None
    ) -> None:
        """`faults`: rules whose query cannot be read (`Matcher.faults`); each is reported."""
        self.rules = {rule.id: rule for rule in rules if rule.enabled}
        self.facts = facts or NoFacts()
        self.faults = dict(faults or {})
        self._live: dict[str, _Live] = {}
        self._seq = 0
        self._loaded = False
        self._failed: list[tuple[_Live, Exception]] = []
        self._facts_at = moment(0)
        self._clock_at: datetime | None = None
        self._forgot_at: datetime | None = None

    def step(self, now: datetime, sink: Sink) -> int:
        """Count all new matches and let the clock go on to `now`; return how many findings people were told of."""
        try:
            if not self._loaded:
                self._load(now)
            return self._pass(_Pass(Teller(self.facts), now, sink))
        except Exception:
            # The transaction is gone but the windows have moved: build them again from the rows next time.
            self._loaded = False
            raise

    def pause(self) -> None:
        """Let go of the windows: another worker runs the rules. The next step builds them again."""
        self._live.clear()
        self._loaded = False

    def _load(self, now: datetime) -> None:
        """Build every rule's windows again from the matches that were counted before."""
        self._seq = _value(RUNNER)
        self._facts_at = moment(_value(FACTS))
        rows = health.rows_of(self.rules.values(), now)
        self._live = {rule.id: self._born(rule, rows[rule.id]) for rule in self.rules.values()}
        self._fill([live for live in self._live.values() if live.windows is not None], now)
        self._forgot_at = now
        self._loaded = True

    def _born(self, rule: Rule, row: Health) -> _Live:
        live = _Live(rule, None, self._seq if row.seq is None else row.seq)
        if row.seq is not None:
            live.retry_at = row.retry_at
        elif rule.id not in self.faults and not live.is_fed_by_facts:
            live.windows = RuleWindows(rule, ticks(row.since))
        return live

    def _fill(self, lives: Iterable[_Live], now: datetime) -> None:
        """Say where the log of each rule is. Those that clocks move read it now, the others when a post comes."""
        clock = _value(CLOCK)
        for live in lives:
            try:
                if live.windows is not None:
                    live.windows.load(partial(_counted_before, live.rule, live.seq, now))
                    live.windows.advance(clock)
            except Exception as error:  # noqa: BLE001 - any fault of one rule is that rule's alone
                self._failed.append((live, error))

    def _pass(self, this: _Pass) -> int:
        if self._something_is_wrong(this.now):
            with _telling(this.teller):
                self._report_unreadable(this)
                self._recover(this)
        if ticked := self._ticked(_value(CLOCK), this):
            with _telling(this.teller):
                self._tell(ticked, this)
        while rows := self._new_rows():
            self._apply(self._counted(rows, this), this)
            self._seq = rows[-1].seq
            with transaction.atomic():
                _raise_to(RUNNER, self._seq)
        came_true = [*self._ticked(ticks(this.now), this), *self._judged_facts(this)]
        if came_true or this.teller.failures or self._clock_is_old(this.now) or this.teller.has_groups(this.now):
            # An idle step takes no lock.
            with _telling(this.teller):
                self._tell(came_true, this)
                self._report_untold(this)
                this.told += this.teller.send_groups({**self.rules, HEALTH_RULE.id: HEALTH_RULE}, this.now, this.sink)
                _raise_to(CLOCK, ticks(this.now))
        this.teller.write()
        self._forget(this.now)
        return this.told

    def _new_rows(self) -> list[Row]:
        fresh = MatchRow.objects.filter(seq__gt=self._seq).order_by("seq").values_list(*_COLUMNS)[:_BATCH]
        return [Row(*values) for values in fresh]

    def _counted(self, rows: Iterable[Row], this: _Pass) -> list[tuple[Rule, Delta]]:
        """What new matches change. Those of a rule are counted together, for late ones make its windows run again."""
        by_rule: dict[str, list[Row]] = {}
        for row in rows:
            by_rule.setdefault(row.rule, []).append(row)
        return [
            change for name, its in by_rule.items() for change in self._counted_for(self._live.get(name), its, this)
        ]

    def _counted_for(self, live: _Live | None, rows: Iterable[Row], this: _Pass) -> list[tuple[Rule, Delta]]:
        if live is None or live.windows is None:
            return []
        fresh = [row for row in rows if row.version == live.rule.version and row.seq > live.seq]
        try:
            deltas = live.windows.add(*fresh)
        except Exception as error:  # noqa: BLE001 - any fault of one rule is that rule's alone
            self._put_aside(live, error, this)
            return []
        live.seq = max([live.seq, *(row.seq for row in fresh)])
        return [(live.rule, delta) for delta in deltas]

    def _apply(self, changes: Iterable[tuple[Rule, Delta]], this: _Pass) -> None:
        """A few findings per transaction, for their messages wait for its end.

        Withdraw what a late post made untrue; of what came true, as many only take its place.
        """
        left = iter(changes)
        while some := list(itertools.islice(left, _TOGETHER)):
            this.teller.look_up([(rule, outcome) for rule, delta in some for outcome in delta.appeared])
            with _telling(this.teller):
                for rule, delta in some:
                    for outcome in delta.vanished:
                        this.teller.withdraw(rule, outcome)
                    for number, outcome in enumerate(delta.appeared):
                        this.tell(rule, outcome, correction=number < len(delta.vanished))

    def _something_is_wrong(self, now: datetime) -> bool:
        ill = any(live.retry_at is not None and live.retry_at <= now for live in self._live.values())
        return bool(self.faults or self._failed or ill)

    def _clock_is_old(self, now: datetime) -> bool:
        """Once a minute the clock is written even when nothing came true, so that a restart has little to repeat."""
        if self._clock_at is not None and now - self._clock_at < _CLOCK_EVERY:
            return False
        self._clock_at = now
        return True

    def _tell(self, outcomes: Iterable[tuple[Rule, Outcome]], this: _Pass) -> None:
        for rule, outcome in outcomes:
            this.tell(rule, outcome)

    def _ticked(self, until: int, this: _Pass) -> list[tuple[Rule, Outcome]]:
        """What comes true by the clock alone."""
        found: list[tuple[Rule, Outcome]] = []
        for live in self._live.values():
            if live.windows is not None:
                try:
                    found += [(live.rule, outcome) for outcome in live.windows.advance(until)]
                except Exception as error:  # noqa: BLE001 - any fault of one rule is that rule's alone
                    self._put_aside(live, error, this)
        return found

    def _judged_facts(self, this: _Pass) -> list[tuple[Rule, Outcome]]:
        """Silent sources and growing incidents."""
        if timedelta() <= this.now - self._facts_at < _FACTS_EVERY:
            return []
        self._facts_at = this.now
        _raise_to(FACTS, ticks(this.now))
        found: list[tuple[Rule, Outcome]] = []
        for live in self._live.values():
            if live.is_fed_by_facts and live.retry_at is None:
                try:
                    found += [(live.rule, outcome) for outcome in self._facts_of(live.rule, this)]
                except Exception as error:  # noqa: BLE001 - any fault of one rule is that rule's alone
                    self._put_aside(live, error, this)
        return found

    def _facts_of(self, rule: Rule, this: _Pass) -> list[Outcome]:
        match rule.options:
            case SilentSourceOptions() as options:
                return silent(options, self.facts.silences(this.now), this.now)
            case IncidentOptions() as options:
                grown = growing(options, self.facts.incidents(options, this.now), this.now)
                # What was said stays true for hours: its evidence is not looked up every minute.
                return [
                    outcome._replace(evidence=self.facts.newest_posts(str(outcome.key)))
                    for outcome in this.teller.unsaid(rule, grown)
                ]
            case _:
                return []

    def _put_aside(self, live: _Live, error: Exception, this: _Pass) -> None:
        """The rule rests until its next try; the others go on. A database that fails is no rule's fault."""
        if isinstance(error, DatabaseError):
            raise error
        row = health.fall_ill(live.rule, error, live.seq, this.now)
        live.windows, live.retry_at = None, row.retry_at
        this.tell(HEALTH_RULE, health.illness(live.rule, row))

    def _recover(self, this: _Pass) -> None:
        """Try ill rules again: build their windows, then count what they missed."""
        for live in self._live.values():
            if live.windows is None and live.retry_at is not None and live.retry_at <= this.now:
                health.recover(live.rule)
                live.retry_at = None
                if not live.is_fed_by_facts:
                    self._catch_up(live, this)
        for live, error in self._failed:
            self._put_aside(live, error, this)
        self._failed.clear()

    def _catch_up(self, live: _Live, this: _Pass) -> None:
        row = Health.objects.get(rule=live.rule.id)
        live.windows = RuleWindows(live.rule, ticks(row.since))
        self._fill([live], this.now)
        missed = MatchRow.objects.filter(rule=live.rule.id, seq__gt=live.seq, seq__lte=self._seq)
        rows = [Row(*values) for values in missed.order_by("seq").values_list(*_COLUMNS)]
        self._apply(self._counted_for(live, rows, this), this)

    def _report_unreadable(self, this: _Pass) -> None:
        for name in [name for name in self.faults if name in self.rules]:
            this.tell(HEALTH_RULE, health.unreadable(self.rules[name], self.faults.pop(name), this.now))

    def _report_untold(self, this: _Pass) -> None:
        """Findings the desk could not take are kept; that it could not is a finding too."""
        refused = {rule.id: (rule, text) for rule, text in this.teller.failures if rule.id != HEALTH_RULE.id}
        this.teller.failures.clear()
        for rule, text in refused.values():
            this.tell(HEALTH_RULE, health.untold(rule, text, this.now))

    def _forget(self, now: datetime) -> None:
        """Let go of posts that nothing can change any more, and count those that came too late."""
        if self._forgot_at is not None and now - self._forgot_at < _FORGET_EVERY:
            return
        self._forgot_at = now
        for live in self._live.values():
            if live.windows is not None:
                live.windows.forget()
                if live.windows.late:
                    Health.objects.filter(rule=live.rule.id).update(late=F("late") + live.windows.late)
                    live.windows.late = 0


def _counted_before(rule: Rule, seq: int, now: datetime) -> list[Row]:
    """What the rule's windows remember of the matches up to `seq`; read as the database gives it, for it is much."""
    start = ticks(now - rule.lateness - memory(rule))
    counted = MatchRow.objects.filter(rule=rule.id, version=rule.version, event_time__gte=start, seq__lte=seq)
    sql, parameters = counted.values_list(*_COLUMNS).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [Row._make(values) for values in cursor.fetchall()]


@contextmanager
def _telling(teller: Teller) -> Iterator[None]:
    """A transaction that tells findings. Runners take turns: every one finds the same, but not in the same order,
    and two that insert the same rows crosswise wait for each other.
    """
    with transaction.atomic():
        Counter.objects.get_or_create(name=RUNNER)
        list(Counter.objects.select_for_update().filter(name=RUNNER))
        yield
        teller.write()


def _value(name: str) -> int:
    row = Counter.objects.filter(name=name).first()
    return 0 if row is None else row.value


def _raise_to(name: str, value: int) -> None:
    """For whoever starts next; another worker may be ahead of us."""
    Counter.objects.get_or_create(name=name)
    Counter.objects.filter(name=name, value__lt=value).update(value=value)

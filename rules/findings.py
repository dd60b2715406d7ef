"""From an outcome to a finding people are told of: inserted once, muted with a reason, grouped, or told."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter as Tally
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db import Error as DatabaseError
from django.db import IntegrityError, transaction

from core.clock import SHANGHAI
from core.model import Finding, TaggedPost
from rules import noise
from rules.facts import Facts
from rules.models import FindingRow, MatchRow, Quiet, Silence
from rules.reading import event_time
from rules.reasons import reason
from rules.schema import Rule
from rules.timeline import name_of
from rules.windows.events import Outcome, moment
from storage import writing

log = logging.getLogger(__name__)

#: Called inside the transaction that inserts the finding.
Sink = Callable[[Finding, Rule], None]

#: Posts named as evidence; the counts say how many there were.
EVIDENCE = 50
#: A finding of another key of the same incident joins the first one's alert this long.
_SAME_MATTER = timedelta(hours=24)
#: Findings a post can be evidence of lie this close to it.
_NEAR = timedelta(days=35)
#: A finding the desk could not take is offered again after this.
_AGAIN = timedelta(minutes=1)

State = FindingRow.State
#: The name first.
_COLUMNS = tuple(field.attname for field in FindingRow._meta.concrete_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a finding, and why."""

    state: FindingRow.State
    why: str = ""
    due_at: datetime | None = None


TOLD = Verdict(state=State.RAISED)
CORRECTED = Verdict(state=State.MUTED, why="晚到的内容修正了统计，此前已报告")


def fingerprint(rule: Rule, outcome: Outcome) -> str:
    """Names a finding by its content, the same in every worker and every run."""
    content = "\n".join(map(str, (rule.id, *name_of(outcome))))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def finding(rule: Rule, outcome: Outcome, incident: str | None = None) -> Finding:
    """The finding of an outcome, with its reason."""
    values: dict[str, Any] = {"posts": len(outcome.evidence), **outcome.values}
    return Finding(
        rule=rule.id,
        key=str(outcome.key) if rule.key_fields or outcome.once else "",
        at=moment(outcome.at),
        reason=reason(rule, outcome),
        evidence=tuple(str(ref) for ref in outcome.evidence[:EVIDENCE]),
        values=values,
        incident=incident,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the tables say about some outcomes."""

    #: Fingerprints looked up, and those of them that stand there already.
    asked: frozenset[str] = frozenset()
    known: set[str] = field(default_factory=set)
    #: (rule, post) → incident.
    incidents: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def incident(self, rule: Rule, outcome: Outcome) -> str | None:
        """The incident most of the evidence belongs to."""
        if rule.type == "incident":
            return str(outcome.key)
        found = (self.incidents.get((rule.id, post)) for post in _evidence(outcome))
        common = Tally(filter(None, found)).most_common(1)
        return common[0][0] if common else None


class Teller:
    """Writes findings and tells them through a sink. Before its transaction ends, `write` must be called."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.failures: list[tuple[Rule, str]] = []
        self._hushes: list[noise.Hush] | None = None
        self._seen = _Seen()
        self._rests: dict[tuple[str, str], noise.Rest | None] = {}
        #: Muted findings and fingerprints of withdrawn ones, to be written together.
        self._muted: dict[str, FindingRow] = {}
        self._withdrawn: set[str] = set()

    def tell(self, rule: Rule, outcome: Outcome, now: datetime, sink: Sink, *, correction: bool = False) -> bool:
        """Insert the finding if nobody has; tell it unless something mutes it. True when people were told.

        A correction is a finding that a late post only moved: it is kept, but nobody is told twice.
        """
        name = fingerprint(rule, outcome)
        if name in self._withdrawn:
            self.write()
        if name not in self._seen.asked:
            self.look_up([(rule, outcome)])
        if name in self._seen.known or name in self._muted:
            return False
        found = finding(rule, outcome, self._seen.incident(rule, outcome))
        rest = self._last_rest(rule, found.key)
        if outcome.post is None and not outcome.once and noise.rests(rest, now):
            # A silence that goes on says so at every tick; once per rest is enough to keep.
            return False
        verdict = CORRECTED if correction else self._verdict(rule, found, rest, now)
        row = _row(rule, name, found, verdict, now)
        if verdict.state == State.MUTED:
            self._muted[name] = row
            return False
        try:
            with transaction.atomic():
                row.save(force_insert=True)
                # The key rests once people are, or will be, told.
                self._rests[rule.id, found.key] = _rest(rule, found.key, rest, now)
                return verdict.state == State.RAISED and self._told(name, rule, found, now, sink)
        except IntegrityError:
            # Another worker was first.
            _true_again([name])
            return False

    def withdraw(self, rule: Rule, outcome: Outcome) -> None:
        """A late post made it untrue: the row stays and says so."""
        name = fingerprint(rule, outcome)
        if name in self._muted:
            self.write()
        self._withdrawn.add(name)
        self._seen.known.discard(name)

    def write(self) -> None:
        """Write what nobody is told of, all at once."""
        if self._withdrawn:
            FindingRow.objects.filter(fingerprint__in=self._withdrawn).update(state=State.REVISED)
        if self._muted:
            _true_again(self._muted)
            writing.insert(FindingRow, _COLUMNS, map(attrgetter(*_COLUMNS), self._muted.values()), unique=_COLUMNS[:1])
        self._muted, self._withdrawn = {}, set()

    def look_up(self, outcomes: Sequence[tuple[Rule, Outcome]]) -> None:
        """Read at once, best before the transaction, what telling these reads of the tables."""
        names = [fingerprint(rule, outcome) for rule, outcome in outcomes]
        told = FindingRow.objects.filter(fingerprint__in=names).exclude(state=State.REVISED)
        posts = {post for _, outcome in outcomes for post in _evidence(outcome)}
        rows = MatchRow.objects.filter(post__in=posts).exclude(incident=None).values_list("rule", "post", "incident")
        self._seen = _Seen(
            asked=frozenset(names),
            known=set(told.values_list("fingerprint", flat=True)),
            incidents={(rule, post): str(incident) for rule, post, incident in rows},
        )

    def unsaid(self, rule: Rule, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Those that no worker has said yet."""
        self.look_up([(rule, outcome) for outcome in outcomes])
        return [outcome for outcome in outcomes if fingerprint(rule, outcome) not in self._seen.known]

    def _last_rest(self, rule: Rule, key: str) -> noise.Rest | None:
        """One teller lives for one pass, in which nobody else changes rests."""
        if (rule.id, key) not in self._rests:
            self._rests[rule.id, key] = _last_rest(rule, key)
        return self._rests[rule.id, key]

    def has_groups(self, now: datetime) -> bool:
        """Whether a group is due."""
        return FindingRow.objects.filter(state=State.HELD, due_at__lt=now).exists()

    def send_groups(self, rules: Mapping[str, Rule], now: datetime, sink: Sink) -> int:
        """Tell every group that is due: one finding with all evidence."""
        due = FindingRow.objects.filter(state=State.HELD, due_at__lt=now).order_by("due_at", "at")
        groups: dict[tuple[str, str, datetime | None], list[FindingRow]] = {}
        for row in due:
            groups.setdefault((row.rule, row.group, row.due_at), []).append(row)
        return sum(self._send(rules[name], rows, now, sink) for (name, _, _), rows in groups.items() if name in rules)

    def _send(self, rule: Rule, rows: Sequence[FindingRow], now: datetime, sink: Sink) -> bool:
        names = [row.fingerprint for row in rows]
        try:
            with transaction.atomic():
                if FindingRow.objects.filter(fingerprint__in=names, state=State.HELD).update(state=State.RAISED) == 0:
                    return False
                sink(_joined(rows), rule)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - a finding the desk cannot take must not stop the others
            self._refused(rule, error)
            FindingRow.objects.filter(fingerprint__in=names).update(due_at=now + _AGAIN)
            return False
        return True

    def _told(self, name: str, rule: Rule, found: Finding, now: datetime, sink: Sink) -> bool:
        """Hand the finding over; one that is not taken is kept and offered again."""
        try:
            with transaction.atomic():
                sink(_same_matter(rule, found, now), rule)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - one finding must not stop the others
            self._refused(rule, error)
            FindingRow.objects.filter(fingerprint=name).update(state=State.HELD, due_at=now + _AGAIN)
            return False
        return True

    def _refused(self, rule: Rule, error: Exception) -> None:
        log.error("finding not taken", exc_info=error, extra={"rule": rule.id})
        self.failures.append((rule, f"预警未能生成：{error}"))

    def _verdict(self, rule: Rule, found: Finding, rest: noise.Rest | None, now: datetime) -> Verdict:
        """Muted by a person, an open graver alert or the key's rest; held by quiet times or aggregation; else told."""
        if self._hushes is None:
            # One teller lives for one pass.
            self._hushes = _hushes(now)
        why = noise.hushed(rule, found.key, found.incident, self._hushes) or (
            noise.inhibited(rule, self.facts.open_levels(found.incident)) if found.incident else ""
        )
        if why:
            return Verdict(state=State.MUTED, why=why)
        if noise.rests(rest, now):
            return Verdict(state=State.MUTED, why="刚刚报告过，间隔未到")
        if quiet := noise.quiet_time(rule, now):
            return Verdict(state=State.HELD, why=quiet[1], due_at=quiet[0])
        if due := _open_group(rule, found, now) or noise.group_due(rule, now):
            return Verdict(state=State.HELD, why="汇总后一并报告", due_at=due)
        return TOLD


def about(rule: Rule, post: TaggedPost) -> list[str]:
    """Findings a post is evidence of: when, why, and what became of each."""
    at = event_time(post.post)
    near = FindingRow.objects.filter(rule=rule.id, at__gte=at - _NEAR, at__lte=at + _NEAR).order_by("at")
    return [
        f"{row.at.astimezone(SHANGHAI):%m-%d %H:%M} {row.get_state_display()}"
        f"{f'（{row.muted_by}）' if row.muted_by else ''}：{row.reason}"
        for row in near
        if post.post.id in row.evidence
    ]


def _true_again(names: Collection[str]) -> None:
    """Those that had been revised hold again; nobody is told twice."""
    FindingRow.objects.filter(fingerprint__in=names, state=State.REVISED).update(state=State.MUTED)


def _row(rule: Rule, name: str, found: Finding, verdict: Verdict, now: datetime) -> FindingRow:
    return FindingRow(
        fingerprint=name,
        rule=rule.id,
        version=rule.version,
        key=found.key[:256],
        at=found.at,
        found_at=now,
        reason=found.reason,
        values=dict(found.values),
        evidence=list(found.evidence),
        incident=found.incident,
        state=verdict.state,
        muted_by=verdict.why,
        due_at=verdict.due_at,
        group=_group(rule, found),
    )


def _group(rule: Rule, found: Finding) -> str:
    """Findings are grouped by `aggregation_key` where it is part of the key or the values; else all together."""
    names = rule.aggregation_key or []
    own = dict(zip(rule.key_fields, found.key.split(", "), strict=False))
    return ", ".join(str(own.get(name, found.values.get(name, ""))) for name in names)[:256]


def _open_group(rule: Rule, found: Finding, now: datetime) -> datetime | None:
    """When the group that still waits is due; None when there is none."""
    if not rule.aggregation:
        return None
    held = FindingRow.objects.filter(rule=rule.id, state=State.HELD, group=_group(rule, found), due_at__gte=now)
    return held.order_by("due_at").values_list("due_at", flat=True).first()


def _joined(rows: Sequence[FindingRow]) -> Finding:
    """One finding for a group: the newest one's place, everybody's evidence."""
    newest = rows[-1]
    evidence = dict.fromkeys(post for row in reversed(rows) for post in row.evidence)
    reasons = newest.reason if len(rows) == 1 else f"{len(rows)} 次汇总：{newest.reason}"
    return Finding(
        rule=newest.rule,
        key=newest.key if len({row.key for row in rows}) == 1 else newest.group,
        at=newest.at,
        reason=reasons,
        evidence=tuple(evidence)[:EVIDENCE],
        values={**newest.values, "findings": len(rows)},
        incident=newest.incident,
    )


def _same_matter(rule: Rule, found: Finding, now: datetime) -> Finding:
    """Give a finding the key under which the rule has raised the same incident before, so that it joins its alert."""
    if found.incident is None:
        return found
    earlier = FindingRow.objects.filter(
        rule=rule.id, incident=found.incident, state=State.RAISED, found_at__gt=now - _SAME_MATTER
    )
    first = earlier.order_by("found_at", "fingerprint").values_list("key", flat=True).first()
    return found if first is None else replace(found, key=first)


def _evidence(outcome: Outcome) -> list[str]:
    return [str(ref) for ref in outcome.evidence[:EVIDENCE]]


def _hushes(now: datetime) -> list[noise.Hush]:
    rows = Silence.objects.filter(starts_at__lte=now, ends_at__gt=now)
    return [
        noise.Hush(
            rule=row.rule, key=row.key, incident=row.incident, owner=row.owner, reason=row.reason, ends_at=row.ends_at
        )
        for row in rows
    ]


def _last_rest(rule: Rule, key: str) -> noise.Rest | None:
    if not rule.silence:
        return None
    row = Quiet.objects.filter(rule=rule.id, key=key[:256]).first()
    return None if row is None else noise.Rest(until=row.until, exponent=row.exponent)


def _rest(rule: Rule, key: str, last: noise.Rest | None, now: datetime) -> noise.Rest | None:
    rest = noise.rest_after(rule, last, now)
    if rest is not None:
        row = Quiet(rule=rule.id, key=key[:256], until=rest.until, exponent=rest.exponent)
        unique, changing = ["rule", "key"], ["until", "exponent"]
        Quiet.objects.bulk_create([row], update_conflicts=True, unique_fields=unique, update_fields=changing)
    return rest

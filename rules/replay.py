"""The live engine over history: what a rule would have found, and what another version would have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import ConfigError
from core.model import Finding, TaggedPost
from core.query import And, Node, Range
from rules import noise
from rules.findings import finding
from rules.matcher import Matcher
from rules.reading import event_time
from rules.schema import UNMATCHED, Rule
from rules.timeline import Stream
from rules.windows.events import ALL, NOTHING, Event, Outcome, moment, ticks
from rules.windows.families import machine, memory, pace
from storage.query import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A finding of history, and whether people would have been told."""

    finding: Finding
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Findings of two versions, by key and instant."""

    only_before: tuple[Replayed, ...]
    only_now: tuple[Replayed, ...]
    both: tuple[Replayed, ...]


def needed(rule: Rule, since: datetime, now: datetime) -> Node:
    """The posts a replay reads: the rule's query, from as far before `since` as its windows remember."""
    if rule.type in UNMATCHED:
        raise ConfigError(f"规则 {rule.id} 依据信源或事件的状态，历史状态不保存，不能回放")
    start = since - memory(rule) - rule.lateness
    return And((parse(rule.query, now), Range("published", low=start, high=now)))


def replay(rule: Rule, posts: Iterable[TaggedPost], *, since: datetime, now: datetime) -> list[Replayed]:
    """Findings from `since` to `now`, oldest first, as a live run would have had them once every post was in."""
    events = sorted(_events(rule, posts, now), key=lambda event: (event.at, event.ref))
    start = events[0].at if events else ticks(since)
    stream = Stream(machine(rule), pace(rule), start)
    outcomes = [outcome for event in events for outcome in stream.push(event)]
    outcomes += stream.advance(ticks(now))
    return [found for found in _told(rule, outcomes) if found.finding.at >= since]


def difference(before: Sequence[Replayed], after: Sequence[Replayed]) -> Difference:
    """What two versions of a rule found differently."""
    was, is_now = {_name(found) for found in before}, {_name(found) for found in after}
    return Difference(
        only_before=tuple(found for found in before if _name(found) not in is_now),
        only_now=tuple(found for found in after if _name(found) not in was),
        both=tuple(found for found in after if _name(found) in was),
    )


def _name(found: Replayed) -> tuple[str, datetime]:
    return (found.finding.key, found.finding.at)


def _events(rule: Rule, posts: Iterable[TaggedPost], now: datetime) -> Iterator[Event]:
    matcher = Matcher([rule.model_copy(update={"enabled": True})], now)
    for post in posts:
        at = min(event_time(post.post), now)
        if post.post.first_seen_at - at > rule.lateness:
            continue
        for hit in matcher.match(post):
            yield Event(ticks(at), hit.key if rule.key_fields else ALL, hit.fields or NOTHING, post.post.id)


def _told(rule: Rule, outcomes: Iterable[Outcome]) -> Iterator[Replayed]:
    """With realert, by the clock of the findings themselves."""
    rests: dict[str, noise.Rest] = {}
    for outcome in outcomes:
        found = finding(rule, outcome)
        last, at = rests.get(found.key), moment(outcome.at)
        told = not noise.rests(last, at)
        rest = noise.rest_after(rule, last, at) if told else None
        if rest is not None:
            rests[found.key] = rest
        yield Replayed(finding=found, told=told)

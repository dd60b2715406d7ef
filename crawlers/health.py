"""How a source stands, in a word and a Chinese sentence. The judgement is pure; `judge_all` is the rim.

`judge_all` also hands what fell silent to whoever raises alerts; this package knows no rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from crawlers import history
from crawlers.models import SourceState
from crawlers.sources import FETCHED, Kind, Source
from storage.models import InboxItem

Health = SourceState.Health
#: Failed crawls in a row that make a source broken rather than unlucky.
BROKEN_AFTER = 3
#: Share of unreadable items of a day, and how many items it takes to say so.
UNREADABLE_SHARE, UNREADABLE_ITEMS = 0.5, 5
#: Below this share of the hours one would expect, a source is slow.
SLOW_SHARE, SLOW_EXPECTED = 0.25, 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the judgement reads."""

    failures: int
    last_ok_at: datetime | None
    last_new_at: datetime | None
    history: history.History
    #: `reason` of the last crawl in Chinese, `blocked`, `stale`: see `crawl.Crawl.outcome`.
    outcome: Mapping[str, Any]
    #: Items of the last day the pipeline has dealt with, and how many of them it could not read.
    read: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The word and the reason; `probability` is of the present gap."""

    health: str
    reason: str
    probability: float = 1.0


def judge(source: Source, facts: Facts, now: datetime) -> Judgement:
    """How a source stands; the gravest that applies, in the order below.

    1. blocked: the other side will not let us in (login page, 401/403/412, robots.txt).
    2. broken: several crawls failed in a row, or most items cannot be read.
    3. silent: nothing new for longer than its own history makes plausible.
    4. slow: an aggregator serves old copies, or far less comes than usual.
    """
    if facts.last_ok_at is None and not facts.failures:
        return Judgement(health=Health.NEW, reason="还没有采集过")
    reason = str(facts.outcome.get("reason", ""))
    if facts.outcome.get("blocked"):
        return Judgement(health=Health.BLOCKED, reason=reason)
    if facts.failures >= BROKEN_AFTER:
        return Judgement(health=Health.BROKEN, reason=f"连续 {facts.failures} 次采集失败：{reason}")
    if facts.read >= UNREADABLE_ITEMS and facts.unreadable / facts.read >= UNREADABLE_SHARE:
        words = f"近一天 {facts.read} 条里有 {facts.unreadable} 条读不出内容，页面结构可能变了"
        return Judgement(health=Health.BROKEN, reason=words)
    return _silent(source, facts, now) or _slow(facts) or Judgement(health=Health.OK, reason=_fine(facts, reason))


def _silent(source: Source, facts: Facts, now: datetime) -> Judgement | None:
    if facts.last_new_at is None:
        return None
    # Only what we looked at can have been empty: while we were blind, the silence was ours. Pushes we never miss.
    until = now if source.kind is Kind.PUSH else min(now, facts.last_ok_at or now)
    gap = until - facts.last_new_at
    if source.silence_after is not None and gap > source.silence_after:
        words = f"已 {duration(gap)}没有新内容，超过为它定的 {duration(source.silence_after)}"
        return Judgement(health=Health.SILENT, reason=words, probability=0.0)
    found = history.silence(facts.history, facts.last_new_at, until)
    if found.probability >= history.SILENT_BELOW:
        return None
    words = (
        f"已 {duration(gap)}没有新内容；按它自己的规律，这段时间应有 {found.expected:.1f} 个小时出新内容，"
        f"一天里出现这么长空白的可能性只有 {_percent(found.probability)}"
    )
    return Judgement(health=Health.SILENT, reason=words, probability=found.probability)


def _slow(facts: Facts) -> Judgement | None:
    if facts.outcome.get("stale"):
        return Judgement(health=Health.SLOW, reason=str(facts.outcome["stale"]))
    active, expected = history.recent_rate(facts.history)
    if expected >= SLOW_EXPECTED and active < expected * SLOW_SHARE:
        words = f"近 24 小时只有 {active} 个小时有新内容，往常约 {expected:.0f} 个小时"
        return Judgement(health=Health.SLOW, reason=words)
    return None


def _fine(facts: Facts, reason: str) -> str:
    if facts.failures:
        return f"上一次采集失败（{reason}），会再试"
    return "正常"


def duration(span: timedelta) -> str:
    """`3 天 4 小时`, `5 小时`, `12 分钟`, with a blank behind it for the sentence."""
    minutes = int(span.total_seconds() // 60)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    return f"{hours} 小时" if hours else f"{minutes} 分钟"


def _percent(probability: float) -> str:
    return "不到 0.1%" if probability < 0.001 else f"{probability * 100:.1f}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentSource:
    """A source that fell silent, as the rule type `silent_source` wants it."""

    source: str
    name: str
    #: When the last new item came.
    since: datetime
    probability: float
    reason: str


def facts_of(row: SourceState, now: datetime) -> Facts:
    """What a row and the inbox say of a source."""
    read, unreadable = readings(row.source, now)
    return Facts(
        failures=row.failures,
        last_ok_at=row.last_ok_at,
        last_new_at=row.last_new_at,
        history=history.from_json(row.history or {}),
        outcome=row.outcome,
        read=read,
        unreadable=unreadable,
    )


def readings(source: str, now: datetime) -> tuple[int, int]:
    """Items of the last day that were dealt with, and those put aside unread."""
    rows = InboxItem.objects.filter(source=source, finished_at__gt=now - timedelta(days=1))
    found = rows.aggregate(read=Count("id"), unreadable=Count("id", filter=Q(state=InboxItem.State.REJECTED)))
    return found["read"], found["unreadable"]


def judge_all(sources: Iterable[Source], now: datetime) -> list[SilentSource]:
    """Bring every source's word up to date and return those that are silent, for whoever raises alerts."""
    rows = {row.source: row for row in SourceState.objects.all()}
    silent: list[SilentSource] = []
    for source in sources:
        row = rows.get(source.id)
        if row is None or not source.enabled or (source.kind not in FETCHED and source.silence_after is None):
            continue
        judgement = judge(source, facts_of(row, now), now)
        _note(row, judgement, now)
        if judgement.health == Health.SILENT and row.last_new_at is not None:
            silent.append(
                SilentSource(
                    source=source.id,
                    name=source.name,
                    since=row.last_new_at,
                    probability=judgement.probability,
                    reason=f"{source.name}{judgement.reason}",
                )
            )
    return silent


def _note(row: SourceState, judgement: Judgement, now: datetime) -> None:
    if (row.health, row.health_reason) == (judgement.health, judgement.reason):
        return
    since = row.health_since if row.health == judgement.health and row.health_since else now
    SourceState.objects.filter(source=row.source).update(
        health=judgement.health, health_reason=judgement.reason, health_since=since
    )

"""How a source stands, in a word and a Chinese sentence. The judgement is pure; `judge_all` is the rim.

`silences` tells whoever raises alerts how quiet each source is; this package knows no rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from crawlers import history
from crawlers.models import SourceState
from crawlers.sources import Kind, Source
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
    """The word and the reason."""

    health: str
    reason: str


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
    return (
        _silent(source, facts, now)
        or _slow(source, facts, now)
        or Judgement(health=Health.OK, reason=_fine(facts, reason))
    )


def silence_of(source: Source, facts: Facts, now: datetime) -> history.Silence | None:
    """How usual the present gap is; None when nothing ever came. Past the source's `silence_after` it is certain."""
    if facts.last_new_at is None:
        return None
    found = history.silence(facts.history, facts.last_new_at, _watched_until(source, facts, now))
    return replace(found, probability=0.0) if _is_overdue(source, facts, now) else found


def _watched_until(source: Source, facts: Facts, now: datetime) -> datetime:
    """Only what we looked at can have been empty: while we were blind, the silence was ours. Pushes we never miss."""
    return now if source.kind is Kind.PUSH else min(now, facts.last_ok_at or now)


def _is_overdue(source: Source, facts: Facts, now: datetime) -> bool:
    if source.silence_after is None or facts.last_new_at is None:
        return False
    return _watched_until(source, facts, now) - facts.last_new_at > source.silence_after


def _silent(source: Source, facts: Facts, now: datetime) -> Judgement | None:
    found = silence_of(source, facts, now)
    if found is None or facts.last_new_at is None or found.probability >= history.SILENT_BELOW:
        return None
    words = f"已 {duration(_watched_until(source, facts, now) - facts.last_new_at)}没有新内容"
    if source.silence_after is not None and _is_overdue(source, facts, now):
        return Judgement(health=Health.SILENT, reason=f"{words}，超过为它定的 {duration(source.silence_after)}")
    return Judgement(
        health=Health.SILENT,
        reason=f"{words}；按它自己的规律，这段时间应有 {found.expected:.1f} 个小时出新内容，"
        f"一天里出现这么长空白的可能性只有 {_percent(found.probability)}",
    )


def _slow(source: Source, facts: Facts, now: datetime) -> Judgement | None:
    if facts.outcome.get("stale"):
        return Judgement(health=Health.SLOW, reason=str(facts.outcome["stale"]))
    active, expected = history.recent_rate(facts.history, _watched_until(source, facts, now))
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


def facts_of(row: SourceState, *, read: int = 0, unreadable: int = 0) -> Facts:
    """What a row says of a source, and `readings` of the inbox."""
    return Facts(
        failures=row.failures,
        last_ok_at=row.last_ok_at,
        last_new_at=row.last_new_at,
        history=history.from_json(row.history or {}),
        outcome=row.outcome,
        read=read,
        unreadable=unreadable,
    )


def readings(sources: Collection[str], now: datetime) -> dict[str, tuple[int, int]]:
    """Of each source with any: items of the last day that were dealt with, and those put aside unread."""
    rows = InboxItem.objects.filter(source__in=sources, finished_at__gt=now - timedelta(days=1)).values("source")
    found = rows.annotate(read=Count("id"), unreadable=Count("id", filter=Q(state=InboxItem.State.REJECTED)))
    return {
        source: (read, unreadable) for source, read, unreadable in found.values_list("source", "read", "unreadable")
    }


def judge_all(sources: Iterable[Source], now: datetime) -> None:
    """Bring every source's word up to date."""
    rows = {row.source: row for row in SourceState.objects.all()}
    counts = readings(rows.keys(), now)
    for source in sources:
        row = rows.get(source.id)
        if row is None or not source.enabled:
            continue
        if source.kind is Kind.PUSH:
            _learn(row, now)
        read, unreadable = counts.get(row.source, (0, 0))
        _note(row, judge(source, facts_of(row, read=read, unreadable=unreadable), now), now)


def _learn(row: SourceState, now: datetime) -> None:
    """The rhythm of pushes, from the inbox: they come by themselves, so every hour was watched."""
    before = history.from_json(row.history or {})
    if before.until is not None and now - before.until < history.HOUR:
        return
    since = before.until or now
    # Both sides have an index, the column asked for has none.
    recent = Q(finished_at__gte=since) | Q(state=InboxItem.State.NEW)
    arrived = InboxItem.objects.filter(recent, source=row.source, fetched_at__gte=since)
    learned = history.observe(before, new_at=list(arrived.values_list("fetched_at", flat=True)), now=now)
    if learned != before:
        row.history = learned.as_json()
        SourceState.objects.filter(source=row.source).update(history=row.history)


def silences(sources: Iterable[Source], now: datetime) -> list[tuple[Source, datetime, history.Silence]]:
    """Each source that once had something new: since when it has been quiet, and how usual that is for it."""
    rows = {row.source: row for row in SourceState.objects.filter(last_new_at__isnull=False)}
    watched = [(source, rows[source.id]) for source in sources if source.enabled and source.id in rows]
    found = [(source, row.last_new_at, silence_of(source, facts_of(row), now)) for source, row in watched]
    return [(source, since, silence) for source, since, silence in found if since is not None and silence is not None]


def _note(row: SourceState, judgement: Judgement, now: datetime) -> None:
    if (row.health, row.health_reason) == (judgement.health, judgement.reason):
        return
    since = row.health_since if row.health == judgement.health and row.health_since else now
    SourceState.objects.filter(source=row.source).update(
        health=judgement.health, health_reason=judgement.reason, health_since=since
    )

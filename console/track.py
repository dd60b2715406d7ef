"""An alert's clocks on one track, its counts as facts, its statements with their gaps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString

from alerts.deadlines import RIGHTS, STAGE_NAMES, STAGES
from alerts.models import Alert, Deadline, Statement
from console import feed
from console.clocks import Tone, moment, span
from console.marking import plain

#: 近 30 天 of a rule's record.
RECORD_SPAN = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One clock on the track. `look` is done, late, run, run-soon, run-over, off or lapsed."""

    name: str
    look: str
    #: What became of it: `00:41 已办`, `剩 …`, `已取消`.
    words: str
    #: Running only: kept running by the browser.
    clock: feed.Clock | None
    detail: str
    basis: str
    soonest: bool


def stages(deadlines: Sequence[Deadline], now: datetime) -> list[Stage]:
    """The newest round of every stage, done ones first, then by their end."""
    newest: dict[str, Deadline] = {}
    for deadline in sorted(deadlines, key=lambda row: row.round):
        newest[deadline.stage] = deadline
    rows = sorted(newest.values(), key=_order)
    waiting = [row for row in rows if _is_running(row) and row.stage not in RIGHTS]
    first = min(waiting, key=lambda row: row.due_at, default=None)
    return [_stage(row, now, soonest=row is first) for row in rows]


def _order(row: Deadline) -> tuple[bool, datetime, int]:
    rank = STAGES.index(row.stage) if row.stage in STAGES else len(STAGES)
    ended = row.met_at or row.cancelled_at
    return (ended is None, ended or row.due_at, rank)


def _is_running(row: Deadline) -> bool:
    return row.met_at is None and row.cancelled_at is None and row.paused_at is None


def _stage(row: Deadline, now: datetime, *, soonest: bool) -> Stage:
    clock = feed.clock(row, now) if _is_running(row) else None
    return Stage(
        name=STAGE_NAMES.get(row.stage, row.stage),
        look=_look(row, clock),
        words=_words(row, now),
        clock=clock if not (row.stage in RIGHTS and now > row.due_at) else None,
        detail=_detail(row, now, clock),
        basis=row.basis,
        soonest=soonest,
    )


def _look(row: Deadline, clock: feed.Clock | None) -> str:
    if row.met_at:
        return "late" if row.missed_at else "done"
    if clock is None:
        return "off"
    if clock.left.tone is Tone.OVER:
        return "off" if row.stage in RIGHTS else "run run-over"
    return "run run-soon" if clock.left.tone is Tone.SOON else "run"


def _words(row: Deadline, now: datetime) -> str:
    if row.met_at:
        return f"{moment(row.met_at, now)} 已办"
    if row.cancelled_at:
        return "已取消"
    if row.paused_at:
        return f"{moment(row.paused_at, now)} 暂停"
    return "已过期限" if row.stage in RIGHTS and now > row.due_at else ""


def _detail(row: Deadline, now: datetime, clock: feed.Clock | None) -> str:
    limit = f"限 {moment(row.due_at, now)}"
    if row.met_at and row.missed_at:
        return f"{limit}，超时 {span(row.met_at - row.due_at)}"
    if row.met_at:
        return f"{limit}，提前 {span(row.due_at - row.met_at)}"
    if row.paused_at:
        return row.pause_reason or limit
    if row.cancelled_at and row.missed_at:
        return f"{limit}，曾超时"
    used = clock.left.percent if clock and row.stage not in RIGHTS else 0
    return f"{limit}，已用 {used}%" if used >= 50 else limit


#: Values of findings in words, with their unit; others are shown by their own name.
VALUE_NAMES: Mapping[str, tuple[str, str]] = {
    "spike_count": ("本期", "帖"),
    "reference_count": ("上期", "帖"),
    "count": ("帖数", "帖"),
    "posts": ("涉及", "帖"),
    "findings": ("合并发现", "次"),
    "num_events": ("帖数", "帖"),
    "num_hits": ("帖数", "帖"),
    "threshold": ("阈值", ""),
    "ratio": ("倍数", "倍"),
    "spike_height": ("倍数阈值", "倍"),
    "cardinality": ("不同值", "个"),
    "percentage": ("占比", "%"),
    "denominator": ("总数", "帖"),
    "metric_agg_value": ("指标值", ""),
    "negative_share": ("负面占比", "%"),
    "sources": ("信源", "个"),
    "growth": ("增长", "倍"),
    "heat": ("热度", ""),
    "timeframe_minutes": ("时间窗", "分"),
}


def facts(alert: Alert) -> list[dict[str, Any]]:
    """The counts behind an alert: name, figure, unit; never more than six, none twice, nested values left out."""
    shown = []
    for name, value in alert.values.items():
        if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
            continue
        if name == "posts" and value in (alert.values.get("count"), alert.values.get("num_hits")):
            continue
        label, unit = VALUE_NAMES.get(name, (name, ""))
        figure = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
        shown.append({"name": label, "value": plain(figure)[:40], "unit": unit})
    return shown[:6]


_GAP = re.compile(r"〔[^〕]{0,40}待核[^〕]{0,40}〕|待核")


def statement(row: Statement) -> dict[str, Any]:
    """A version of the agreed statement with its gaps marked and counted."""
    text = str(escape(plain(row.text)))
    marked = _GAP.sub(lambda found: f'<span class="todo">{found[0]}</span>', text)
    return {"row": row, "text": SafeString(marked), "gaps": len(_GAP.findall(row.text))}


def score(alert: Alert) -> list[dict[str, Any]]:
    """The parts of the suggested level, each with the share of its points."""
    return [
        {**part, "percent": round(100 * part["points"] / part["of"]) if part.get("of") else 0}
        for part in alert.suggestion
    ]

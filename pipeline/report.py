"""How right the models are, by what officers corrected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Weeks whose share of corrections rises by this factor over the ones before are called drift.
DRIFT = 1.5
_LEAST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A person's verdict on one tag."""

    #: topic, sentiment, owner, region.
    field: str
    was: str
    should_be: str
    source: str
    model_version: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the report. Accuracy is None when nobody counted how many posts were looked at."""

    field: str
    #: A source id, or `*` for all.
    source: str
    corrections: int
    posts: int
    accuracy: float | None
    #: Corrections per post of the last four weeks over the four before; None without enough of them.
    drift: float | None
    #: Most frequent `was → should be`.
    confusions: tuple[tuple[str, int], ...]


def lines(corrections: Iterable[Corrected], posts: dict[str, int], now: datetime) -> list[Line]:
    """The report, worst first. `posts`: tagged posts per source in the time the corrections cover."""
    groups: dict[tuple[str, str], list[Corrected]] = defaultdict(list)
    for one in corrections:
        groups[one.field, "*"].append(one)
        groups[one.field, one.source].append(one)
    found = [_line(field, source, group, posts, now) for (field, source), group in groups.items()]
    return sorted(found, key=lambda line: (line.field, line.source != "*", line.accuracy or 0, -line.corrections))


def _line(field: str, source: str, group: list[Corrected], posts: dict[str, int], now: datetime) -> Line:
    total = sum(posts.values()) if source == "*" else posts.get(source, 0)
    confusions = Counter(f"{one.was} → {one.should_be}" for one in group)
    return Line(
        field=field,
        source=source,
        corrections=len(group),
        posts=total,
        accuracy=round(1 - len(group) / total, 4) if total >= len(group) and total else None,
        drift=_drift(group, now),
        confusions=tuple(confusions.most_common(3)),
    )


def _drift(group: list[Corrected], now: datetime) -> float | None:
    month = timedelta(weeks=4)
    recent = sum(now - month <= one.at for one in group)
    before = sum(now - 2 * month <= one.at < now - month for one in group)
    return round(recent / before, 2) if before and recent + before >= _LEAST else None


def verdict(line: Line) -> str:
    """What an administrator should think of it, in Chinese."""
    if line.drift is not None and line.drift >= DRIFT:
        return "近四周纠正明显增多，建议重新训练"
    if line.accuracy is not None and line.accuracy < 0.9:
        return "准确率偏低，建议检查该来源"
    return "正常"

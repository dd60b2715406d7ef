"""Charts drawn as SVG by the server: no script, printable, each with its numbers in words and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import SHANGHAI
from core.ports import Bucket

#: Stacking order from below, and the class of each part.
MOODS: Mapping[str, str] = {"negative": "neg", "neutral": "neu", "positive": "pos"}
LEFT, RIGHT, TOP = 76, 8, 18
#: A bar is no wider than this, however few there are.
WIDEST = 48
#: Room a label of the time axis takes.
LABEL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A part of a bar."""

    look: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A word at a place: tick labels, the peak."""

    text: str
    x: float
    y: float
    anchor: str = "middle"
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line."""

    look: str
    x1: float
    x2: float
    y1: float
    y2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What the template draws, and the same as a table."""

    width: int
    height: int
    rects: Sequence[Rect]
    lines: Sequence[Line]
    marks: Sequence[Mark]
    summary: str
    table: Sequence[tuple[str, Mapping[str, int], int]]
    totals: Mapping[str, int]


def bars(
    buckets: Sequence[Bucket],
    *,
    start: datetime,
    end: datetime,
    step: timedelta,
    notes: Sequence[tuple[datetime, str]] = (),
    width: int = 1120,
    height: int = 202,
) -> Chart:
    """Stacked bars of counts over [start, end); `notes` are dated words above the bars."""
    slots = _slots(buckets, start, end, step)
    top = _round_up(max((sum(parts.values()) for _, parts in slots), default=0))
    foot = height - 30
    span, tall = width - LEFT - RIGHT, foot - TOP
    wide = span / max(1, len(slots))
    return Chart(
        width=width,
        height=height,
        rects=_rects(slots, wide, foot, tall / top, step),
        lines=[*_grid(top, width, foot, tall), *_note_lines(notes, start, end, span, foot)],
        marks=[
            *_scale(top, foot, tall),
            *_times(slots, wide, height, step, width // LABEL),
            *_note_words(notes, start, end, span),
            *_peak(slots, wide, foot, tall / top),
        ],
        summary=_summary(slots, step),
        table=[(_label(at, step), parts, sum(parts.values())) for at, parts in slots if parts],
        totals=_totals(slots),
    )


def _slots(
    buckets: Sequence[Bucket], start: datetime, end: datetime, step: timedelta
) -> list[tuple[datetime, dict[str, int]]]:
    found: dict[datetime, dict[str, int]] = {}
    for bucket in buckets:
        parts = found.setdefault(bucket.start, {})
        parts[bucket.value] = parts.get(bucket.value, 0) + bucket.count
    slots, at = [], start
    while at < end:
        slots.append((at, found.get(at, {})))
        at += step
    return slots


def _rects(
    slots: Sequence[tuple[datetime, Mapping[str, int]]], wide: float, foot: float, scale: float, step: timedelta
) -> list[Rect]:
    drawn, thick = [], min(wide * 0.86, WIDEST)
    for place, (at, parts) in enumerate(slots):
        y = foot
        for value in (*MOODS, *(name for name in parts if name not in MOODS)):
            if not parts.get(value):
                continue
            tall = parts[value] * scale
            y -= tall
            drawn.append(
                Rect(
                    look=MOODS.get(value, "one"),
                    x=round(LEFT + place * wide + (wide - thick) / 2, 1),
                    y=round(y, 1),
                    width=round(thick, 1),
                    height=round(tall, 1),
                    title=f"{_label(at, step)} {parts[value]}",
                )
            )
    return drawn


def _grid(top: int, width: int, foot: float, tall: float) -> list[Line]:
    return [
        Line(look="axis" if not at else "grid", x1=LEFT, x2=width - RIGHT, y1=y, y2=y)
        for at in range(4)
        for y in [round(foot - tall * at / 3, 1)]
        if top >= 3 or not at
    ]


def _scale(top: int, foot: float, tall: float) -> list[Mark]:
    if top < 3:
        return [Mark(text="0", x=LEFT - 8, y=foot + 4, anchor="end")]
    return [
        Mark(text=str(top * at // 3), x=LEFT - 8, y=round(foot - tall * at / 3 + 4, 1), anchor="end") for at in range(4)
    ]


def _times(
    slots: Sequence[tuple[datetime, Mapping[str, int]]], wide: float, height: int, step: timedelta, labels: int
) -> list[Mark]:
    every = max(1, -(-len(slots) // labels))
    return [
        Mark(text=_label(at, step, short=True), x=round(LEFT + place * wide + wide / 2, 1), y=height - 6)
        for place, (at, _) in enumerate(slots)
        if place % every == 0
    ]


def _note_lines(
    notes: Sequence[tuple[datetime, str]], start: datetime, end: datetime, span: float, foot: float
) -> list[Line]:
    return [
        Line(look="note", x1=x, x2=x, y1=8, y2=foot)
        for at, _ in notes
        if start <= at < end
        for x in [_across(at, start, end, span)]
    ]


def _note_words(notes: Sequence[tuple[datetime, str]], start: datetime, end: datetime, span: float) -> list[Mark]:
    return [
        Mark(
            text=f"{at.astimezone(SHANGHAI):%H:%M} {word}",
            x=x + (-6 if x > LEFT + span * 0.8 else 6),
            y=14,
            anchor="end" if x > LEFT + span * 0.8 else "start",
            look="t2",
        )
        for at, word in notes
        if start <= at < end
        for x in [_across(at, start, end, span)]
    ]


def _across(at: datetime, start: datetime, end: datetime, span: float) -> float:
    return round(LEFT + span * ((at - start) / (end - start)), 1)


def _peak(slots: Sequence[tuple[datetime, Mapping[str, int]]], wide: float, foot: float, scale: float) -> list[Mark]:
    heights = [sum(parts.values()) for _, parts in slots]
    if not heights or not max(heights):
        return []
    place = heights.index(max(heights))
    return [
        Mark(
            text=str(heights[place]),
            x=round(LEFT + place * wide + wide / 2, 1),
            y=round(foot - heights[place] * scale - 4, 1),
            look="t1",
        )
    ]


#: Height of a line of dots, and the largest dot's radius.
LANE, LARGEST = 28, 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A dot whose area tells a count."""

    x: float
    y: float
    radius: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Kinds of source over time, the first to speak on top."""

    width: int
    height: int
    dots: Sequence[Dot]
    lines: Sequence[Line]
    marks: Sequence[Mark]
    summary: str


def spread(
    buckets: Sequence[Bucket],
    names: Mapping[str, str],
    *,
    start: datetime,
    end: datetime,
    step: timedelta,
    width: int = 1120,
) -> Spread:
    """Counts of each kind over [start, end) on the same axis as `bars`; each kind with its first sight."""
    slots = _slots(buckets, start, end, step)
    seen = {kind: place for place, (_, parts) in reversed([*enumerate(slots)]) for kind in parts}
    kinds = sorted(seen, key=lambda kind: (seen[kind], kind))
    wide = (width - LEFT - RIGHT) / max(1, len(slots))
    most = max((count for _, parts in slots for count in parts.values()), default=1)
    height = TOP + LANE * len(kinds) + 22
    lanes = {kind: TOP + LANE * at + LANE / 2 for at, kind in enumerate(kinds)}
    x = [round(LEFT + place * wide + wide / 2, 1) for place in range(len(slots))]
    firsts = {kind: _label(slots[seen[kind]][0], step) for kind in kinds}
    totals = _totals(slots)
    return Spread(
        width=width,
        height=height,
        dots=[
            Dot(
                x=x[place],
                y=lanes[kind],
                radius=round(max(2.0, min(LARGEST, wide / 2) * (count / most) ** 0.5), 1),
                title=f"{names.get(kind, kind)} {_label(at, step)} {count} 帖",
            )
            for place, (at, parts) in enumerate(slots)
            for kind, count in parts.items()
        ],
        lines=[Line(look="grid", x1=LEFT, x2=width - RIGHT, y1=y, y2=y) for y in lanes.values()],
        marks=[
            *(Mark(text=names.get(kind, kind), x=LEFT - 8, y=y + 4, anchor="end") for kind, y in lanes.items()),
            *_times(slots, wide, height, step, width // LABEL),
        ],
        summary="；".join(f"{names.get(kind, kind)} {firsts[kind]} 起，{totals[kind]} 帖" for kind in kinds),
    )


def _round_up(value: int) -> int:
    """A multiple of three that holds the value and reads well."""
    for top in (3, 6, 9, 15, 30, 60, 90, 150, 300, 600, 900, 1500, 3000, 6000, 9000, 15000, 30000, 60000):
        if value <= top:
            return top
    return -(-value // 30000) * 30000


def _label(at: datetime, step: timedelta, *, short: bool = False) -> str:
    here = at.astimezone(SHANGHAI)
    if step >= timedelta(days=1):
        return f"{here:%m-%d}"
    return f"{here:%H:%M}" if short and here.hour else f"{here:%m-%d %H:%M}" if not short else f"{here:%m-%d}"


def _totals(slots: Sequence[tuple[datetime, Mapping[str, int]]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for _, parts in slots:
        for value, count in parts.items():
            totals[value] = totals.get(value, 0) + count
    return totals


def _summary(slots: Sequence[tuple[datetime, Mapping[str, int]]], step: timedelta) -> str:
    """The chart in one sentence, for those who do not see it."""
    heights = [(sum(parts.values()), at) for at, parts in slots]
    total = sum(height for height, _ in heights)
    if not total:
        return "这段时间没有帖文"
    most, at = max(heights, key=lambda pair: pair[0])
    unit = "每日" if step >= timedelta(days=1) else "每小时"
    return f"{unit}帖文数，共 {total} 帖，最高 {_label(at, step)} 为 {most} 帖"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A line of a bar list: name, count, share of the whole, share of the longest, look."""

    name: str
    count: int
    share: str
    percent: int
    look: str = ""


def shares(
    counts: Sequence[tuple[str, int]],
    whole: int,
    looks: Mapping[str, str] | None = None,
) -> list[Share]:
    """Counts as bars; the share is of `whole`, `—` where that is nothing."""
    longest = max((count for _, count in counts), default=0)
    return [
        Share(
            name=name,
            count=count,
            share=f"{100 * count / whole:.1f}%" if whole else "—",
            percent=round(100 * count / longest) if longest else 0,
            look=(looks or {}).get(name, ""),
        )
        for name, count in counts
    ]

"""Silence: thirty simulated days, fifty sources of three rhythms and all speeds, ten of them fall silent; five times.

`python -m bench.bench_crawl_silence [random|moody|even …]`

Sources learn for four weeks first. Three worlds: items come at random (Poisson), at random with moody
days (each day's rate drawn from a gamma distribution), or evenly. A gap is expected to be as long as
the longest 1 % of the source's own gaps: in a random world one gap in seven is twice the mean, so by the
mean nothing could be found within two gaps without an alarm every twenty minutes. The second figure of each
line is a judge's who knows the rates the simulation draws from, at the same budget of false alarms.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from core.clock import SHANGHAI
from crawlers.history import HOUR, SILENT_BELOW, History, observe, silence, slot

LEARNING, WATCHED, SOURCES, SILENCED = 28, 30, 50, 10
SEEDS = range(11, 16)
WORLDS = ("random", "moody", "even")
#: Shape of the days' moods, which have mean 1.
MOODS = 4.0
START = datetime(2026, 9, 28, tzinfo=SHANGHAI).astimezone(UTC)


@dataclass(slots=True)
class Watch:
    """What one judge said of a source."""

    false_alarms: int = 0
    found_after: float | None = None
    alarmed: bool = False

    def hear(self, probability: float, gap: float, *, stopped: bool) -> None:
        """An alarm opens once a gap; one that is open when the source stops has found it."""
        if self.found_after is not None or (not self.alarmed and probability >= SILENT_BELOW):
            return
        if stopped:
            self.found_after = gap
        elif not self.alarmed:
            self.false_alarms += 1
        self.alarmed = True


@dataclass(slots=True)
class Simulated:
    """One source and what became of it."""

    world: str
    #: Items to be expected in each hour of the week, Monday 00:00 in China first.
    rates: tuple[float, ...]
    stop: datetime | None
    gaps: list[float] = field(default_factory=list)
    ours: Watch = field(default_factory=Watch)
    knowing: Watch = field(default_factory=Watch)

    def rate(self, at: datetime) -> float:
        """Items to be expected in an hour."""
        return self.rates[slot(at)]


def weight(kind: str, hour: int, weekday: int) -> float:
    """How lively an hour is."""
    weekend = weekday >= 5
    if kind == "office":
        return (0.2 if weekend else 1.0) * (1.0 if 8 <= hour < 18 else 0.02)
    if kind == "news":
        return (0.6 if weekend else 1.0) * (1.0 if 7 <= hour < 23 else 0.1)
    return (1.1 if weekend else 1.0) * (1.0 if hour >= 8 else 0.2)


def hours_with_news(source: Simulated, dice: random.Random) -> Iterator[tuple[datetime, bool]]:
    """Every hour of the simulation and whether it brought something."""
    mood, owed = 1.0, 0.0
    for number in range((LEARNING + WATCHED) * 24):
        at = START + number * HOUR
        if at.astimezone(SHANGHAI).hour == 0 and source.world == "moody":
            mood = dice.gammavariate(MOODS, 1 / MOODS)
        rate = source.rate(at) * mood
        if source.stop is not None and at >= source.stop:
            yield at, False
        elif source.world == "even":
            owed += rate
            yield at, owed >= 1
            owed -= math.floor(owed)
        else:
            yield at, dice.random() < 1 - math.exp(-rate)


def knowing(source: Simulated, last: datetime, now: datetime) -> float:
    """Chance of such a gap beginning within a day, by the rates and moods the simulation itself draws from."""
    days: dict[date, float] = {}
    at = last + HOUR
    while at < now:
        day = at.astimezone(SHANGHAI).date()
        days[day] = days.get(day, 0.0) + source.rate(at)
        at += HOUR
    if source.world == "moody":
        tail = math.prod((1 + rate / MOODS) ** -(MOODS + (number == 0)) for number, rate in enumerate(days.values()))
        return tail * sum(1 - (1 + rate / MOODS) ** -MOODS for rate in source.rates) / 7
    return math.exp(-sum(days.values())) * sum(1 - math.exp(-rate) for rate in source.rates) / 7


def live(source: Simulated, dice: random.Random) -> None:
    """Watch a source hour by hour as the crawl worker does."""
    history, last = History(until=START), START
    for at, news in hours_with_news(source, dice):
        now = at + HOUR
        history = observe(history, new_at=[at] if news else [], now=now)
        if news:
            source.gaps.append((at - last) / HOUR)
            last, source.ours.alarmed, source.knowing.alarmed = at, False, False
        elif now >= START + timedelta(days=LEARNING):
            gap, stopped = (now - last) / HOUR, source.stop is not None and now > source.stop
            source.ours.hear(silence(history, last, now).probability, gap, stopped=stopped)
            if source.world != "even" and source.knowing.found_after is None:
                source.knowing.hear(knowing(source, last, now), gap, stopped=stopped)
            if source.ours.found_after is not None and (source.world == "even" or source.knowing.found_after):
                return


def simulate(world: str, seed: int) -> list[Simulated]:
    """Fifty sources of one world."""
    dice = random.Random(seed)
    sources = []
    for number in range(SOURCES):
        stop = START + timedelta(days=LEARNING, hours=dice.uniform(24, 480)) if number < SILENCED else None
        speed, kind = math.exp(dice.uniform(0, math.log(60))), dice.choice(("office", "news", "forum"))
        week = [weight(kind, hour % 24, hour // 24) for hour in range(168)]
        rates = tuple(speed * 7 * one / sum(week) for one in week)
        sources.append(Simulated(world=world, rates=rates, stop=stop))
        live(sources[-1], dice)
    return sources


def score(sources: Sequence[Simulated], judge: str) -> tuple[float, float]:
    """Silenced sources found in time, and false alarms a day."""
    found = 0
    for source in sources:
        after = getattr(source, judge).found_after
        usual = sorted(source.gaps)[int(len(source.gaps) * 0.99) - 1]
        found += source.stop is not None and after is not None and after <= 2 * usual
    return found, sum(getattr(source, judge).false_alarms for source in sources) / WATCHED


def main(worlds: Sequence[str]) -> None:
    """Print the bar for each world: means over the seeds, and each seed's."""
    for world in worlds or WORLDS:
        runs = [simulate(world, seed) for seed in SEEDS]
        judges = ("ours",) if world == "even" else ("ours", "knowing")
        for judge in judges:
            scores = [score(sources, judge) for sources in runs]
            found, alarms = (sum(values) / len(scores) for values in zip(*scores, strict=True))
            print(
                f"silence, {world} world, {judge} | ≥ 9 of 10 within 2 expected gaps, ≤ 1 false alarm a day | "
                f"{found:.1f} in time, {alarms:.2f} false alarms a day (mean of {len(scores)}; "
                f"{', '.join(f'{one:.0f} at {other:.2f}' for one, other in scores)})",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])

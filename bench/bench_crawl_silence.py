"""Silence: thirty simulated days, fifty sources of three rhythms and all speeds, ten of them fall silent.

Sources learn for four weeks first. Three worlds: items come at random (Poisson), at random with moody
days (each day's rate drawn from a gamma distribution), or evenly. A gap is expected to be as long as
the longest 1 % of the source's own gaps; in a random world one gap in seven is twice the mean, so by the
mean nothing could be found within two gaps without an alarm every hour.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.clock import SHANGHAI
from crawlers.history import HOUR, SILENT_BELOW, History, observe, silence

LEARNING, WATCHED, SOURCES, SILENCED = 28, 30, 50, 10
START = datetime(2026, 9, 28, tzinfo=SHANGHAI).astimezone(UTC)


@dataclass(slots=True)
class Simulated:
    """One source and what became of it."""

    kind: str
    per_day: float
    stop: datetime | None
    gaps: list[float] = field(default_factory=list)
    false_alarms: int = 0
    found_after: float | None = None


def weight(kind: str, hour: int, weekday: int) -> float:
    """How lively an hour is."""
    weekend = weekday >= 5
    if kind == "office":
        return (0.2 if weekend else 1.0) * (1.0 if 8 <= hour < 18 else 0.02)
    if kind == "news":
        return (0.6 if weekend else 1.0) * (1.0 if 7 <= hour < 23 else 0.1)
    return (1.1 if weekend else 1.0) * (1.0 if hour >= 8 else 0.2)


def hours_with_news(source: Simulated, world: str, dice: random.Random) -> Iterator[tuple[datetime, bool]]:
    """Every hour of the simulation and whether it brought something."""
    total = sum(weight(source.kind, hour, day) for hour in range(24) for day in range(7)) / 7
    mood, owed = 1.0, 0.0
    for number in range((LEARNING + WATCHED) * 24):
        at = START + number * HOUR
        local = at.astimezone(SHANGHAI)
        if local.hour == 0 and world == "moody":
            mood = dice.gammavariate(4, 0.25)
        rate = source.per_day * mood * weight(source.kind, local.hour, local.weekday()) / total
        if source.stop is not None and at >= source.stop:
            yield at, False
        elif world == "even":
            owed += rate
            yield at, owed >= 1
            owed -= math.floor(owed)
        else:
            yield at, dice.random() < 1 - math.exp(-rate)


def live(source: Simulated, world: str, dice: random.Random) -> None:
    """Watch a source hour by hour as the crawl worker does."""
    history, last, alarmed = History(until=START), START, False
    for at, news in hours_with_news(source, world, dice):
        now = at + HOUR
        history = observe(history, new_at=[at] if news else [], now=now)
        if news:
            source.gaps.append((at - last) / HOUR)
            last, alarmed = at, False
        if alarmed or now < START + timedelta(days=LEARNING) or silence(history, last, now).probability >= SILENT_BELOW:
            continue
        alarmed = True
        if source.stop is not None and now > source.stop:
            source.found_after = source.found_after or (now - last) / HOUR
        else:
            source.false_alarms += 1


def simulate(world: str, seed: int) -> list[Simulated]:
    """Fifty sources of one world."""
    dice = random.Random(seed)
    sources = []
    for number in range(SOURCES):
        stop = START + timedelta(days=LEARNING, hours=dice.uniform(24, 480)) if number < SILENCED else None
        speed = math.exp(dice.uniform(0, math.log(60)))
        source = Simulated(kind=dice.choice(("office", "news", "forum")), per_day=speed, stop=stop)
        live(source, world, dice)
        sources.append(source)
    return sources


def main() -> None:
    """Print the bar for each world."""
    for world in ("random", "moody", "even"):
        sources = simulate(world, seed=11)
        silenced = [source for source in sources if source.stop]
        usual = {id(one): sorted(one.gaps)[int(len(one.gaps) * 0.99) - 1] for one in silenced}
        found = [one for one in silenced if one.found_after is not None]
        in_time = [one for one in found if (one.found_after or 0) <= 2 * usual[id(one)]]
        means = sorted((one.found_after or 0) / (sum(one.gaps) / len(one.gaps)) for one in found)
        alarms = sum(source.false_alarms for source in sources) / WATCHED
        print(
            f"silence, {world:<6} world, 30 days, 50 sources, 10 silenced | ≥ 9 within 2 expected gaps, ≤ 1 false alarm a day | "
            f"{len(in_time)} of 10 in time ({len(found)} found), {alarms:.2f} false alarms a day; "
            f"median {means[len(means) // 2]:.1f} mean gaps",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""Working days of China: public holidays and the weekends worked in exchange (调休)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Whether a day is worked; `known` is False when no holiday notice for its year is at hand."""

    works: bool
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Where a count of working days ends, and the years it had to guess (weekends off)."""

    day: date
    guessed_years: tuple[int, ...]


@functools.lru_cache(maxsize=4096)
def look_up(day: date) -> Day:
    """Look one day up; for a year without a notice Saturdays and Sundays are taken as free."""
    try:
        return Day(works=chinese_calendar.is_workday(day), known=True)
    except NotImplementedError:
        return Day(works=day.weekday() < 5, known=False)


def working_days_after(start: date, count: int) -> Counted:
    """Count working days from the day after `start` (民法典 §201: the day itself is not counted)."""
    day, left, guessed = start, count, set[int]()
    while left > 0:
        day += timedelta(days=1)
        found = look_up(day)
        left -= found.works
        if not found.known:
            guessed.add(day.year)
    return Counted(day=day, guessed_years=tuple(sorted(guessed)))


def working_days_before(end: date, count: int) -> date:
    """The working day from which `end` is the `count`-th working day on."""
    day = end
    for _ in range(count):
        day -= timedelta(days=1)
        while not look_up(day).works:
            day -= timedelta(days=1)
    return day


def working_days_between(start: date, end: date) -> int:
    """How many working days lie in (start, end]."""
    return sum(look_up(start + timedelta(days=step)).works for step in range(1, (end - start).days + 1))

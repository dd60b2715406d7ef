"""Charts as numbers: where a dot stands, and what is said to those who do not see it."""

from __future__ import annotations

from datetime import timedelta

from console import charts, wording
from core.ports import Bucket
from tests.fixtures.console_night import NIGHT

HOUR = timedelta(hours=1)
START = NIGHT.replace(minute=0, second=0)
SEEN = [("microblog", 1, 4), ("forum", 0, 1), ("forum", 2, 16)]


def spread() -> charts.Spread:
    """A forum begins, a microblog follows."""
    buckets = [Bucket(start=START + hour * HOUR, value=kind, count=count) for kind, hour, count in SEEN]
    return charts.spread(buckets, wording.KINDS, start=START, end=START + 3 * HOUR, step=HOUR)


def test_the_kind_that_spoke_first_stands_on_top() -> None:
    names = [mark.text for mark in spread().marks if mark.anchor == "end"]

    assert names == ["论坛", "微博"]


def test_the_area_of_a_dot_tells_its_count() -> None:
    first, follower, last = sorted(spread().dots, key=lambda dot: dot.x)

    assert last.radius == 2 * follower.radius == charts.LARGEST
    assert first.radius < follower.radius


def test_the_spread_is_said_in_words() -> None:
    assert spread().summary == "论坛 11-19 02:00 起，17 帖；微博 11-19 03:00 起，4 帖"

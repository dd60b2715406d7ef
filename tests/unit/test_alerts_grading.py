"""The suggested level: points, reasons, floors."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import grading
from alerts.grading import Picture, Spread
from core.model import Mood, Sentiment
from tests.fixtures.county import NINE, a_county, a_post, minutes

COUNTY = a_county()
CALM = Spread(current=0, usual=0, words="")


def a_picture(**changes: Any) -> Picture:
    values: dict[str, Any] = {
        "flags": frozenset(), "press": False, "spread": CALM, "negative": 0, "posts": 10, "topic": "",
    }  # fmt: skip
    return Picture(**(values | changes))


def points(picture: Picture) -> dict[str, int]:
    return {part.part: part.points for part in grading.suggest(picture, COUNTY).parts if part.of}


@pytest.mark.parametrize(
    ("flags", "press", "expected"),
    [
        ((), False, 0),
        ((), True, 10),
        (("media_provincial",), True, 20),
        (("media_central", "media_provincial"), True, 30),
    ],
)
def test_media_tier_gives_its_points(flags: tuple[str, ...], press: bool, expected: int) -> None:
    assert points(a_picture(flags=frozenset(flags), press=press))["媒体层级"] == expected


@pytest.mark.parametrize(("current", "usual", "expected"), [(0, 0, 0), (5, 9, 0), (6, 0, 25), (3, 0, 12), (15, 9, 8), (99, 1, 25)])  # fmt: skip
def test_spread_counts_deviations_above_the_usual(current: float, usual: float, expected: int) -> None:
    assert points(a_picture(spread=Spread(current=current, usual=usual, words="")))["传播强度"] == expected


@pytest.mark.parametrize(("negative", "expected"), [(0, 0), (5, 5), (10, 10)])
def test_negative_share_gives_up_to_ten(negative: int, expected: int) -> None:
    assert points(a_picture(negative=negative))["负面占比"] == expected


def test_harm_flags_add_up_to_their_limit() -> None:
    assert points(a_picture(flags=frozenset({"collective", "minor_involved", "call_for_help"})))["危害标记"] == 25


def test_topic_gives_its_weight() -> None:
    assert points(a_picture(topic="wages"))["话题权重"] == 8


def test_score_is_the_sum_and_names_the_level() -> None:
    picture = a_picture(press=True, spread=Spread(current=9, usual=0, words=""), negative=8, topic="wages")

    suggestion = grading.suggest(picture, COUNTY)

    assert (suggestion.score, suggestion.level) == (10 + 25 + 8 + 8, "III")


@pytest.mark.parametrize(
    ("flag", "level"),
    [
        ("casualty", "II"),
        ("media_central", "II"),
        ("media_provincial", "III"),
        ("collective", "III"),
        ("policy_related", "IV"),
    ],
)
def test_floor_lifts_the_level_and_says_so(flag: str, level: str) -> None:
    suggestion = grading.suggest(a_picture(flags=frozenset({flag})), COUNTY)

    assert suggestion.level == level
    assert any(part.part == "下限" for part in suggestion.parts) == (level != "IV")


def test_instruction_and_severity_are_floors() -> None:
    assert grading.suggest(a_picture(instructed=True), COUNTY).level == "III"
    assert grading.suggest(a_picture(severity="I"), COUNTY).level == "I"


def test_profile_with_fewer_levels_is_lifted_to_the_next_graver_one() -> None:
    county = a_county(levels=COUNTY.levels[:1] + COUNTY.levels[-1:])

    assert grading.suggest(a_picture(flags=frozenset({"casualty"})), county).level == "I"


def test_posts_of_the_last_hour_are_set_against_the_twelve_before() -> None:
    posts = [a_post(str(number), at=NINE - minutes(number)) for number in range(1, 181, 10)]

    spread = grading.spread(posts, {}, NINE)

    assert (spread.current, spread.usual) == (6, 1.0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"spike_count": 37, "reference_count": 6}, (37, 6)),
        ({"count": 20, "baseline": 4.5}, (20, 4.5)),
        ({"spike_count": 37}, (37, 0)),
        ({"count": "many"}, (0, 0)),
    ],
)
def test_counts_of_the_finding_come_first(values: dict[str, Any], expected: tuple[float, float]) -> None:
    spread = grading.spread([], values, NINE)

    assert (spread.current, spread.usual) == expected


def test_picture_counts_moods_and_gathers_flags() -> None:
    calm = Sentiment(label=Mood.NEUTRAL, negative=0.1, neutral=0.8, positive=0.1)
    posts = [a_post("1", flags=("casualty",)), a_post("2", sentiment=calm, kind="x")]

    picture = grading.picture(posts, {}, topic="wages", now=NINE, flags=frozenset({"collective"}))

    assert (picture.negative, picture.posts, picture.flags) == (1, 2, {"casualty", "collective"})

"""Exact semantics of every type; each case was also run through ElastAlert2 2.19.0 where it has the type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.clock import SHANGHAI
from rules.schema import parse
from rules.simulate import Simulation, has_ticks

NOON = datetime(2026, 11, 23, 12, tzinfo=SHANGHAI)


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


def post(seconds: float, **fields: Any) -> dict[str, Any]:
    return {"events": [{"published_at": at(seconds), **fields}]}


def posts(*seconds: float, **fields: Any) -> list[dict[str, Any]]:
    return [post(second, **fields) for second in seconds]


def tick(seconds: float) -> dict[str, Any]:
    return {"tick": at(seconds)}


def run(seconds: float, count: int = 1, **fields: Any) -> dict[str, Any]:
    return {"run": {"now": at(seconds), "events": [{"published_at": at(seconds), **fields}] * count}}


def findings(steps: Sequence[dict[str, Any]], **rule: Any) -> list[dict[str, Any]]:
    simulation = Simulation(parse({"timeframe": "10s", **rule}), ticked=has_ticks(steps))
    return [{"step": number, **found} for number, step in enumerate(steps) for found in simulation.step(step)]


def stamps(found: Sequence[dict[str, Any]]) -> list[tuple[int, float]]:
    """(step, seconds after noon) of each finding."""
    return [(item["step"], (datetime.fromisoformat(item["at"]) - NOON).total_seconds()) for item in found]


FREQUENCY = {"type": "frequency", "num_events": 3}
SPIKE = {"type": "spike", "spike_height": 2, "spike_type": "up", "threshold_cur": 1}
FLATLINE = {"type": "flatline", "threshold": 2}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((0, 5, 9), [(2, 9)]),
        ((0, 5, 10), []),  # exactly `timeframe` old is out
        ((0, 1, 2, 3, 4, 5), [(2, 2), (5, 5)]),  # the window empties
        ((0, 9, 5), [(2, 9)]),  # a late post is placed by its time, the newest one stamps
        ((20, 21, 5), []),
    ],
)
def test_frequency(seconds: tuple[float, ...], expected: list[tuple[int, float]]) -> None:
    assert stamps(findings(posts(*seconds), **FREQUENCY)) == expected


def test_frequency_counts_each_key_and_the_missing_one_alone() -> None:
    steps = [post(0, k="a"), post(1), post(2, k="a"), post(3), post(4, k="a"), post(5)]

    assert [item["key"] for item in findings(steps, **FREQUENCY, query_key="k")] == ["a", None]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((0, 12, 22, 23), [(3, 22)]),  # not before twice the timeframe; stamped with the oldest current post
        ((0, 5, 12, 14), []),
        ((0, 22, 23), [(2, 22)]),
    ],
)
def test_spike(seconds: tuple[float, ...], expected: list[tuple[int, float]]) -> None:
    assert stamps(findings(posts(*seconds), **SPIKE)) == expected


def test_spike_carries_both_counts() -> None:
    assert findings(posts(0, 12, 22, 23), **SPIKE)[0]["values"] == {"spike_count": 2, "reference_count": 1}


def test_a_dip_needs_only_the_clock() -> None:
    steps = [*posts(0, 11, 12, 13, 14), tick(26)]

    found = findings(steps, **{**SPIKE, "spike_type": "down", "threshold_cur": 0, "threshold_ref": 1})

    assert stamps(found) == [(5, 26)]


def test_flatline_repeats_until_it_fills() -> None:
    steps = [post(0), tick(9), tick(10), tick(11), *posts(12, 13), tick(14)]

    found = findings(steps, **FLATLINE)

    assert stamps(found) == [(2, 10), (3, 11), (4, 12)]
    assert [(item["key"], item["values"]["count"]) for item in found] == [("all", 0), ("all", 0), ("all", 1)]


def test_flatline_without_keys_counts_from_the_first_tick() -> None:
    assert stamps(findings([tick(0), tick(10)], **FLATLINE)) == [(1, 10)]


def test_flatline_forgets_a_key_until_it_is_seen_again() -> None:
    steps = [post(0, k="a"), tick(10), tick(11), post(20, k="a"), tick(30)]

    assert stamps(findings(steps, **FLATLINE, query_key="k", forget_keys=True)) == [(1, 10), (4, 30)]


def test_flatline_judges_only_the_last_key_of_a_batch() -> None:
    batch = {"events": [{"published_at": at(11), "k": "a"}, {"published_at": at(11), "k": "b"}]}

    found = findings([post(0, k="a"), post(0, k="b"), batch], **FLATLINE, query_key="k")

    assert [item["key"] for item in found] == ["b"]


def test_a_value_exactly_as_old_as_the_timeframe_still_counts() -> None:
    steps = [post(0, v="a"), post(10, v="b"), post(21, v="c")]

    assert stamps(findings(steps, type="cardinality", cardinality_field="v", max_cardinality=1)) == [(1, 10)]


def test_too_few_values_are_judged_after_a_full_window_and_once_per_window() -> None:
    steps = [post(0, v="a"), tick(10), tick(11), tick(12), post(13, v="a"), tick(24)]

    found = findings(steps, type="cardinality", cardinality_field="v", min_cardinality=2)

    assert stamps(found) == [(2, 11), (5, 24)]


def test_a_change_compares_with_the_keys_previous_post() -> None:
    steps = [post(0, k="a", v=1), post(5, k="b", v=2), post(9, k="a", v=3), post(30, k="a", v=4)]

    found = findings(steps, type="change", compare_key="v", query_key="k")

    assert [(item["step"], item["values"]) for item in found] == [(2, {"old_value": [1], "new_value": [3]})]


def test_a_new_term_is_said_once_and_not_when_known_before() -> None:
    rule = parse({"type": "new_term", "fields": "topic", "baseline": {"topic": ["供水"]}})
    simulation = Simulation(rule, ticked=False)

    said = [len(simulation.step(post(second, topic=topic))) for second, topic in enumerate(("供水", "停电", "停电"))]

    assert said == [0, 1, 0]


def test_a_combination_is_new_when_its_parts_are_not() -> None:
    given = {"type": "new_term", "fields": ["t", "r"], "baseline": {"t+r": [["供水", "郑州"]]}}
    simulation = Simulation(parse(given), ticked=False)

    assert simulation.step(post(0, t="供水", r="郑州")) == []
    assert simulation.step(post(1, t="供水", r="洛阳"))[0]["values"] == {"new_field": ["t", "r"]}


@pytest.mark.parametrize(
    ("rule", "value", "hit"),
    [
        ({"type": "blacklist", "blacklist": ["a"]}, "a", True),
        ({"type": "blacklist", "blacklist": ["a"]}, None, False),
        ({"type": "blacklist", "blacklist": ["a"]}, ["b", "a"], True),
        ({"type": "whitelist", "whitelist": ["a"], "ignore_null": True}, None, False),
        ({"type": "whitelist", "whitelist": ["a"], "ignore_null": False}, None, True),
        ({"type": "whitelist", "whitelist": ["a"], "ignore_null": True}, ["a", "b"], True),
        ({"type": "whitelist", "whitelist": ["a"], "ignore_null": True}, "A", True),
    ],
)
def test_lists(rule: dict[str, Any], value: Any, hit: bool) -> None:
    simulation = Simulation(parse({**rule, "compare_key": "v"}), ticked=False)

    assert bool(simulation.step(post(0, v=value))) is hit


def bucketed(steps: Sequence[dict[str, Any]], **rule: Any) -> list[dict[str, Any]]:
    simulation = Simulation(parse({"bucket": "10m", **rule}), ticked=has_ticks(steps))
    return [{"step": number, **found} for number, step in enumerate(steps) for found in simulation.step(step)]


def test_a_share_is_judged_at_the_end_of_its_bucket() -> None:
    steps = [*(post(60, sentiment=mood) for mood in ("negative", "negative", "neutral")), tick(599), tick(660)]

    found = bucketed(steps, type="percentage_match", match="sentiment:negative", max_percentage=50)

    assert stamps(found) == [(4, 600)]
    assert found[0]["values"] == {"percentage": pytest.approx(200 / 3), "denominator": 3}


@pytest.mark.parametrize(("bound", "said"), [(100, 0), (99, 1)])
def test_bounds_are_exclusive(bound: int, said: int) -> None:
    steps = [post(60, sentiment="negative"), tick(600)]

    assert len(bucketed(steps, type="percentage_match", match="sentiment:negative", max_percentage=bound)) == said


def test_a_metric_of_nothing_is_null_and_says_nothing() -> None:
    steps = [post(60, risk=5), tick(600), tick(1200)]

    assert stamps(bucketed(steps, type="metric_aggregation", metric="avg(risk)", min_threshold=6)) == [(1, 600)]


def test_without_any_tick_a_later_post_ends_the_bucket() -> None:
    steps = [post(60, risk=5), post(700, risk=9)]

    found = bucketed(steps, type="metric_aggregation", metric="avg(risk)", min_threshold=6)

    assert stamps(found) == [(1, 600)]


def test_realert_goes_by_the_clock_of_the_run_and_by_key() -> None:
    steps = [run(0, k="a"), run(59, k="a"), run(59, k="b"), run(60, k="a")]

    assert [item["step"] for item in findings_of_any(steps, query_key="k")] == [0, 2, 3]


def findings_of_any(steps: Sequence[dict[str, Any]], **rule: Any) -> list[dict[str, Any]]:
    simulation = Simulation(parse({"type": "any", **rule}), ticked=True)
    return [{"step": number, **found} for number, step in enumerate(steps) for found in simulation.step(step)]


def test_exponential_realert_doubles_and_is_capped() -> None:
    steps = [run(second) for second in range(0, 400, 10)]

    found = findings_of_any(steps, realert="10s", exponential_realert="60s")

    assert [item["step"] * 10 for item in found] == [0, 10, 30, 70, 130, 190, 250, 310, 370]


def test_a_group_is_sent_by_the_first_pass_after_it_is_due() -> None:
    steps = [run(0, 2), run(30), run(60), run(61)]

    found = findings_of_any(steps, aggregation="1m")

    assert [(item["step"], len(item["matches"])) for item in found] == [(3, 4)]

"""A rule is read strictly, and every fault is named at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import ConfigError
from rules.checking import faults
from rules.schema import Watch, parse
from rules.watches import resolve

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
SMALL = {"type": "frequency", "num_events": 3, "timeframe": {"minutes": 5}}


def test_the_smallest_rule_looks_at_every_post() -> None:
    rule = parse(SMALL)

    assert (rule.query, rule.enabled, rule.silence) == ("", True, timedelta(minutes=1))


def test_all_faults_are_named_at_once_with_their_lines() -> None:
    given = {"id": "坏 id", "type": "frequency", "num_events": "3", "surprise": 1}

    with pytest.raises(ConfigError) as caught:
        parse(given, file="r.yaml", lines={"": 1, "id": 1, "num_events": 3, "surprise": 4})

    places = {(fault.line, fault.reason.split(":")[0]) for fault in caught.value.faults}
    assert places == {(1, "id"), (3, "num_events"), (1, "timeframe"), (4, "surprise")}


@pytest.mark.parametrize("value", ["", "five", "0m", True, {"fortnights": 1}])
def test_a_timeframe_must_be_a_duration(value: object) -> None:
    with pytest.raises(ConfigError, match="timeframe"):
        parse({**SMALL, "timeframe": value})


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="type"):
        parse({"type": "magic"})


def test_what_is_dumped_is_read_as_the_same_rule() -> None:
    rule = parse({**SMALL, "id": "a", "query": "停水", "realert": "1h", "quiet": [
        {"reason": "夜间", "start": "22:00", "end": "06:00", "weekdays": [6, 7]}
    ]})  # fmt: skip

    assert parse(rule.dump()) == rule


def test_words_for_people_do_not_change_what_is_counted() -> None:
    plain = parse(SMALL)

    assert parse({**SMALL, "title": "停水", "severity": "II"}).version == plain.version
    assert parse({**SMALL, "num_events": 4}).version != plain.version
    assert parse({**SMALL, "query": "停水"}).version != plain.version


@pytest.mark.parametrize("metric", ["avg(risk)", "avg:risk", {"avg": "risk"}, "risk"])
def test_a_metric_may_be_written_in_several_ways(metric: object) -> None:
    rule = parse({"type": "metric_aggregation", "metric": metric, "max_threshold": 1, "bucket": "5m"})

    assert rule.options.model_dump()["metric"] == {"agg": "avg", "field": "risk"}


def test_a_rule_takes_over_the_query_of_its_watch() -> None:
    watch = Watch(id="water", title="供水", query="自来水 OR 水质", regions=["石澜镇"], exclude=["招聘"])
    rule = parse({**SMALL, "watch": "water", "query": "发黄"})

    (resolved,) = resolve([rule], [watch])

    assert resolved.query == '(region:"石澜镇" AND (自来水 OR 水质) AND NOT "招聘") AND (发黄)'
    assert resolved.version != rule.version


def test_a_watch_there_is_not_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="没有监测方案 water"):
        resolve([parse({**SMALL, "watch": "water"})], [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"query": "(停水"}, "query：第 1 个字：缺右括号"),
        ({"query_key": "author"}, "query_key 不能用“author”"),
        ({"query_key": "surprise"}, "帖文没有“surprise”这一项"),
        ({"tests": [{"name": "空", "steps": [{"tick": "+1m"}], "expect": [{"step": 0}]}]}, "测试“空”：应为 第 0 步"),
    ],
)
def test_a_check_names_what_the_schema_cannot_know(changes: dict[str, object], reason: str) -> None:
    assert faults(parse({**SMALL, **changes}), NOON)[0].startswith(reason)

"""The matcher says exactly what the query language says, whatever the number of rules."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from core.model import Engagement, Mood, Post, Precision, Score, Sentiment, TaggedPost, Tags
from rules.explanation import explain
from rules.matcher import Matcher
from rules.schema import Rule, parse
from storage.query import matches
from storage.query import parse as parse_query

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
TERMS = ("停水", "水", "學校", "学校食堂", "ABC", "abc d", "呕吐", "ＡＢ", "招聘")


def a_post(
    text: str = "", *, title: str = "", topics: tuple[str, ...] = (), regions: tuple[str, ...] = (), risk: int = 0
) -> TaggedPost:
    post = Post(
        id="202611-1",
        source="bbs",
        kind="forum",
        url="https://example.test",
        title=title,
        text=text,
        language="zh-Hans",
        published_at=NOON,
        precision=Precision.SECOND,
        first_seen_at=NOON,
        author_hash="a",
        author_label="",
        engagement=Engagement(),
        content_hash="",
    )
    tags = Tags(
        topics=tuple(Score(id=topic, score=0.9) for topic in topics),
        class7=(),
        sentiment=Sentiment(label=Mood.NEGATIVE, negative=1, neutral=0, positive=0),
        regions=regions,
        institutions=(),
        flags=("collective",),
        keywords=(),
        risk=risk,
        risk_reasons=(),
        confident=True,
        model_version="t",
    )
    return TaggedPost(post=post, tags=tags)


def a_rule(query: str, number: int = 0, **changes: object) -> Rule:
    return parse({"id": f"r{number}", "type": "any", "query": query, **changes})


def an_expression(random: Random, depth: int = 3) -> str:
    if depth == 0 or random.random() < 0.3:
        leaf = random.choice(["term", "term", "title", "topic", "region", "source", "risk", "flag"])
        word = random.choice(TERMS)
        return {
            "term": f'"{word}"',
            "title": f'title:"{word}"',
            "topic": f"topic:{random.choice(['wages', 'water'])}",
            "region": f"region:{random.choice(['石澜镇', '采川县/石澜镇'])}",
            "source": f"source:{random.choice(['bbs', 'forum', 'news'])}",
            "risk": f"risk:>={random.choice([10, 50, 90])}",
            "flag": "flag:collective",
        }[leaf]
    children = [an_expression(random, depth - 1) for _ in range(random.randint(2, 3))]
    joined = random.choice([" AND ", " OR "]).join(children)
    return f"NOT ({joined})" if random.random() < 0.2 else f"({joined})"


def any_post(random: Random) -> TaggedPost:
    words = [random.choice((*TERMS, "，", "天气", "Abc")) for _ in range(random.randint(0, 6))]
    return a_post(
        "".join(words),
        title=random.choice(("", "停水", "学校食堂通知")),
        topics=tuple(random.sample(("wages", "water"), random.randint(0, 2))),
        regions=tuple(random.sample(("采川县/石澜镇", "采川县/禾渡镇"), random.randint(0, 2))),
        risk=random.choice((0, 50, 95)),
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_matcher_equals_every_query_on_its_own(seed: int) -> None:
    random = Random(seed)
    rules = [a_rule(an_expression(random), number) for number in range(60)]
    posts = [any_post(random) for _ in range(60)]
    matcher = Matcher(rules, NOON)
    trees = {rule.id: parse_query(rule.query, NOON) for rule in rules}

    for post in posts:
        alone = {name for name, tree in trees.items() if matches(tree, post)}
        assert {hit.rule for hit in matcher.match(post)} == alone


@pytest.mark.parametrize("seed", range(3))
def test_an_explanation_never_contradicts_the_matcher(seed: int) -> None:
    random = Random(seed)
    rules = [a_rule(an_expression(random), number) for number in range(30)]
    matcher = Matcher(rules, NOON)

    for post in (any_post(random) for _ in range(20)):
        explanations = [explain(rule, post, NOON) for rule in rules]
        assert {item.rule.id for item in explanations if item.matched} == {hit.rule for hit in matcher.match(post)}
        assert all(item.reasons for item in explanations)


def test_a_rule_that_is_off_matches_nothing() -> None:
    assert Matcher([a_rule("停水", enabled=False)], NOON).match(a_post("停水")) == []


def test_a_query_that_cannot_be_read_is_named_and_stops_no_other() -> None:
    matcher = Matcher([a_rule("(停水", 1), a_rule("停水", 2)], NOON)

    assert list(matcher.faults) == ["r1"]
    assert [hit.rule for hit in matcher.match(a_post("停水"))] == ["r2"]


def test_a_hit_counts_under_the_first_place_down_to_the_township() -> None:
    rule = a_rule("停水", query_key="region")
    post = a_post("停水", regions=("省/市/县/镇/村", "省/市"))

    assert Matcher([rule], NOON).match(post)[0].key == "省/市/县/镇"


def test_a_percentage_rule_notes_whether_its_numerator_is_true() -> None:
    rule = a_rule("停水", type="percentage_match", match="sentiment:negative", max_percentage=50, bucket="1h")

    assert Matcher([rule], NOON).match(a_post("停水"))[0].fields == {"match": True}


def test_an_explanation_names_what_is_missing_and_what_is_excluded() -> None:
    explanation = explain(a_rule("(停水 OR 断水) AND 学校 NOT 招聘"), a_post("停水 招聘"), NOON)

    assert explanation.reasons == ("没有“学校”", "有排除的“招聘”")

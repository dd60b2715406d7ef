"""New matches become findings once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.model import Engagement, Finding, Mood, Post, Precision, Sentiment, TaggedPost, Tags
from rules import journal
from rules.facts import NoFacts
from rules.matcher import Hit
from rules.models import Counter, FindingRow, Health, MatchRow, Silence
from rules.runner import Runner
from rules.schema import IncidentOptions, Rule, parse
from rules.windows.facts import IncidentState

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
IN_MEDIA = frozenset({"central"})


@pytest.fixture(autouse=True)
def _rows(db: None) -> None:
    """Every test has empty tables."""


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def a_rule(**changes: Any) -> Rule:
    given = {"id": "r", "type": "frequency", "num_events": 3, "timeframe": "10m", "realert": 0, **changes}
    return parse({name: value for name, value in given.items() if value is not None})


def a_post(number: int, at: datetime, *, incident: str | None = None) -> TaggedPost:
    post = Post(
        id=f"202611-{number:04d}",
        source="forum",
        kind="forum",
        url="https://example.test/1",
        title="供水",
        text="停水了",
        language="zh-Hans",
        published_at=at,
        precision=Precision.SECOND,
        first_seen_at=at,
        author_hash="",
        author_label="",
        engagement=Engagement(),
        content_hash="",
    )
    tags = Tags(
        topics=(),
        class7=(),
        sentiment=Sentiment(label=Mood.NEUTRAL, negative=0, neutral=1, positive=0),
        regions=(),
        institutions=(),
        flags=(),
        keywords=(),
        risk=0,
        risk_reasons=(),
        confident=True,
        model_version="t",
    )
    return TaggedPost(post=post, tags=tags, incident=incident)


def matched(rule: Rule, posts: Iterable[TaggedPost], now: datetime, key: str = "") -> None:
    hit = Hit(rule=rule.id, version=rule.version, key=key)
    with transaction.atomic():
        journal.record([(post, [hit]) for post in posts], now)


class Desk:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def __call__(self, finding: Finding, rule: Rule) -> None:
        self.findings.append(finding)


def three(start: datetime = NOON) -> list[TaggedPost]:
    return [a_post(number, start + minutes(number)) for number in range(3)]


def test_enough_posts_are_one_finding_with_its_reason_and_evidence() -> None:
    rule, desk = a_rule(), Desk()
    matched(rule, three(), NOON + minutes(3))

    told = Runner([rule]).step(NOON + minutes(3), desk)

    assert told == 1
    assert desk.findings[0].reason == "10分钟内出现 3 条，达到 3 条"
    assert desk.findings[0].evidence == ("202611-0002", "202611-0001", "202611-0000")


def test_the_same_step_again_tells_nothing() -> None:
    rule, desk = a_rule(), Desk()
    matched(rule, three(), NOON + minutes(3))
    runner = Runner([rule])
    runner.step(NOON + minutes(3), desk)

    assert runner.step(NOON + minutes(4), desk) == 0


def test_two_runners_raise_nothing_twice() -> None:
    rule, desk = a_rule(), Desk()
    matched(rule, three(), NOON + minutes(3))

    first, second = Runner([rule]), Runner([rule])
    told = [first.step(NOON + minutes(3), desk), second.step(NOON + minutes(3), desk)]

    assert told == [1, 0]
    assert FindingRow.objects.count() == 1


def test_a_restart_keeps_what_was_counted() -> None:
    rule, desk = a_rule(), Desk()
    posts = three()
    matched(rule, posts[:2], NOON + minutes(2))
    Runner([rule]).step(NOON + minutes(2), desk)
    matched(rule, posts[2:], NOON + minutes(3))

    assert Runner([rule]).step(NOON + minutes(3), desk) == 1


def test_a_start_leaves_the_log_of_a_rule_that_waits_for_posts_unread() -> None:
    rule, desk = a_rule(), Desk()
    matched(rule, three()[:2], NOON + minutes(2))
    Runner([rule]).step(NOON + minutes(2), desk)

    with CaptureQueriesContext(connection) as queries:
        Runner([rule]).step(NOON + minutes(3), desk)

    assert not [query for query in queries if '"event_time" >=' in query["sql"]]


def test_a_late_post_counts_at_its_own_time() -> None:
    rule, desk = a_rule(), Desk()
    early, middle, late = three()
    newer = a_post(9, NOON + minutes(90))
    runner = Runner([rule])
    matched(rule, [early, late, newer], NOON + minutes(90))
    runner.step(NOON + minutes(90), desk)
    matched(rule, [middle], NOON + minutes(95))

    runner.step(NOON + minutes(95), desk)

    assert [finding.at for finding in desk.findings] == [NOON + minutes(2)]


def test_a_post_later_than_allowed_is_counted_as_such_only() -> None:
    rule, desk = a_rule(lateness="1h", num_events=1), Desk()
    matched(rule, [a_post(1, NOON)], NOON + minutes(61))
    runner = Runner([rule])

    for minute in (61, 72):
        runner.step(NOON + minutes(minute), desk)

    assert desk.findings == []
    assert Health.objects.get(rule="r").late == 1


def test_a_late_post_that_moves_a_finding_disturbs_nobody_again() -> None:
    rule, desk = a_rule(), Desk()
    posts = [a_post(n, NOON + minutes(n)) for n in (0, 1, 3)]
    runner = Runner([rule])
    matched(rule, posts, NOON + minutes(3))
    runner.step(NOON + minutes(3), desk)
    matched(rule, [a_post(2, NOON + minutes(2))], NOON + minutes(4))

    told = runner.step(NOON + minutes(4), desk)

    assert told == 0
    assert {row.at: row.state for row in FindingRow.objects.all()} == {
        NOON + minutes(2): "muted",
        NOON + minutes(3): "revised",
    }


def test_silence_is_found_by_the_clock_alone() -> None:
    rule, desk = a_rule(type="flatline", threshold=1, num_events=None), Desk()
    runner = Runner([rule])
    runner.step(NOON, desk)

    runner.step(NOON + minutes(12), desk)

    assert [finding.reason for finding in desk.findings][:1] == ["10分钟内只有 0 条，少于 1 条"]


def test_the_key_rests_after_a_finding() -> None:
    rule, desk = a_rule(num_events=1, realert="1h"), Desk()
    matched(rule, three(), NOON + minutes(3))

    Runner([rule]).step(NOON + minutes(3), desk)

    assert len(desk.findings) == 1
    assert set(FindingRow.objects.filter(state="muted").values_list("muted_by", flat=True)) == {"刚刚报告过，间隔未到"}


def test_a_silence_mutes_with_its_owner_and_reason() -> None:
    rule, desk = a_rule(), Desk()
    Silence.objects.create(rule="r", owner="周岚", reason="已在处置", starts_at=NOON, ends_at=NOON + minutes(60))
    matched(rule, three(), NOON + minutes(3))

    Runner([rule]).step(NOON + minutes(3), desk)

    assert desk.findings == []
    assert FindingRow.objects.get().muted_by == "周岚 设置静默至 11-23 13:00：已在处置"


def test_a_quiet_time_holds_findings_until_it_ends() -> None:
    quiet = [{"start": "11:00", "end": "13:00", "reason": "午间"}]
    rule, desk = a_rule(quiet=quiet), Desk()
    matched(rule, three(), NOON + minutes(3))
    runner = Runner([rule])

    told = [runner.step(NOON + minutes(minute), desk) for minute in (3, 59, 61)]

    assert told == [0, 0, 1]


def test_a_group_is_told_together_after_its_period() -> None:
    rule, desk = a_rule(num_events=1, aggregation="10m"), Desk()
    runner = Runner([rule])
    matched(rule, three(), NOON + minutes(3))
    runner.step(NOON + minutes(3), desk)

    told = [runner.step(NOON + minutes(minute), desk) for minute in (13, 14)]

    assert told == [0, 1]
    assert desk.findings[0].values["findings"] == 3
    assert len(desk.findings[0].evidence) == 3


class Asked(NoFacts):
    """Facts that note when somebody asks."""

    def __init__(self) -> None:
        self.times: list[datetime] = []

    def silences(self, now: datetime) -> Sequence[Any]:
        self.times.append(now)
        return ()


def test_facts_are_asked_once_a_minute_however_often_a_worker_starts() -> None:
    rule = parse({"id": "quiet", "type": "silent_source"})
    facts, desk = Asked(), Desk()

    for number in range(4):
        Runner([rule], facts=facts).step(NOON + minutes(0.4 * number), desk)

    assert facts.times == [NOON, NOON + minutes(1.2)]


class InMedia(NoFacts):
    """Facts of an incident the papers report on for hours; notes whose posts are looked up."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []

    def incidents(self, options: IncidentOptions, now: datetime) -> Sequence[IncidentState]:
        return [IncidentState(id="fire", title="火灾", heat=3, earlier_heat=None, sources=2, media_tiers=IN_MEDIA)]

    def newest_posts(self, incident: str) -> tuple[str, ...]:
        self.looked_up.append(incident)
        return ("p2", "p1")


def test_posts_of_an_incident_are_looked_up_when_it_is_said_and_not_again() -> None:
    rule = parse({"id": "media", "type": "incident", "growth": None, "media_tier": "central"})
    facts, desk = InMedia(), Desk()

    for hour in range(3):
        Runner([rule], facts=facts).step(NOON + minutes(60 * hour), desk)

    assert [finding.evidence for finding in desk.findings] == [("p2", "p1")]
    assert facts.looked_up == ["fire"]


class OpenLevelOne(NoFacts):
    """Facts of a county where every incident has an open alert of level I."""

    def open_levels(self, incident: str) -> set[str]:
        return {"I"}


def test_a_grave_alert_mutes_the_ordinary_rules_of_its_incident() -> None:
    rule, desk = a_rule(severity="IV"), Desk()
    posts = [a_post(n, NOON + minutes(n), incident="fire") for n in range(3)]
    matched(rule, posts, NOON + minutes(3))

    Runner([rule], facts=OpenLevelOne()).step(NOON + minutes(3), desk)

    assert desk.findings == []
    assert FindingRow.objects.get().muted_by == "同一事件已有I级预警"


def test_another_place_of_the_same_incident_joins_the_first_key() -> None:
    rule, desk = a_rule(num_events=1, query_key="region"), Desk()
    runner = Runner([rule])
    for number, key in enumerate(("县城", "石澜镇")):
        matched(rule, [a_post(number, NOON + minutes(number), incident="water")], NOON + minutes(2), key)
        runner.step(NOON + minutes(2), desk)

    assert [finding.key for finding in desk.findings] == ["县城", "县城"]


def poisoned(rule: Rule) -> TaggedPost:
    """A post whose recorded fields the rule cannot read."""
    post = a_post(66, NOON + minutes(1))
    hit = Hit(rule=rule.id, version=rule.version, key="", fields={"match": True, "risk": "high"})
    with transaction.atomic():
        journal.record([(post, [hit])], NOON + minutes(1))
    return post


def test_a_failing_rule_is_put_aside_reported_and_tried_again() -> None:
    ill = a_rule(
        id="ill", type="metric_aggregation", num_events=None, timeframe=None,
        metric="sum(risk)", max_threshold=1, bucket="5m",
    )  # fmt: skip
    well, desk = a_rule(), Desk()
    poisoned(ill)
    matched(well, three(), NOON + minutes(3))
    runner = Runner([ill, well])

    runner.step(NOON + minutes(6), desk)
    row = Health.objects.get(rule="ill")

    assert [finding.rule for finding in desk.findings] == ["r", "rule-health"]
    assert desk.findings[1].reason.startswith("规则“ill”执行出错（连续 1 次），12:07 再试")
    assert (row.failures, row.retry_at) == (1, NOON + minutes(7))
    runner.step(NOON + minutes(8), desk)
    assert Health.objects.get(rule="ill").failures == 2


def test_a_rule_whose_query_cannot_be_read_is_reported_once() -> None:
    rule, desk = a_rule(query="(停水"), Desk()
    for _ in range(2):
        Runner([rule], faults={"r": "第 1 个字：缺右括号"}).step(NOON, desk)

    assert [finding.reason for finding in desk.findings] == ["规则“r”的查询无法识别，未能运行：第 1 个字：缺右括号"]


class Flaky(Desk):
    """A sink that refuses at first."""

    refusals = 1

    def __call__(self, finding: Finding, rule: Rule) -> None:
        if rule.id == "r" and self.refusals:
            self.refusals -= 1
            raise ValueError("no")
        super().__call__(finding, rule)


def test_a_finding_the_desk_cannot_take_is_kept_and_offered_again() -> None:
    rule, desk = a_rule(), Flaky()
    matched(rule, three(), NOON + minutes(3))
    runner = Runner([rule])

    runner.step(NOON + minutes(3), desk)
    runner.step(NOON + minutes(5), desk)

    assert [finding.rule for finding in desk.findings] == ["rule-health", "r"]


def raised() -> set[tuple[str, str, datetime]]:
    """Findings that stand in the end."""
    rows = FindingRow.objects.exclude(state="revised")
    return set(rows.values_list("rule", "key", "at"))


def clear() -> None:
    for model in (FindingRow, MatchRow, Health, Counter):
        model.objects.all().delete()


LIVE = (
    a_rule(id="often", query_key="region"),
    a_rule(id="rise", type="spike", spike_height=2, spike_type="both", num_events=None, query_key="region"),
    a_rule(id="quiet", type="flatline", threshold=2, num_events=None, query_key="region"),
    a_rule(id="variety", type="cardinality", cardinality_field="kind", min_cardinality=2, num_events=None),
    a_rule(id="moves", type="change", compare_key="kind", num_events=None, query_key="region"),
)


def play(arrivals: Sequence[tuple[datetime, TaggedPost, str]], restarts: Random | None, runners: int = 1) -> Desk:
    """Posts in the order they arrive, in batches; between two batches any runner may start afresh."""
    desk = Desk()
    running = [Runner(LIVE) for _ in range(runners)]
    now = NOON
    for start in range(0, len(arrivals), 4):
        batch = arrivals[start : start + 4]
        now = max(now, *(arrived for arrived, _, _ in batch))
        with transaction.atomic():
            journal.record([(post, hits_of(post, key)) for _, post, key in batch], now)
        for number in range(runners):
            if restarts is not None and restarts.random() < 0.3:
                running[number] = Runner(LIVE)
            running[number].step(now, desk)
    Runner(LIVE).step(END, desk)
    return desk


END = NOON + minutes(110)


def hits_of(post: TaggedPost, key: str) -> list[Hit]:
    fields = {"kind": ("forum", "board", "news")[int(post.post.id[-1]) % 3]}
    return [Hit(rule=rule.id, version=rule.version, key=key if rule.key_fields else "", fields=fields) for rule in LIVE]


@pytest.mark.parametrize("seed", range(4))
def test_late_posts_and_restarts_give_the_findings_of_one_clean_run(seed: int) -> None:
    random = Random(seed)
    posts = [
        (NOON + minutes(at), NOON + minutes(at + random.randint(0, 40)), a_post(number, NOON + minutes(at)), key)
        for number, at, key in ((n, random.randint(0, 70), random.choice("ab")) for n in range(12))
    ]
    in_order = [(at, post, key) for at, _, post, key in sorted(posts, key=lambda row: (row[0], row[2].post.id))]
    as_arrived = [(seen, post, key) for _, seen, post, key in sorted(posts, key=lambda row: row[1])]

    play(in_order, restarts=None)
    clean = raised()
    clear()
    desk = play(as_arrived, random, runners=2)

    assert raised() == clean
    assert len(desk.findings) <= FindingRow.objects.count()

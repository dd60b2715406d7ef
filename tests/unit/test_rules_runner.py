"""New matches become findings once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.model import Engagement, Finding, Mood, Post, Precision, Sentiment, TaggedPost, Tags
from rules import journal
from rules.matcher import Hit
from rules.models import FindingRow, Health, MatchRow, Silence
from rules.runner import Runner
from rules.schema import Rule, parse

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _rows(db: None) -> None:
    """Every test has empty tables."""


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def a_rule(**changes: Any) -> Rule:
    return parse({"id": "r", "type": "frequency", "num_events": 3, "timeframe": "10m", "realert": 0, **changes})


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

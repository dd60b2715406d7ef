"""History gives exactly what live would have given, with the real store and the real rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from django.db import transaction

from core.model import Engagement, Mood, Post, Precision, Sentiment, TaggedPost, Tags
from rules import journal
from rules.matcher import Matcher
from rules.models import FindingRow
from rules.replay import difference, needed, replay
from rules.runner import Runner
from rules.schema import Rule, parse
from storage.sqlite import SqliteStore

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
END = NOON + timedelta(hours=4)
OFTEN = parse(
    {
        "id": "often",
        "type": "frequency",
        "num_events": 3,
        "timeframe": "20m",
        "query": "停水 NOT 招聘",
        "query_key": "region",
        "realert": "30m",
    }
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "posts.sqlite3")
    yield opened
    opened.close()


def a_post(number: int, at: datetime, *, text: str = "停水了", place: str = "采川县/石澜镇") -> TaggedPost:
    post = Post(
        id=f"202611-{number:024x}",
        source="bbs",
        kind="forum",
        url="https://example.test",
        title="供水",
        text=text,
        language="zh-Hans",
        published_at=at,
        precision=Precision.SECOND,
        first_seen_at=at + timedelta(minutes=5),
        author_hash="",
        author_label="",
        engagement=Engagement(),
        content_hash=str(number),
    )
    tags = Tags(
        topics=(),
        class7=(),
        sentiment=Sentiment(label=Mood.NEUTRAL, negative=0, neutral=1, positive=0),
        regions=(place,),
        institutions=(),
        flags=(),
        keywords=(),
        risk=0,
        risk_reasons=(),
        confident=True,
        model_version="t",
    )
    return TaggedPost(post=post, tags=tags)


def some_posts(random: Random) -> list[TaggedPost]:
    return [
        a_post(
            number,
            NOON + timedelta(minutes=random.randint(0, 200)),
            text=random.choice(("停水了", "停水 招聘", "天气")),
            place=random.choice(("采川县/石澜镇", "采川县/禾渡镇")),
        )
        for number in range(60)
    ]


def replayed(store: SqliteStore, rule: Rule) -> list[tuple[str, datetime]]:
    found = replay(rule, store.scan(needed(rule, NOON, END)), since=NOON, now=END)
    return [(item.finding.key, item.finding.at) for item in found]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_a_replay_finds_what_live_found(store: SqliteStore, seed: int) -> None:
    posts = some_posts(Random(seed))
    store.upsert(posts)
    matcher, runner = Matcher([OFTEN], NOON), Runner([OFTEN])
    for start in range(0, len(posts), 10):
        with transaction.atomic():
            journal.record([(post, matcher.match(post)) for post in posts[start : start + 10]], END)
        runner.step(END, lambda finding, rule: None)

    live = set(FindingRow.objects.exclude(state="revised").values_list("key", "at"))

    assert set(replayed(store, OFTEN)) == live


def test_a_stricter_version_finds_less(store: SqliteStore) -> None:
    store.upsert([a_post(number, NOON + timedelta(minutes=number)) for number in range(6)])
    stricter = parse({**OFTEN.dump(), "num_events": 6})
    before = replay(OFTEN, store.scan(needed(OFTEN, NOON, END)), since=NOON, now=END)
    after = replay(stricter, store.scan(needed(stricter, NOON, END)), since=NOON, now=END)

    parted = difference(before, after)

    assert [len(part) for part in (parted.only_before, parted.only_now, parted.both)] == [1, 0, 1]


def test_the_second_finding_within_realert_would_not_have_been_told(store: SqliteStore) -> None:
    store.upsert([a_post(number, NOON + timedelta(minutes=number)) for number in range(6)])

    found = replay(OFTEN, store.scan(needed(OFTEN, NOON, END)), since=NOON, now=END)

    assert [item.told for item in found] == [True, False]

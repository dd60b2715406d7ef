"""What every post store must do, and that all of them give the same answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import SHANGHAI
from core.model import Engagement, Score, TaggedPost
from core.query import Everything, Node, Range, Text
from storage.elastic import ElasticStore
from storage.query import fields, matches, parse
from storage.sqlite import SqliteStore
from tests.fixtures.storage_posts import NOW, a_post, an_id, posts, trees
from tests.servers import elasticsearch

EVERYTHING = Everything()
Store = SqliteStore | ElasticStore
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty SQLite store."""
    store = SqliteStore(tmp_path / "posts.sqlite3")
    yield store
    store.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ElasticStore]:
    """An empty store on a real Elasticsearch."""
    with elasticsearch.store(tmp_path) as store:
        yield store


@pytest.fixture(params=["file", pytest.param("cluster", marks=pytest.mark.elasticsearch)])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store of each kind."""
    made: Store = request.getfixturevalue(request.param)
    return made


def ids(found: object) -> list[str]:
    """Ids in order."""
    return [post.post.id for post in found]  # type: ignore[attr-defined]


def newest_first(found: list[TaggedPost]) -> list[str]:
    """Ids in the order of a search."""
    return ids(sorted(found, key=lambda post: (post.post.published_at, post.post.id), reverse=True))


def everything(store: Store, query: Node, limit: int = 7) -> list[TaggedPost]:
    """All pages."""
    page = store.search(query, limit=limit)
    found = list(page.posts)
    while page.after is not None:
        page = store.search(query, limit=limit, after=page.after)
        found.extend(page.posts)
    return found


def test_a_post_comes_back_as_it_was_written(store: Store) -> None:
    post = a_post(1, story="s1", incident="i1", flags=("casualty",))

    store.upsert([post])

    assert store.get([post.post.id]) == [post]


def test_get_keeps_the_order_asked_and_leaves_out_the_unknown(store: Store) -> None:
    one, two = a_post(1), a_post(2)
    store.upsert([one, two])

    assert store.get([two.post.id, an_id("unknown"), one.post.id]) == [two, one]


def test_upsert_counts_the_new_posts(store: Store) -> None:
    assert store.upsert([a_post(1), a_post(2), a_post(1)]) == 2
    assert store.upsert([a_post(2), a_post(3)]) == 1
    assert store.upsert([]) == 0
    assert store.count(EVERYTHING) == 3


def test_writing_again_refreshes_engagement_and_nothing_else(store: Store) -> None:
    store.upsert([a_post(1, engagement=Engagement(views=10))])

    store.upsert([a_post(1, engagement=Engagement(views=99, likes=3))])

    assert store.get([an_id(1)])[0].post.engagement == Engagement(views=99, likes=3)
    assert store.count(parse("工资", NOW)) == 1
    assert store.terms(EVERYTHING, "topic") == [("wages", 1)]


def test_a_corrected_post_is_found_by_its_new_text_time_and_tags_only(store: Store) -> None:
    store.upsert([a_post(1, text="停水三天", published_at=NOW)])

    store.upsert([a_post(1, text="停电两天", published_at=NOW - 2 * DAY, topics=(Score(id="power", score=1),))])

    assert store.count(Text("停水")) == 0
    assert store.count(Text("停电")) == 1
    assert store.count(Range("published", low=NOW - DAY)) == 0
    assert store.terms(EVERYTHING, "topic") == [("power", 1)]


def test_text_that_is_not_unicode_is_kept(store: Store) -> None:
    store.upsert([a_post(1, text="半个\ud83d字符")])

    assert store.get([an_id(1)])[0].post.text == "半个\ufffd字符"
    assert store.count(Text("半个\ufffd字")) == 1


def test_pages_run_newest_first_through_posts_of_one_moment(store: Store) -> None:
    batch = [a_post(key, published_at=NOW - timedelta(seconds=key // 4)) for key in range(30)]
    store.upsert(batch)

    assert ids(everything(store, EVERYTHING)) == newest_first(batch)


def test_last_page_has_no_next_one(store: Store) -> None:
    store.upsert([a_post(key) for key in range(4)])

    assert store.search(EVERYTHING, limit=4).after is None
    assert store.search(EVERYTHING, limit=3).after is not None


@pytest.mark.parametrize("key", ["x", "[1]", "abc:def"])
def test_a_page_key_that_is_none_is_refused(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match=r"not the key|invalid literal"):
        store.search(EVERYTHING, after=key)


def test_scan_is_one_snapshot_oldest_first(store: Store) -> None:
    batch = [a_post(key, published_at=NOW - timedelta(seconds=key // 4)) for key in range(30)]
    store.upsert(batch)

    scan = store.scan(Text("工资"))
    first = next(scan)
    store.upsert([a_post("late", published_at=NOW)])

    assert ids([first, *scan]) == newest_first(batch)[::-1]


def test_similar_posts_are_the_others_of_the_story(store: Store) -> None:
    store.upsert([a_post(1, story="s"), a_post(2, story="s", published_at=NOW - DAY), a_post(3, story="t"), a_post(4)])

    assert ids(store.similar(an_id(1))) == [an_id(2)]
    assert store.similar(an_id(4)) == store.similar(an_id("unknown")) == []


def test_expired_posts_are_gone_from_every_answer(store: Store) -> None:
    store.upsert([a_post(key, published_at=NOW - key * DAY) for key in range(5)])

    assert store.expire(NOW - 2 * DAY) == 2

    assert newest_first(everything(store, EVERYTHING)) == [an_id(0), an_id(1), an_id(2)]
    assert store.terms(EVERYTHING, "keyword") == [("工资", 3)]
    assert store.count(Text("工资")) == store.count(EVERYTHING) == 3


def test_days_are_those_of_shanghai(store: Store) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=SHANGHAI)
    store.upsert([a_post(1, published_at=midnight), a_post(2, published_at=midnight - timedelta(microseconds=1))])

    bars = store.histogram(EVERYTHING, start=midnight - 3 * DAY, end=midnight + DAY, step=DAY)

    assert [(bar.start, bar.count) for bar in bars] == [(midnight - DAY, 1), (midnight, 1)]


def test_a_value_twice_in_one_post_counts_once(store: Store) -> None:
    store.upsert([a_post(1, keywords=("工资", "工资"), topics=(Score(id="a", score=1), Score(id="a", score=0.5)))])

    assert store.terms(EVERYTHING, "keyword") == store.terms(Text("工资"), "keyword") == [("工资", 1)]
    assert store.terms(EVERYTHING, "topic") == store.terms(Text("工资"), "topic") == [("a", 1)]


@pytest.mark.parametrize(
    "text",
    [
        '(拖欠 OR 欠薪) AND 农民工 NOT 招聘 "三个月工资" topic:wages sentiment:negative region:临河县 source:forum risk:>30 since:7d',
        "标题:農民工",
        "NOT 招聘",
        "risk:>50 OR 没有",
        'NOT (since:1h OR "AND OR (")',
        "资",
        "，",
    ],
)
def test_queries_of_the_language_find_what_they_say(store: Store, text: str) -> None:
    batch = [
        a_post(1, published_at=NOW - DAY),
        a_post(2, text="招聘农民工", risk=80),
        a_post(3, title="没有", text='他说"AND OR (', regions=()),
    ]
    store.upsert(batch)

    query = parse(text, NOW)

    assert ids(everything(store, query)) == newest_first([post for post in batch if matches(query, post)])


def test_reindexing_changes_no_answer(store: Store) -> None:
    store.upsert([a_post(key, published_at=NOW - key * DAY) for key in range(5)])

    assert sum(store.reindex()) == 5

    assert store.count(Text("工资")) == store.count(EVERYTHING) == 5
    assert store.terms(EVERYTHING, "topic") == store.terms(Text("工资"), "topic") == [("wages", 5)]


def test_info_tells_how_much_is_kept(store: Store) -> None:
    store.upsert([a_post(1)])
    store.maintain()

    info = store.info()

    assert info["posts"] == 1
    assert info["bytes"] > 0


def counted(batch: list[TaggedPost], facet: str | None, step: timedelta) -> Counter[tuple[datetime, str]]:
    """A histogram by hand."""
    found: Counter[tuple[datetime, str]] = Counter()
    for post in batch:
        local = post.post.published_at.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)
        start = local if step == HOUR else local.replace(hour=0)
        for value in {""} if facet is None else set(fields.FACETS[facet](post)):
            found[start, value] += 1
    return found


def fill(store: Store, batches: list[list[TaggedPost]], cuts: list[timedelta]) -> list[TaggedPost]:
    """Write and expire in turn; return what must be left."""
    store.expire(NOW + DAY)
    kept: dict[str, TaggedPost] = {}
    for batch, cut in zip(batches, cuts, strict=False):
        store.upsert(batch)
        kept |= {post.post.id: post for post in batch}
        gone = {id_ for id_, post in kept.items() if post.post.published_at < NOW - cut}
        assert store.expire(NOW - cut) == len(gone)
        kept = {id_: post for id_, post in kept.items() if id_ not in gone}
    return list(kept.values())


def check(
    store: Store, query: Node, kept: list[TaggedPost], facet: str | None, step: timedelta, age: timedelta
) -> None:
    """Compare every answer with the one found post by post."""
    found = [post for post in kept if matches(query, post)]
    assert ids(everything(store, query)) == newest_first(found)
    assert ids(store.scan(query)) == newest_first(found)[::-1]
    assert store.count(query) == len(found)
    bars = store.histogram(query, start=NOW - age, end=NOW, step=step, facet=facet)
    window = [post for post in found if NOW - age <= post.post.published_at < NOW]
    assert {(bar.start, bar.value): bar.count for bar in bars} == counted(window, facet, step)
    assert all((a.start, a.value) < (b.start, b.value) for a, b in pairwise(bars))
    if facet is not None:
        expected = Counter(value for post in found for value in set(fields.FACETS[facet](post)))
        assert store.terms(query, facet, limit=3) == sorted(expected.items(), key=lambda i: (-i[1], i[0]))[:3]


ages = st.builds(
    lambda hours, minutes: timedelta(hours=hours, minutes=minutes), st.integers(0, 90), st.sampled_from([0, 7])
)
questions = st.tuples(trees(), st.sampled_from([None, *fields.FACETS]), st.sampled_from([HOUR, DAY]), ages)
histories = {
    "batches": st.lists(st.lists(posts(), max_size=12), min_size=1, max_size=3),
    "cuts": st.lists(ages.map(lambda age: age + 2 * DAY), min_size=3, max_size=3),
    "asked": st.lists(questions, min_size=8, max_size=8),
}
unhurried = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


@settings(max_examples=60, **unhurried)
@given(**histories)
def test_every_answer_of_sqlite_is_that_found_post_by_post(
    file: SqliteStore, batches: list[list[TaggedPost]], cuts: list[timedelta], asked: list[tuple[Any, ...]]
) -> None:
    kept = fill(file, batches, cuts)

    for query, facet, step, age in asked:
        check(file, query, kept, facet, step, age)


@pytest.mark.elasticsearch
@settings(max_examples=6, **unhurried)
@given(**histories)
def test_every_answer_of_elasticsearch_is_that_found_post_by_post(
    cluster: ElasticStore, batches: list[list[TaggedPost]], cuts: list[timedelta], asked: list[tuple[Any, ...]]
) -> None:
    kept = fill(cluster, batches, cuts)

    for query, facet, step, age in asked:
        check(cluster, query, kept, facet, step, age)

"""Facts about incidents read from the store, which is asked only about those that may matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.model import TaggedPost
from core.query import Node
from rules.facts import StoreFacts
from rules.schema import IncidentOptions
from storage.incidents import join
from storage.models import Incident
from storage.sqlite import SqliteStore
from storage.stories import heat_now
from tests.fixtures.storage_posts import NOW, a_post

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


class Asked(SqliteStore):
    """Counts what it is asked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.queries = 0

    def scan(self, query: Node) -> Iterator[TaggedPost]:
        self.queries += 1
        return super().scan(query)

    def terms(self, query: Node, facet: str, *, limit: int = 20) -> list[tuple[str, int]]:
        self.queries += 1
        return super().terms(query, facet, limit=limit)


def an_incident(store: SqliteStore, name: str, minutes: Iterable[float], **tags: Any) -> None:
    """Posts so many minutes ago, and the row the merge keeps of them."""
    times = sorted(NOW - timedelta(minutes=ago) for ago in minutes)
    store.upsert([a_post(f"{name}{number}", published_at=at, incident=name, **tags) for number, at in enumerate(times)])
    heat = sum(heat_now(1, at, times[-1]) for at in times)
    Incident.objects.create(
        id=name,
        title="停水",
        first_seen_at=times[0],
        last_seen_at=times[-1],
        size=len(times),
        heat=heat,
        heat_at=times[-1],
        sources=["a"],
    )


def facts(folder: Path, sizes: dict[str, int], **tags: Any) -> StoreFacts:
    """A store with incidents of so many posts each, half an hour apart."""
    store = Asked(folder / "posts.sqlite3")
    for name, size in sizes.items():
        an_incident(store, name, range(0, 30 * size, 30), **tags)
    return StoreFacts(store)


def asked(facts: StoreFacts, **options: Any) -> set[str]:
    found = facts.incidents(IncidentOptions(type="incident", **options), NOW)
    return {state.id for state in found}


def test_an_incident_too_small_for_the_heat_is_not_looked_at(tmp_path: Path) -> None:
    assert asked(facts(tmp_path, {"small": 3, "large": 6}), min_heat=5) == {"large"}


def test_an_incident_too_small_for_so_many_sources_is_not_looked_at(tmp_path: Path) -> None:
    assert asked(facts(tmp_path, {"small": 3, "large": 6}), growth=None, sources=4) == {"large"}


def test_a_single_post_of_a_paper_makes_its_incident_looked_at(tmp_path: Path) -> None:
    told = facts(tmp_path, {"one": 1}, flags=("media_central",))

    assert asked(told, growth=None, media_tier="provincial") == {"one"}


def test_heat_now_and_an_hour_ago_is_that_of_the_posts(tmp_path: Path) -> None:
    store = Asked(tmp_path / "posts.sqlite3")
    an_incident(store, "i", [5, 10, 20, 90, 240])
    hour_later = IncidentOptions(type="incident", growth=1.5, min_heat=2)

    (state,) = StoreFacts(store).incidents(hour_later, NOW)

    assert state.heat == pytest.approx(sum(0.5 ** (ago / 360) for ago in (5, 10, 20, 90, 240)))
    assert state.earlier_heat == pytest.approx(sum(0.5 ** (ago / 360) for ago in (30, 180)))


def test_posts_that_keep_the_name_of_a_joined_incident_count(tmp_path: Path) -> None:
    store = Asked(tmp_path / "posts.sqlite3")
    an_incident(store, "young", [5, 10, 20, 30])
    an_incident(store, "old", [60 * 5, 60 * 3])
    join("young", "old")

    (state,) = StoreFacts(store).incidents(IncidentOptions(type="incident", min_heat=4), NOW)

    assert state.earlier_heat == pytest.approx(0.5 ** (4 / 6) + 0.5 ** (2 / 6))
    assert len(StoreFacts(store).newest_posts("old")) == 6


def test_a_report_on_a_joined_incident_is_one_on_the_other(tmp_path: Path) -> None:
    store = Asked(tmp_path / "posts.sqlite3")
    an_incident(store, "young", [5], flags=("media_central",))
    an_incident(store, "old", [90])
    join("young", "old")

    assert asked(StoreFacts(store), growth=None, media_tier="central") == {"old"}


def test_an_incident_of_this_hour_has_not_grown(tmp_path: Path) -> None:
    store = Asked(tmp_path / "posts.sqlite3")
    an_incident(store, "new", range(30))

    assert asked(StoreFacts(store), min_heat=5) == set()


def test_a_heat_long_gone_is_none(tmp_path: Path) -> None:
    store = Asked(tmp_path / "posts.sqlite3")
    an_incident(store, "i", [1, 2, 3, 60 * 24 * 5])

    (state,) = StoreFacts(store).incidents(IncidentOptions(type="incident", min_heat=2), NOW)

    assert state.earlier_heat is None


def test_posts_are_read_only_of_incidents_that_may_have_grown(tmp_path: Path) -> None:
    store = Asked(tmp_path / "posts.sqlite3")
    for number in range(30):
        an_incident(store, f"steady{number}", range(10, 600, 10))
    an_incident(store, "grown", [*range(1, 50, 2), 90])

    states = StoreFacts(store).incidents(IncidentOptions(type="incident"), NOW)

    assert [state.id for state in states if state.earlier_heat is not None] == ["grown"]
    assert store.queries == 2


def test_media_tiers_are_those_of_its_reports(tmp_path: Path) -> None:
    told = facts(tmp_path, {"one": 1}, flags=("media_central",))

    (state,) = told.incidents(IncidentOptions(type="incident", growth=None, media_tier="provincial"), NOW)

    assert state.media_tiers == {"central"}

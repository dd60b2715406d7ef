"""Facts about incidents read from the store, which is asked only about those that may matter."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.facts import StoreFacts
from rules.schema import IncidentOptions
from storage.models import Incident
from storage.sqlite import SqliteStore
from tests.fixtures.storage_posts import NOW, a_post

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


def facts(folder: Path, sizes: dict[str, int], **tags: Any) -> StoreFacts:
    """A store with incidents of so many posts each, a minute apart."""
    store = SqliteStore(folder / "posts.sqlite3")
    for incident, size in sizes.items():
        times = [NOW - timedelta(minutes=number) for number in range(size)]
        store.upsert(
            [
                a_post(f"{incident}{number}", published_at=at, incident=incident, **tags)
                for number, at in enumerate(times)
            ]
        )
        Incident.objects.create(
            id=incident, title="停水", first_seen_at=times[-1], last_seen_at=NOW, size=size, heat_at=NOW, sources=["a"]
        )
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


def test_heat_halves_in_six_hours(tmp_path: Path) -> None:
    (state,) = facts(tmp_path, {"one": 1}).incidents(
        IncidentOptions(type="incident", min_heat=1), NOW + timedelta(minutes=59)
    )

    assert state.heat == pytest.approx(0.5 ** (59 / 360))

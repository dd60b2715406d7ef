"""Rows of stories and incidents: what one worker saves, another reads; officers join and split."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import Refused
from storage import incidents
from storage.stories import MESSAGE, IncidentState, Story, Weights

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def a_story(name: str = "p1", incident: str = "p1", size: int = 1) -> Story:
    return Story(
        id=name,
        incident=incident,
        title="化工厂偷排",
        signature=bytes(512),
        first_seen_at=NOON,
        last_seen_at=NOON,
        size=size,
    )


def an_incident(name: str = "p1", size: int = 1) -> IncidentState:
    return IncidentState(
        id=name,
        title="化工厂偷排",
        first_seen_at=NOON,
        last_seen_at=NOON,
        size=size,
        sources=("board",),
        centre=Weights.of({"死鱼": 7.5}),
        heat_at=NOON,
    )


def test_saved_rows_come_back_as_they_were() -> None:
    incidents.save([a_story()], [an_incident()])

    rows = incidents.running(NOON - timedelta(days=1), NOON - timedelta(days=1))

    assert (rows.stories, rows.incidents) == ((a_story(),), (an_incident(),))


def test_a_worker_reads_only_what_is_newer_than_it_knows() -> None:
    position = incidents.save([a_story()], [an_incident()])

    assert incidents.changed_after(position).stories == ()
    incidents.save([a_story("p2", "p2")], [an_incident("p2")])
    assert [story.id for story in incidents.changed_after(position).stories] == ["p2"]


def test_incidents_of_a_single_message_are_read_for_longer() -> None:
    incidents.save([], [an_incident(), replace(an_incident("p2"), centre=Weights.of({MESSAGE: 0.7}))])

    rows = incidents.running(NOON, NOON + timedelta(days=1), NOON - timedelta(days=1))

    assert [row.id for row in rows.incidents] == ["p2"]


def test_saving_again_updates_the_counts() -> None:
    incidents.save([a_story()], [an_incident()])
    incidents.save([a_story(size=3)], [an_incident(size=3)])

    rows = incidents.running(NOON, NOON)

    assert (rows.stories[0].size, rows.incidents[0].size) == (3, 3)


def test_an_officer_joins_two_incidents() -> None:
    incidents.save([a_story(), a_story("p2", "p2")], [an_incident(), an_incident("p2", size=2)])

    incidents.join("p2", into="p1")

    rows = incidents.running(NOON, NOON)
    assert {story.incident for story in rows.stories} == {"p1"}
    assert {row.id: (row.size, row.merged_into) for row in rows.incidents} == {"p1": (3, None), "p2": (2, "p1")}


def test_joining_an_incident_into_itself_is_refused() -> None:
    incidents.save([], [an_incident()])

    with pytest.raises(Refused, match="两个不同"):
        incidents.join("p1", into="p1")


def test_an_officer_splits_a_story_off() -> None:
    incidents.save([a_story(), a_story("p2", "p1")], [an_incident(size=2)])

    new = incidents.split("p2")

    rows = incidents.running(NOON, NOON)
    assert {story.id: story.incident for story in rows.stories} == {"p1": "p1", "p2": new}
    assert {row.id: row.size for row in rows.incidents} == {"p1": 1, new: 1}


def test_the_only_story_cannot_be_split_off() -> None:
    incidents.save([a_story()], [an_incident()])

    with pytest.raises(Refused, match="无需拆分"):
        incidents.split("p1")

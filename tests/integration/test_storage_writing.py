"""Many rows in one statement: the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, connection, transaction

from storage import writing
from storage.models import Incident, Seen

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
NAME = ("source", "key")
COLUMNS = (*NAME, "first_seen_at", "payload_hash", "story")
HOSTILE = "\\\"'{},%s NULL ü🚲\n"


def a_row(key: str = "1", **changes: Any) -> tuple[Any, ...]:
    row = {"source": "board", "key": key, "first_seen_at": NOON, "payload_hash": "", "story": ""} | changes
    return tuple(row[name] for name in COLUMNS)


def an_incident(**changes: Any) -> dict[str, Any]:
    times = dict.fromkeys(("first_seen_at", "last_seen_at", "heat_at"), NOON)
    return {"id": "1", "title": "", "sources": [], "centre": {}, "merged_into": None, **times, **changes}


def test_every_kind_of_value_comes_back() -> None:
    row = an_incident(
        title=HOSTILE, sources=["甲", HOSTILE], centre={HOSTILE: 0.25}, heat=1.5, peak=2.5, size=7, changed=2**40
    )

    writing.insert(Incident, tuple(row), [tuple(row.values())])

    assert Incident.objects.values(*row).get() == row


def test_a_known_row_stays_as_it_was_or_gets_what_changes() -> None:
    writing.insert(Seen, COLUMNS, [a_row(story="old", payload_hash="old")])

    writing.insert(Seen, COLUMNS, [a_row(story="new", payload_hash="new")], unique=NAME)
    writing.insert(Seen, COLUMNS, [a_row(story="new", payload_hash="new")], unique=NAME, update=["story"])

    assert Seen.objects.values_list("story", "payload_hash").get() == ("new", "old")


def test_of_rows_with_one_name_the_last_counts() -> None:
    rows = [a_row(story="first"), a_row(story="last"), a_row("2", story="other")]

    writing.insert(Seen, COLUMNS, rows, unique=NAME, update=["story"])

    assert dict(Seen.objects.values_list("key", "story")) == {"1": "last", "2": "other"}


def test_each_row_is_set_to_a_value_of_its_own() -> None:
    writing.insert(Seen, COLUMNS, [a_row(str(number)) for number in range(3)])

    later = [(NOON + timedelta(days=number), "board", str(number)) for number in (1, 2)]
    writing.update(Seen, "first_seen_at", by=NAME, rows=later)

    assert [at for (at,) in Seen.objects.order_by("key").values_list("first_seen_at")] == [
        NOON + timedelta(days=number) for number in range(3)
    ]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite knows no lengths")
def test_what_is_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(DataError), transaction.atomic():
        writing.insert(Seen, COLUMNS, [a_row("k" * 600)])

    assert not Seen.objects.exists()


def test_no_rows_ask_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        writing.insert(Seen, COLUMNS, [])

"""The inbox: taken in once, leased, finished; the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.model import RawItem
from storage import inbox
from storage.inbox import LEASE, DjangoInbox
from storage.models import InboxItem

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def an_item(**changes: object) -> RawItem:
    fields = {
        "source": "board",
        "url": "https://example.invalid/1",
        "fetched_at": NOON,
        "first_seen_at": NOON,
        "content_type": "text/html",
        "payload": "<p>路灯坏了</p>".encode(),
    }
    return RawItem(**(fields | changes))  # type: ignore[arg-type]  # a builder takes any field


def test_the_same_bytes_come_in_once() -> None:
    door = DjangoInbox()

    assert [door.put([an_item()], NOON), door.put([an_item()], NOON)] == [1, 0]


def test_changed_bytes_come_in_again_and_keep_their_first_sight() -> None:
    door = DjangoInbox()
    door.put([an_item()], NOON)
    later = NOON + timedelta(days=40)

    door.put([an_item(payload=b"<p>2</p>", fetched_at=later, first_seen_at=later)], later)

    rows = door.claim(10, "a", later)
    assert [row.item.first_seen_at for row in rows] == [NOON, NOON]


def test_what_goes_in_comes_out_unchanged() -> None:
    door = DjangoInbox()
    item = an_item(payload={"标题": "停水", "n": 1}, external_id="T-1", trace="file.csv:3")
    door.put([item], NOON)

    (row,) = door.claim(10, "a", NOON)

    assert row.item == item


def test_rows_of_a_worker_that_is_gone_come_back_at_once() -> None:
    door = DjangoInbox()
    door.put([an_item(url=f"https://example.invalid/{n}") for n in range(3)], NOON)
    door.claim(1, "host:1", NOON)
    door.claim(1, "host:2", NOON)

    released = inbox.release_orphans(lambda owner: owner == "host:1")

    assert released == 1
    assert len(door.claim(10, "host:3", NOON)) == 2


def test_two_workers_never_hold_the_same_row() -> None:
    door = DjangoInbox()
    door.put([an_item(url=f"https://example.invalid/{n}") for n in range(10)], NOON)

    first, second = door.claim(6, "a", NOON), door.claim(6, "b", NOON)

    assert (len(first), len(second)) == (6, 4)
    assert {row.id for row in first}.isdisjoint(row.id for row in second)


def test_a_dead_workers_rows_are_taken_over_when_the_lease_ends() -> None:
    door = DjangoInbox()
    door.put([an_item()], NOON)
    door.claim(10, "dead", NOON)

    assert door.claim(10, "b", NOON + LEASE / 2) == []
    (row,) = door.claim(10, "b", NOON + LEASE + timedelta(seconds=1))
    assert row.attempts == 2


def test_a_rejected_row_keeps_its_payload_and_reason() -> None:
    door = DjangoInbox()
    door.put([an_item()], NOON)
    (row,) = door.claim(10, "a", NOON)

    door.reject(row, "没有正文", NOON)

    kept = InboxItem.objects.get()
    assert (kept.state, kept.reason, bool(kept.payload)) == ("rejected", "没有正文", True)
    assert inbox.waiting() == (0, None)


def test_a_draft_keeps_its_first_sight_and_remembers_its_story() -> None:
    key = ("feed", "item-1")
    inbox.sights([key], {key: NOON})
    inbox.placed({key: "202611-a"})

    later = inbox.sights([key], {key: NOON + timedelta(days=1)})

    assert (later, inbox.stories([key])) == ({key: NOON}, {key: "202611-a"})

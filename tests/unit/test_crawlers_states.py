from __future__ import annotations

from datetime import timedelta

import pytest

from crawlers import states
from crawlers.health import judge_all, silences
from crawlers.models import SeenUrl, SourceState
from crawlers.schedule import mark_due
from crawlers.states import Page
from storage.models import InboxItem
from tests.fixtures.collect import NOW, a_raw, a_source

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]
HOUR = timedelta(hours=1)


def known(*names: str) -> None:
    states.ensure([a_source(id=name) for name in names], NOW)


def test_a_new_source_is_due_at_once_and_only_made_once() -> None:
    known("news")
    known("news")

    assert states.due(["news"], NOW) == ["news"]


def test_a_source_that_is_off_gets_no_row() -> None:
    states.ensure([a_source(enabled=False)], NOW)

    assert SourceState.objects.count() == 0


def test_a_lease_is_taken_by_one_and_runs_out() -> None:
    known("news")

    first = states.lease("news", "one", NOW)
    second = states.lease("news", "two", NOW)
    later = states.lease("news", "two", NOW + states.LEASE)

    assert (first is not None, second, later is not None) == (True, None, True)


def test_leases_of_a_dead_worker_of_this_host_end_at_once() -> None:
    known("one", "two", "three")
    for name, owner in (("one", "here:1"), ("two", "here:2"), ("three", "there:1")):
        states.lease(name, owner, NOW)

    assert states.release_orphans("here", lambda process: process == 2) == 1
    assert states.due(["one", "two", "three"], NOW) == ["one"]


def test_a_worker_that_lost_its_lease_writes_nothing() -> None:
    known("news")
    states.lease("news", "one", NOW)
    states.lease("news", "two", NOW + states.LEASE)

    assert not states.finish("news", "one", {"polls": 99})
    assert states.finish("news", "two", {"polls": 1})
    assert SourceState.objects.get().polls == 1


def test_items_pages_and_cursor_are_written_together() -> None:
    known("news")

    new = states.take_in("news", [a_raw(b"x")], [Page(url="https://a.cn/1?b=2&a=1", mark="m")], {"cursor": "7"}, NOW)

    assert new == 1
    assert states.seen_pages("news", ["https://a.cn/1?a=1&b=2", "https://a.cn/2"]) == {
        "https://a.cn/1?a=1&b=2": ("m", NOW)
    }
    assert SourceState.objects.get().cursor == {"cursor": "7"}


def test_when_the_items_fail_nothing_is_written() -> None:
    known("news")
    broken = a_raw({"x": {1, 2}}, url="u")
    object.__setattr__(broken, "source", None)

    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the database says
        states.take_in("news", [broken], [Page(url="https://a.cn/1", mark="")], {"cursor": "7"}, NOW)

    assert SeenUrl.objects.count() == 0


def test_a_page_seen_again_keeps_its_newest_mark() -> None:
    for mark in ("one", "two"):
        states.take_in("news", [], [Page(url="https://a.cn/1", mark=mark)], None, NOW)

    assert [row.mark for row in SeenUrl.objects.all()] == ["two"]


def test_waiting_sources_are_marked_once_and_cleared_when_served() -> None:
    known("news", "late")
    assert mark_due(NOW) == 2
    SourceState.objects.filter(source="news").update(next_fetch_at=NOW + HOUR)

    assert mark_due(NOW + HOUR / 2) == 1
    assert SourceState.objects.get(source="late").due_since == NOW
    assert SourceState.objects.get(source="news").due_since is None


def test_pages_nobody_points_to_any_more_are_forgotten() -> None:
    states.take_in("news", [], [Page(url="https://a.cn/1", mark="")], None, NOW)

    assert states.forget_pages(NOW + states.FORGET_PAGES + HOUR) == 1


def test_a_source_past_its_own_bound_is_silent_beyond_doubt() -> None:
    known("news")
    SourceState.objects.update(last_ok_at=NOW, last_new_at=NOW - 30 * HOUR)

    judge_all([a_source(silence_after="1d")], NOW)
    ((source, since, silence),) = silences([a_source(silence_after="1d")], NOW)

    assert (source.id, since, silence.probability) == ("news", NOW - 30 * HOUR, 0.0)
    assert SourceState.objects.get().health == "silent"
    assert SourceState.objects.get().health_reason.startswith("已 1 天 6 小时没有新内容")


def test_a_hotline_that_always_pushed_falls_silent_by_its_own_rhythm() -> None:
    hotline = a_source(kind="push", url="")
    known("news")
    for hour in range(15 * 24):
        at = NOW + hour * HOUR
        InboxItem.objects.create(
            source="news", key=str(hour), url="", fetched_at=at, first_seen_at=at, content_type="text/html", payload=b""
        )  # fmt: skip
        states.note_push("news", 1, at)
        judge_all([hotline], at)

    judge_all([hotline], at + 8 * HOUR)

    assert SourceState.objects.get().health == "silent"


def test_items_nobody_could_read_make_a_source_broken() -> None:
    known("news")
    SourceState.objects.update(last_ok_at=NOW, last_new_at=NOW)
    for number in range(6):
        InboxItem.objects.create(
            source="news", key=str(number), url="", fetched_at=NOW, first_seen_at=NOW, content_type="text/html", payload=b"",
            state="rejected" if number < 5 else "done", finished_at=NOW,
        )  # fmt: skip

    judge_all([a_source()], NOW)

    assert SourceState.objects.get().health == "broken"

"""Rates and times from stored rows, and the reach of a response."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts import reach, statistics
from alerts.desk import Action
from alerts.reach import Published
from alerts.statistics import Rate
from core.model import TaggedPost
from tests.fixtures.county import NINE, a_post, minutes
from tests.fixtures.desk import an_alert, at, confirmed, dispatched, do, swept

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]

WEEK = (NINE - timedelta(days=1), NINE + timedelta(days=6))


def test_rate_without_a_whole_is_unknown_not_zero() -> None:
    assert (Rate(part=0, whole=0).share, str(Rate(part=0, whole=0)), str(Rate(part=1, whole=4))) == (
        None,
        "—",
        "25.0%（1 / 4）",
    )


def test_on_time_counts_met_and_missed_only() -> None:
    alert = dispatched("II")
    do(alert, Action.ACKNOWLEDGE, 20)
    do(alert, Action.FLASH, 90)
    swept(125)

    rate = statistics.on_time(statistics.judged(*WEEK))

    # confirm and acknowledge in time; flash report late; first feedback missed.
    assert (rate.part, rate.whole) == (2, 4)


def test_stage_times_leave_pauses_out() -> None:
    alert = dispatched()
    do(alert, Action.PAUSE, 11, stage="acknowledge", note="停电")
    do(alert, Action.RESUME, 41, stage="acknowledge")
    do(alert, Action.ACKNOWLEDGE, 51)

    found = {row.stage: row.median for row in statistics.stage_times(*WEEK)}

    assert found == {"confirm": minutes(1), "acknowledge": minutes(20)}


def test_unit_answers_for_its_own_stages_only() -> None:
    alert = dispatched("II")
    swept(70)

    (figures,) = statistics.by_unit(*WEEK)

    assert (figures.unit, figures.dispatched, str(figures.on_time)) == ("human_resources", 1, "0.0%（0 / 1）")
    assert figures.overdue == ((alert.number, "acknowledge"),)


def test_return_counts_for_the_unit_that_returned() -> None:
    alert = dispatched()
    do(alert, Action.RETURN, 5, note="不属本单位职责")
    do(alert, Action.DISPATCH, 6, lead="education")
    do(alert, Action.ACKNOWLEDGE, 7)

    found = {row.unit: row.returned for row in statistics.by_unit(*WEEK)}

    assert found["education"] == 0


def test_flow_counts_what_came_and_what_became_of_it() -> None:
    do(an_alert(key="甲"), Action.DISMISS, note="误报")
    confirmed()

    flow = statistics.flow(*WEEK)

    assert (flow.detected, flow.dismissed, flow.dispatched, flow.left) == (2, 1, 0, 1)


def test_reach_counts_later_posts_with_the_link_or_the_words() -> None:
    response = Published(
        text="县人社局已督促施工单位发放全部拖欠工资，共计三十六人。", url="https://example.org/notice", at=at(10)
    )
    words = "转：县人社局已督促施工单位发放全部拖欠工资！"
    posts = [
        a_post("1", at=at(5)),
        a_post("2", at=at(20)),
        with_text("3", words),
        with_text("4", "见 https://example.org/notice"),
    ]

    rate = reach.reach([response], posts)

    assert (rate.part, rate.whole) == (2, 3)


def test_without_a_response_there_is_no_reach() -> None:
    assert reach.reach([], [a_post()]).share is None


def with_text(post_id: str, text: str) -> TaggedPost:
    tagged = a_post(post_id, at=at(20))
    return replace(tagged, post=replace(tagged.post, text=text))

"""The desk on rows: what each action changes, starts, stops and tells."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from alerts import audit, desk
from alerts.desk import Action, Command
from alerts.models import Alert, AlertEvent, AlertPost, Deadline, Notification, Response
from core.errors import Conflict, Refused
from tests.fixtures.county import a_county, a_post, minutes
from tests.fixtures.desk import COUNTY, an_alert, at, confirmed, dispatched, do

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


def running(alert: Alert) -> dict[str, float]:
    """Stages still owed, with their due time in minutes after nine."""
    rows = Deadline.objects.filter(alert=alert, met_at=None, cancelled_at=None)
    return {row.stage: (row.due_at - at(0)) / minutes(1) for row in rows}


def told(alert: Alert, kind: str) -> set[str]:
    return set(Notification.objects.filter(alert=alert, kind=kind, state="pending").values_list("recipient", flat=True))


def a_user(login: str, *roles: str) -> str:
    user = User.objects.create_user(login)
    for role in roles:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return login


def test_whole_way_closes_with_an_intact_chain() -> None:
    alert = dispatched(co=("police",))

    do(alert, Action.ACKNOWLEDGE, actor="unit:human_resources")
    do(alert, Action.HANDLE, note="已到场")
    do(alert, Action.REPORT, note="已核实")
    do(alert, Action.RESPOND, text="已发放", channel="县政府网站")
    closed = do(alert, Action.CLOSE, actor="unit:human_resources")

    assert closed.state == "closed"
    assert running(alert) == {}
    assert audit.verify().broken == ()


def test_finding_opens_an_alert_and_tells_the_shift() -> None:
    alert = an_alert()

    assert (alert.number, alert.state, alert.suggested_level) == ("2026-0001", "detected", "IV")
    assert running(alert) == {"confirm": 30}
    assert told(alert, "new_alert") == {"@tao", "@gu"} or told(alert, "new_alert") == {"@wen", "@gu"}


def test_second_finding_of_a_key_joins_the_open_alert() -> None:
    first = an_alert()

    second = an_alert(5, posts=[a_post("202611-2", source="board")], evidence=("202611-2",))

    assert (second.pk, second.post_count, second.source_count) == (first.pk, 2, 2)
    assert list(AlertEvent.objects.values_list("kind", flat=True)) == ["open", "join"]


def test_finding_after_closure_opens_a_new_alert() -> None:
    first = do(an_alert(), Action.DISMISS, note="误报")

    assert an_alert(5).pk != first.pk


def test_graver_finding_is_announced_again() -> None:
    alert = an_alert()

    an_alert(5, posts=[a_post("202611-2", flags=("casualty",))], evidence=("202611-2",))

    alert.refresh_from_db()
    assert alert.suggested_level == "II"
    assert told(alert, "graver")


def test_numbers_have_no_gaps() -> None:
    numbers = [an_alert(key=key).number for key in ("甲", "乙", "丙")]

    assert numbers == ["2026-0001", "2026-0002", "2026-0003"]


def test_confirmation_stops_its_clock_and_starts_the_others() -> None:
    alert = confirmed("II")

    assert set(running(alert)) == {
        "acknowledge",
        "return_assignment",
        "flash_report",
        "first_feedback",
        "authoritative_info",
        "press_conference",
        "verification_report",
        "follow_up_report",
    }
    assert running(alert)["acknowledge"] == 31


@pytest.mark.parametrize(("level", "leaders"), [("I", {"#leader", "#deputy_leader"}), ("III", set())])
def test_grave_levels_are_reported_to_the_leaders(level: str, leaders: set[str]) -> None:
    alert = confirmed(level)

    assert leaders <= told(alert, "assessed")
    assert bool(told(alert, "assessed")) == bool(leaders)


def test_dispatch_tells_lead_co_units_and_the_superior_of_a_vertical_line() -> None:
    alert = confirmed()

    do(alert, Action.DISPATCH, lead="environment", co=("police",))

    assert told(alert, "dispatch") == {"#environment-contact"}
    assert told(alert, "co_dispatch") == {"#police-contact"}
    assert told(alert, "copy") == {"#city_environment-contact"}


def test_co_unit_signs_for_itself_only() -> None:
    alert = dispatched(co=("police",))

    signed = do(alert, Action.ACKNOWLEDGE, actor="unit:police")

    assert signed.state == "dispatched"
    assert "acknowledge" in running(alert)


def test_return_leads_back_to_assessment_and_a_new_lead_gets_its_own_windows() -> None:
    alert = dispatched()

    returned = do(alert, Action.RETURN, 20, actor="unit:human_resources", note="不属本单位职责")
    again = do(alert, Action.DISPATCH, 30, lead="education")

    assert (returned.state, returned.returned_count) == ("assessed", 1)
    assert again.state == "dispatched"
    assert (running(alert)["acknowledge"], running(alert)["return_assignment"]) == (90, 150)


def test_return_is_refused_after_its_window() -> None:
    alert = dispatched("II")

    with pytest.raises(Refused, match="退回时限 09:31 已过"):
        do(alert, Action.RETURN, 40, actor="unit:human_resources", note="不属本单位职责")


def test_another_co_unit_leaves_state_and_clocks_alone() -> None:
    alert = dispatched()
    do(alert, Action.ACKNOWLEDGE)
    before = running(alert)

    changed = do(alert, Action.DISPATCH, lead="human_resources", co=("police",))

    assert (changed.state, changed.co_units) == ("acknowledged", ["police"])
    assert running(alert) == before


def test_another_grade_redates_what_is_still_owed() -> None:
    alert = dispatched("III")
    do(alert, Action.ACKNOWLEDGE)

    do(alert, Action.GRADE, 20, level="II", note="省级媒体报道")

    assert running(alert)["first_feedback"] == 121
    assert running(alert)["press_conference"] == 24 * 60 + 1
    assert "acknowledge" not in running(alert)
    assert "public_response" not in running(alert)


@pytest.mark.parametrize("level", [None, "IV"])
def test_a_graver_alert_does_not_end_its_clocks_in_a_lesser_one(level: str | None) -> None:
    into = an_alert(key="青禾乡") if level is None else confirmed(level, key="青禾乡")

    with pytest.raises(Refused, match="未达 II 级"):
        do(confirmed("II"), Action.MERGE, into=into.pk)


def test_a_follow_up_report_is_owed_again_until_the_end() -> None:
    alert = dispatched("II")

    do(alert, Action.FOLLOW_UP, 600, note="已发放三十人，余者待核")
    again = running(alert)["follow_up_report"]
    do(alert, Action.GRADE, 610, level="I", note="人数增加")

    assert again == 600 + 24 * 60
    assert running(alert)["follow_up_report"] == 600 + 12 * 60
    assert told(alert, "follow_up_report") == {"#deputy_leader", "#office_head"}


def test_a_level_without_follow_up_reports_owes_none() -> None:
    alert = dispatched("III")

    do(alert, Action.FOLLOW_UP, 60, note="已到场")

    assert "follow_up_report" not in running(alert)


def test_pause_holds_a_clock_and_resume_moves_it() -> None:
    alert = dispatched()

    do(alert, Action.PAUSE, 11, stage="first_feedback", note="等检测结果")
    do(alert, Action.RESUME, 71, stage="first_feedback")

    row = Deadline.objects.get(alert=alert, stage="first_feedback")
    assert (row.due_at, row.paused_for) == (at(8 * 60 + 61), minutes(60))
    assert row.next_step_at == at(4 * 60 + 61)


def test_met_after_its_end_counts_as_missed() -> None:
    alert = dispatched("II")

    do(alert, Action.ACKNOWLEDGE, 45)

    row = Deadline.objects.get(alert=alert, stage="acknowledge")
    assert (row.met_at, row.missed_at) == (at(45), at(31))


def test_merge_gives_the_evidence_away_and_tells_it_in_both_chains() -> None:
    into = an_alert()
    alert = an_alert(key="青禾乡", posts=[a_post("202611-9")], evidence=("202611-9",))

    merged = do(alert, Action.MERGE, into=into.pk)

    assert (merged.state, merged.merged_into_id) == ("merged", into.pk)
    assert AlertPost.objects.filter(alert=into).count() == 2
    assert AlertEvent.objects.filter(alert=into).last().note == f"{alert.number} 并入本条"
    assert audit.verify().broken == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("〔人数 待核〕人，原因〔待核〕", "口径有 2 处待核，只能拟稿"), ("情况属实。", "口径尚未核定，只能拟稿")],
)
def test_nothing_is_published_before_the_statement_is_agreed(text: str, reason: str) -> None:
    alert = dispatched()
    do(alert, Action.ACKNOWLEDGE)
    do(alert, Action.STATE, text=text)

    with pytest.raises(Refused, match=reason):
        do(alert, Action.RESPOND, text="回应")


def test_agreed_statement_may_be_published() -> None:
    alert = dispatched()
    do(alert, Action.ACKNOWLEDGE)
    do(alert, Action.STATE, text="情况属实。")
    do(alert, Action.AGREE)

    do(alert, Action.RESPOND, text="情况属实。", channel="县政府网站", url="https://example.org/notice")

    assert Response.objects.get(alert=alert).channel == "县政府网站"


def test_instruction_lifts_an_ungraded_alert_and_is_passed_on() -> None:
    alert = do(an_alert(), Action.INSTRUCT, text="尽快查清", leader="分管副县长")

    assert alert.suggested_level == "III"
    assert told(alert, "instruction")


def test_reopened_alert_runs_new_rounds() -> None:
    alert = dispatched()
    for action, fields in ((Action.ACKNOWLEDGE, {}), (Action.REPORT, {"note": "已核实"}), (Action.RESPOND, {"text": "已回应"}), (Action.CLOSE, {})):  # fmt: skip
        do(alert, action, **fields)

    reopened = do(alert, Action.REOPEN, 100, note="又有反映")

    assert (reopened.state, reopened.reopened_count, reopened.closed_at) == ("assessed", 1, None)
    assert running(alert)["acknowledge"] == 160
    assert Deadline.objects.get(alert=alert, stage="acknowledge", round=2)


def test_reopening_beside_an_open_alert_of_the_same_key_is_refused() -> None:
    first = do(an_alert(), Action.DISMISS, note="误报")
    an_alert(5)

    with pytest.raises(Refused, match="已有未结告警"):
        do(first, Action.REOPEN, 10, note="并非误报")


def test_older_version_is_a_conflict_that_names_who_came_first() -> None:
    alert = an_alert()
    seen = alert.version
    do(alert, Action.CONFIRM, actor=a_user("shen", "duty_officer"), level="II")

    with pytest.raises(Conflict, match="沈知禾 09:01 已确认定级，已更新"):
        do(alert, Action.DISMISS, 2, version=seen, note="误报")


def test_refused_command_leaves_nothing_behind() -> None:
    alert = an_alert()
    events, messages = AlertEvent.objects.count(), Notification.objects.count()

    with pytest.raises(Refused):
        do(alert, Action.CONFIRM, level="V")

    alert.refresh_from_db()
    assert (alert.version, AlertEvent.objects.count(), Notification.objects.count()) == (0, events, messages)


@pytest.mark.parametrize(
    ("action", "fields", "reason"),
    [
        (Action.DISMISS, {}, "排除须写明理由"),
        (Action.DISPATCH, {"lead": "human_resources"}, "须先确认定级"),
        (Action.MERGE, {}, "须指定并入哪条告警"),
        (Action.RESUME, {}, "没有暂停的时限"),
        (Action.PAUSE, {"note": "等结果", "stage": "closure"}, "办结没有正在走的时限"),
        (Action.CLOSE, {}, "须先有公开回应和核查报告"),
        (Action.NOTE, {"note": " \0 "}, "备注不能为空"),
    ],
)
def test_refusals_say_why(action: Action, fields: dict[str, Any], reason: str) -> None:
    alert = an_alert()

    with pytest.raises(Refused, match=reason):
        do(alert, action, **fields)


@pytest.mark.parametrize(
    ("roles", "reason"),
    [(("duty_officer",), ""), (("auditor",), "由值班员、值班长办理"), ((), "由值班员、值班长办理")],
)
def test_only_the_duty_office_confirms(roles: tuple[str, ...], reason: str) -> None:
    alert = an_alert()

    assert desk.allowed(alert, roles, "")[Action.CONFIRM] == reason


def test_department_acts_only_on_its_own_alerts() -> None:
    alert = dispatched()

    own = desk.allowed(alert, ("department",), "human_resources", profile=COUNTY)
    other = desk.allowed(alert, ("department",), "education", profile=COUNTY)

    assert (own[Action.ACKNOWLEDGE], other[Action.ACKNOWLEDGE]) == ("", "由牵头单位县人社局办理")


def test_publicity_office_agrees_the_statement() -> None:
    alert = dispatched()
    do(alert, Action.STATE, text="情况属实。")

    assert desk.allowed(alert, ("department",), "publicity", profile=COUNTY)[Action.AGREE] == ""


def test_closed_account_may_not_act() -> None:
    alert = an_alert()

    with pytest.raises(Refused, match="没有账号"):
        do(alert, Action.CONFIRM, actor="nobody", level="II")


def test_nobody_on_duty_is_skipped_at_once_and_said() -> None:
    county = a_county(roster=COUNTY.roster.__class__(anchor="2026-01-01", shifts=(), members=()))

    alert = an_alert(county=county)

    skipped = Notification.objects.get(alert=alert, state="skipped")
    assert (skipped.error, told(alert, "new_alert")) == ("此时没有班次", {"#gov_office-contact"})


def test_command_for_a_missing_alert_is_refused() -> None:
    with pytest.raises(Refused, match="没有这条告警"):
        desk.act(Command(alert=99, action=Action.NOTE, actor="system:test", note="x"), COUNTY, at(0))

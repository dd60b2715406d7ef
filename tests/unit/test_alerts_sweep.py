"""The sweep: what is acted on, when, who is told, and that it happens once."""

from __future__ import annotations

import pytest

from alerts import audit, sweep
from alerts.desk import Action
from alerts.models import Alert, AlertEvent, Deadline, Notification
from tests.fixtures.county import a_county, a_unit
from tests.fixtures.desk import COUNTY, an_alert, at, dispatched, do, swept

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


def acts(alert: Alert) -> list[tuple[str, str]]:
    """What the sweeper did: kind and first words of the note."""
    rows = AlertEvent.objects.filter(alert=alert, actor=sweep.ACTOR)
    return [(row.kind, row.note.split("，")[0]) for row in rows]


def told(alert: Alert, kind: str) -> set[str]:
    return set(
        Notification.objects.filter(alert=alert, kind=kind).exclude(recipient="").values_list("recipient", flat=True)
    )


def test_nothing_happens_before_a_step_is_due() -> None:
    an_alert()

    assert swept(14.9) == 0


def test_half_of_the_window_reminds_the_contact() -> None:
    alert = dispatched("II")

    swept(17)

    assert acts(alert) == [("reminder", "部门签收已用 50%")]
    assert "#human_resources-contact" in told(alert, "reminder")


def test_end_of_the_window_orders_supervision_and_marks_it_missed() -> None:
    alert = dispatched("II")

    swept(32)

    row = Deadline.objects.get(alert=alert, stage="acknowledge")
    assert (row.missed_at, row.escalated_percent) == (at(31), 100)
    assert {"#deputy_leader", "#human_resources-head", "#human_resources-contact"} <= told(alert, "supervision_order")


def test_climbs_step_by_step_to_the_circular() -> None:
    alert = dispatched("II")

    for after in (16.5, 25.5, 31.5, 46.5, 61.5):
        swept(after)

    assert [act for act in acts(alert) if "部门签收" in act[1]] == [
        ("reminder", "部门签收已用 50%"),
        ("reminder", "部门签收已用 80%"),
        ("supervision_order", "部门签收超时"),
        ("supervision_order", "部门签收已用 150%"),
        ("circular", "部门签收已用 200%"),
    ]


def test_steps_passed_while_down_are_taken_together_and_once() -> None:
    alert = an_alert()

    first, second = swept(1000), swept(1000)

    assert (first, second) == (1, 0)
    assert acts(alert) == [("circular", "值班确认已用 200%")]
    assert AlertEvent.objects.get(alert=alert, actor=sweep.ACTOR).data["percent"] == [50, 80, 100, 150, 200]
    assert len(Notification.objects.filter(alert=alert, recipient="#office_head")) == 1


def test_met_deadline_is_left_alone() -> None:
    alert = dispatched("II")
    do(alert, Action.ACKNOWLEDGE, 10)

    swept(32)

    assert not [act for act in acts(alert) if "部门签收" in act[1]]


def test_paused_deadline_is_left_alone() -> None:
    alert = dispatched("II")
    do(alert, Action.PAUSE, 10, note="停电")

    assert swept(1000) == 0


def test_right_to_return_lapses_in_silence() -> None:
    alert = dispatched("II")
    do(alert, Action.ACKNOWLEDGE)
    Deadline.objects.filter(alert=alert).exclude(stage="return_assignment").update(next_step_at=None)
    before = Notification.objects.count()

    swept(31)

    row = Deadline.objects.get(alert=alert, stage="return_assignment")
    assert (row.cancelled_at, row.missed_at, Notification.objects.count()) == (at(31), None, before)
    assert acts(alert) == [("lapse", "退回时限已过")]


def test_unit_without_a_contact_is_skipped_at_once_and_its_head_told() -> None:
    heads_only = a_unit("human_resources", "县人社局")
    heads_only = a_unit("human_resources", "县人社局", contacts=heads_only.contacts[1:])
    units = tuple(heads_only if unit.id == "human_resources" else unit for unit in COUNTY.departments)
    alert = dispatched("II")

    swept(17, a_county(departments=units))

    skipped = Notification.objects.filter(alert=alert, state="skipped", kind="reminder").get()
    assert (skipped.recipient_name, skipped.error) == ("县人社局联络员", "没有登记联络员")
    assert "#human_resources-head" in told(alert, "reminder")


def test_row_that_cannot_be_acted_on_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    broken, sound = an_alert(), an_alert(key="青禾乡")
    Deadline.objects.filter(alert=broken).update(stage="unheard of")

    assert swept(16) == 1

    assert (acts(broken), len(acts(sound))) == ([], 1)
    assert "deadline not acted on" in caplog.text


@pytest.mark.parametrize("jump", [60, -60, 0.01])
def test_clock_that_jumps_neither_loses_nor_repeats_a_step(jump: float) -> None:
    alert = an_alert()

    for after in (14, 14 + jump, 16, 16 + jump, 31, 31 + jump, 62, 62 + jump):
        swept(after)

    percents = [row.data["percent"] for row in AlertEvent.objects.filter(alert=alert, actor=sweep.ACTOR)]
    assert [percent for batch in percents for percent in batch] == [50, 80, 100, 150, 200]


def test_clock_set_back_repeats_nothing() -> None:
    alert = dispatched("II")
    swept(32)

    assert [swept(after) for after in (-28, 31, 32)] == [0, 0, 0]
    assert len(acts(alert)) == len(set(acts(alert)))


def test_next_step_of_all_is_known() -> None:
    an_alert()

    assert sweep.next_at() == at(15)


def test_chain_holds_after_sweeps() -> None:
    alert = dispatched("I")

    for after in (5, 20, 40, 400):
        swept(after)

    assert audit.verify_alert(Alert.objects.get(pk=alert.pk)) == ()

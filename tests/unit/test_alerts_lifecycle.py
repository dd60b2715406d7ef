"""The pure machine by table, and the desk under random commands: what must hold whatever people do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from alerts import audit, clocks, desk, lifecycle, sweep
from alerts.lifecycle import ACTION_LABELS, MOVES, OPEN_STATES, ROLES, Action, Actor, Situation, State
from alerts.models import Alert, AlertEvent, Deadline, Notification
from core.errors import Refused
from tests.fixtures.county import NINE
from tests.fixtures.desk import COUNTY, an_alert

DUTY = Actor(login="shen", roles=frozenset({"duty_officer", "duty_lead"}))


def a_situation(state: State, **changes: Any) -> Situation:
    """Everything is ready: what is left to decide is the state."""
    values: dict[str, Any] = {
        "state": state,
        "level": "II",
        "lead": "human_resources",
        "return_until": NINE + timedelta(hours=1),
        "running": frozenset({"closure"}),
        "paused": frozenset({"flash_report"}),
        "responses": 1,
        "statement": "情况属实。",
    }
    return Situation(**(values | changes))


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("state", State)
def test_action_is_possible_exactly_in_the_states_of_its_row(action: Action, state: State) -> None:
    situation = a_situation(state, statement_agreed=action is not Action.AGREE)

    refused = lifecycle.refusal(action, situation, DUTY, NINE)

    assert (refused == "") == (state in MOVES[action].sources), refused


@pytest.mark.parametrize("action", Action)
def test_every_action_has_a_label_roles_and_a_move(action: Action) -> None:
    assert ACTION_LABELS[action]
    assert ROLES[action]
    assert MOVES[action].sources


@pytest.mark.parametrize("state", set(State) - set(OPEN_STATES))
def test_ended_alert_has_no_clock_left(state: State) -> None:
    assert lifecycle.ends(Action.CLOSE, state) is None


def test_reopened_dismissal_is_confirmed_again() -> None:
    assert lifecycle.target(Action.REOPEN, a_situation(State.DISMISSED)) is State.DETECTED
    assert lifecycle.target(Action.REOPEN, a_situation(State.CLOSED)) is State.ASSESSED


def test_report_after_a_response_does_not_go_back() -> None:
    assert lifecycle.target(Action.REPORT, a_situation(State.RESPONDED)) is State.RESPONDED


@pytest.mark.parametrize(
    ("situation", "action", "reason"),
    [
        (a_situation(State.RESPONDED, responses=0), Action.CLOSE, "须先有公开回应和核查报告"),
        (a_situation(State.RESPONDED, running=frozenset({"verification_report"})), Action.CLOSE, "须先有公开回应和核查报告"),
        (a_situation(State.DISPATCHED, return_until=NINE - timedelta(minutes=1)), Action.RETURN, "退回时限 08:59 已过"),
        (a_situation(State.HANDLING, lead_name="县人社局", acknowledged_at=NINE), Action.ACKNOWLEDGE, "县人社局09:00 已签收"),
        (a_situation(State.ASSESSED), Action.HANDLE, "须先指派责任单位"),
        (a_situation(State.DISPATCHED), Action.RESPOND, "责任单位尚未签收"),
        (a_situation(State.MERGED, merged_number="2026-0001"), Action.CONFIRM, "已并入 2026-0001"),
    ],
)  # fmt: skip
def test_reason_is_the_one_an_officer_needs(situation: Situation, action: Action, reason: str) -> None:
    assert lifecycle.refusal(action, situation, DUTY, NINE) == reason


class Desk(RuleBasedStateMachine):
    """Random commands, sweeps and findings on one alert; time only goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now = NINE
        self.done = 0

    @initialize()
    def found(self) -> None:
        """Every story begins with a finding."""
        self.alert = an_alert()

    @rule(action=st.sampled_from(Action), level=st.sampled_from(["I", "II", "III", "IV"]), lead=st.sampled_from(["human_resources", "education"]))  # fmt: skip
    def act(self, action: Action, level: str, lead: str) -> None:
        """Whatever is allowed succeeds; whatever is refused changes nothing."""
        before = Alert.objects.get(pk=self.alert.pk)
        command = desk.Command(
            alert=self.alert.pk, action=action, actor="system:test", note="理由", text="内容", level=level, lead=lead
        )
        try:
            after = desk.act(command, COUNTY, self.now)
        except Refused:
            unchanged = Alert.objects.get(pk=self.alert.pk)
            assert (unchanged.version, unchanged.chain_head) == (before.version, before.chain_head)
            return
        self.done += 1
        assert State(before.state) in MOVES[action].sources
        assert after.version == before.version + 1

    @rule(wait=st.integers(min_value=1, max_value=3 * 24 * 60))
    def time_passes(self, wait: int) -> None:
        """Minutes to days go by, then a sweeper comes along – twice."""
        self.now += timedelta(minutes=wait)
        sweep.sweep(COUNTY, self.now)
        assert sweep.sweep(COUNTY, self.now) == 0

    @invariant()
    def record_holds(self) -> None:
        """The chain is whole, and the version counts what was done."""
        alert = Alert.objects.get(pk=self.alert.pk)
        assert audit.verify_alert(alert) == ()
        assert alert.version == self.done

    @invariant()
    def clocks_fit_the_state(self) -> None:
        """An ended alert owes nothing; a stage has one running clock at most; a running one will be swept."""
        alert = Alert.objects.get(pk=self.alert.pk)
        left = list(clocks.running(alert))
        assert not left or alert.state in OPEN_STATES
        assert len({row.stage for row in left}) == len(left)
        for row in left:
            exhausted = row.escalated_percent >= 200
            assert (row.next_step_at is None) == (exhausted or row.paused_at is not None)
        assert not Deadline.objects.filter(alert=alert, next_step_at__lte=self.now - timedelta(days=30)).exists()

    @invariant()
    def every_message_has_its_cause(self) -> None:
        """A message names an event that exists."""
        for key in Notification.objects.filter(alert=self.alert).values_list("dedupe_key", flat=True):
            assert AlertEvent.objects.filter(alert=self.alert, seq=int(key.split("/")[1])).exists()

    def teardown(self) -> None:
        """Leave nothing to the next story."""
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)


@pytest.mark.django_db
@pytest.mark.workflow
def test_whatever_people_do_the_record_and_the_clocks_hold() -> None:
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )

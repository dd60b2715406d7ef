"""What may happen to an alert, when, and what it does to the clocks: a pure state machine.

detected → assessed → dispatched → acknowledged → handling → responded → closed;
beside it dismissed, merged, returned (→ assessed) and reopened (→ assessed, or detected after a dismissal).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.clock import SHANGHAI


class State(StrEnum):
    """Where an alert stands. Overdue is a fact of a deadline, not a state."""

    DETECTED = "detected"
    ASSESSED = "assessed"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    HANDLING = "handling"
    RESPONDED = "responded"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    MERGED = "merged"

    @property
    def label(self) -> str:
        """The state in the officers' words."""
        return STATE_LABELS[self]


STATE_LABELS: Mapping[State, str] = {
    State.DETECTED: "待确认",
    State.ASSESSED: "待指派",
    State.DISPATCHED: "待签收",
    State.ACKNOWLEDGED: "已签收",
    State.HANDLING: "处置中",
    State.RESPONDED: "已回应",
    State.CLOSED: "已办结",
    State.DISMISSED: "已排除",
    State.MERGED: "已并入",
}
#: States in which somebody still owes something.
OPEN_STATES = (
    State.DETECTED,
    State.ASSESSED,
    State.DISPATCHED,
    State.ACKNOWLEDGED,
    State.HANDLING,
    State.RESPONDED,
)


class Action(StrEnum):
    """What a person can do at the desk."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    GRADE = "grade"
    DISPATCH = "dispatch"
    ACKNOWLEDGE = "acknowledge"
    RETURN = "return"
    HANDLE = "handle"
    #: 核查初报.
    FEEDBACK = "feedback"
    #: 核查报告.
    REPORT = "report"
    #: 快报.
    FLASH = "flash"
    #: 续报.
    FOLLOW_UP = "follow_up"
    #: 权威信息.
    AUTHORITATIVE = "authoritative"
    #: 新闻发布会.
    PRESS = "press"
    RESPOND = "respond"
    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"
    NOTE = "note"
    PAUSE = "pause"
    RESUME = "resume"
    CONSULT = "consult"
    #: A draft of the agreed statement 口径.
    STATE = "state"
    AGREE = "agree"
    #: A leader's 批示.
    INSTRUCT = "instruct"
    REMIND = "remind"

    @property
    def label(self) -> str:
        """The action in the officers' words."""
        return ACTION_LABELS[self]


ACTION_LABELS: Mapping[Action, str] = {
    Action.CONFIRM: "确认定级",
    Action.DISMISS: "排除",
    Action.GRADE: "调整级别",
    Action.DISPATCH: "指派",
    Action.ACKNOWLEDGE: "签收",
    Action.RETURN: "退回",
    Action.HANDLE: "处置",
    Action.FEEDBACK: "核查初报",
    Action.REPORT: "核查报告",
    Action.FLASH: "快报",
    Action.FOLLOW_UP: "续报",
    Action.AUTHORITATIVE: "权威信息",
    Action.PRESS: "新闻发布会",
    Action.RESPOND: "回应",
    Action.CLOSE: "办结",
    Action.REOPEN: "重新办理",
    Action.MERGE: "并入",
    Action.NOTE: "备注",
    Action.PAUSE: "暂停计时",
    Action.RESUME: "恢复计时",
    Action.CONSULT: "会商",
    Action.STATE: "拟写口径",
    Action.AGREE: "核定口径",
    Action.INSTRUCT: "批示",
    Action.REMIND: "催办",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """From which states an action is possible, and where it leads; no `to` leaves the state alone."""

    sources: tuple[State, ...]
    to: State | None = None


_GRADED = (State.ASSESSED, State.DISPATCHED, State.ACKNOWLEDGED, State.HANDLING, State.RESPONDED)
_TAKEN = (State.ACKNOWLEDGED, State.HANDLING, State.RESPONDED)

MOVES: Mapping[Action, Move] = {
    Action.CONFIRM: Move(sources=(State.DETECTED,), to=State.ASSESSED),
    Action.DISMISS: Move(sources=(State.DETECTED, State.ASSESSED), to=State.DISMISSED),
    Action.GRADE: Move(sources=_GRADED),
    Action.DISPATCH: Move(
        sources=(State.ASSESSED, State.DISPATCHED, State.ACKNOWLEDGED, State.HANDLING), to=State.DISPATCHED
    ),
    Action.ACKNOWLEDGE: Move(sources=(State.DISPATCHED,), to=State.ACKNOWLEDGED),
    Action.RETURN: Move(sources=(State.DISPATCHED, State.ACKNOWLEDGED), to=State.ASSESSED),
    Action.HANDLE: Move(sources=(State.ACKNOWLEDGED, State.HANDLING), to=State.HANDLING),
    Action.FEEDBACK: Move(sources=_TAKEN, to=State.HANDLING),
    Action.REPORT: Move(sources=_TAKEN, to=State.HANDLING),
    Action.FLASH: Move(sources=_GRADED),
    Action.FOLLOW_UP: Move(sources=_GRADED),
    Action.AUTHORITATIVE: Move(sources=_GRADED),
    Action.PRESS: Move(sources=_GRADED),
    Action.RESPOND: Move(sources=_TAKEN, to=State.RESPONDED),
    Action.CLOSE: Move(sources=(State.RESPONDED,), to=State.CLOSED),
    Action.REOPEN: Move(sources=(State.CLOSED, State.DISMISSED), to=State.ASSESSED),
    Action.MERGE: Move(sources=OPEN_STATES, to=State.MERGED),
    Action.NOTE: Move(sources=tuple(State)),
    Action.PAUSE: Move(sources=OPEN_STATES),
    Action.RESUME: Move(sources=OPEN_STATES),
    Action.CONSULT: Move(sources=_GRADED),
    Action.STATE: Move(sources=_GRADED),
    Action.AGREE: Move(sources=_GRADED),
    Action.INSTRUCT: Move(sources=OPEN_STATES),
    Action.REMIND: Move(sources=_GRADED),
}

DUTY = frozenset({"duty_officer", "duty_lead"})
_UNIT = frozenset({"department"})
#: Roles that may do it; a department only for an alert it leads, co-handles or guides.
ROLES: Mapping[Action, frozenset[str]] = {
    **dict.fromkeys(Action, DUTY),
    **dict.fromkeys(
        (
            Action.ACKNOWLEDGE,
            Action.RETURN,
            Action.HANDLE,
            Action.FEEDBACK,
            Action.REPORT,
            Action.FOLLOW_UP,
            Action.AUTHORITATIVE,
            Action.PRESS,
            Action.RESPOND,
            Action.CLOSE,
            Action.STATE,
        ),
        DUTY | _UNIT,
    ),
    Action.AGREE: frozenset({"duty_lead", "leader", "publicity"}),
    Action.INSTRUCT: DUTY | {"leader"},
    Action.NOTE: DUTY | _UNIT | {"leader"},
}
ROLE_LABELS: Mapping[str, str] = {
    "duty_officer": "值班员",
    "duty_lead": "值班长",
    "department": "责任单位",
    "leader": "领导",
    "publicity": "宣传部门",
    "administrator": "管理员",
    "auditor": "审计员",
}
#: Only the lead unit's word counts for these.
LEAD_ONLY = frozenset({Action.RETURN, Action.CLOSE})
#: Actions that make no sense without words.
NEEDS_NOTE: Mapping[Action, str] = {
    Action.DISMISS: "排除须写明理由",
    Action.GRADE: "调整级别须写明理由",
    Action.RETURN: "退回须写明理由",
    Action.REOPEN: "重新办理须写明理由",
    Action.PAUSE: "暂停计时须写明理由",
    Action.NOTE: "备注不能为空",
    Action.FEEDBACK: "核查初报不能为空",
    Action.REPORT: "核查报告不能为空",
    Action.FOLLOW_UP: "续报不能为空",
}
NEEDS_TEXT: Mapping[Action, str] = {
    Action.RESPOND: "须填写回应内容",
    Action.AUTHORITATIVE: "须填写权威信息内容",
    Action.STATE: "须填写口径内容",
    Action.INSTRUCT: "须填写批示内容",
}
#: Words that mark a gap in an agreed statement; while one stands it may not be published.
UNVERIFIED = "待核"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, as the machine needs to know it."""

    login: str
    roles: frozenset[str] = frozenset()
    #: Department id; empty for people of the duty office.
    unit: str = ""

    @property
    def is_machine(self) -> bool:
        """Roles of Caifeng itself, not people."""
        return self.login.startswith("system:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the machine must know of an alert to decide."""

    state: State
    level: str | None = None
    lead: str = ""
    #: Co-handling and guiding units.
    others: tuple[str, ...] = ()
    lead_name: str = ""
    acknowledged_at: datetime | None = None
    #: End of the window for returning a wrong assignment; None when there is none.
    return_until: datetime | None = None
    #: Stages whose clock runs, is paused, or has been met.
    running: frozenset[str] = frozenset()
    paused: frozenset[str] = frozenset()
    met: frozenset[str] = frozenset()
    responses: int = 0
    #: Text of the newest statement; None when there is none. `statement_agreed` is about that version.
    statement: str | None = None
    statement_agreed: bool = False
    #: Number of the alert it went into; empty unless merged.
    merged_number: str = ""


def refusal(action: Action, situation: Situation, actor: Actor, now: datetime | None) -> str:
    """Say in Chinese why `actor` may not do this now; empty when they may.

    `now` None leaves out what only the clock decides.
    """
    return (
        _not_the_person(action, situation, actor)
        or _not_the_state(action, situation, actor)
        or _not_yet(action, situation, now)
    )


def target(action: Action, situation: Situation) -> State:
    """State after an action that was not refused."""
    to = MOVES[action].to
    if to is None:
        return situation.state
    if action is Action.REOPEN and situation.state is State.DISMISSED:
        return State.DETECTED
    if action in (Action.FEEDBACK, Action.REPORT) and situation.state is State.RESPONDED:
        return State.RESPONDED
    return to


def _not_the_person(action: Action, situation: Situation, actor: Actor) -> str:
    if actor.is_machine or actor.roles & (ROLES[action] - _UNIT):
        return ""
    if "department" in actor.roles and "department" in ROLES[action]:
        if actor.unit == situation.lead or (actor.unit in situation.others and action not in LEAD_ONLY):
            return ""
        return f"由牵头单位{situation.lead_name}办理" if situation.lead_name else "本单位未被指派"
    names = [ROLE_LABELS[role] for role in ROLE_LABELS if role in ROLES[action]]
    return f"由{'、'.join(names)}办理"


def _not_the_state(action: Action, situation: Situation, actor: Actor) -> str:
    state = situation.state
    if state in MOVES[action].sources:
        return ""
    if action is Action.ACKNOWLEDGE and actor.unit and actor.unit in situation.others and state in _TAKEN:
        return ""
    if state is State.MERGED and situation.merged_number:
        return f"已并入 {situation.merged_number}"
    if action is Action.ACKNOWLEDGE and state in _TAKEN and situation.acknowledged_at:
        return f"{situation.lead_name}{_clock(situation.acknowledged_at, None)} 已签收"
    if action is Action.CLOSE and state in OPEN_STATES:
        return "须先有公开回应和核查报告"
    if state is State.DETECTED:
        return "须先确认定级"
    if state is State.ASSESSED and action in (Action.ACKNOWLEDGE, Action.RETURN, *_BY_UNIT):
        return "须先指派责任单位"
    if state is State.DISPATCHED and action in _BY_UNIT:
        return "责任单位尚未签收"
    return f"告警{state.label}，不能{action.label}"


_BY_UNIT = (Action.HANDLE, Action.FEEDBACK, Action.REPORT, Action.RESPOND)


def _not_yet(action: Action, situation: Situation, now: datetime | None) -> str:
    match action:
        case Action.RETURN if situation.return_until is None:
            return "没有退回时限，请联系值班室改派"
        case Action.RETURN if now is not None and situation.return_until and now > situation.return_until:
            return f"退回时限 {_clock(situation.return_until, now)} 已过"
        case Action.RESPOND | Action.AUTHORITATIVE | Action.PRESS:
            return _statement_gap(situation)
        case Action.CLOSE if not situation.responses or "verification_report" in situation.running | situation.paused:
            return "须先有公开回应和核查报告"
        case Action.AGREE if situation.statement is None:
            return "还没有口径"
        case Action.AGREE if situation.statement_agreed:
            return "最新一稿口径已核定"
        case Action.PAUSE if not situation.running:
            return "没有正在走的时限"
        case Action.RESUME if not situation.paused:
            return "没有暂停的时限"
        case Action.REMIND if not situation.lead:
            return "尚未指派责任单位"
    return ""


def _statement_gap(situation: Situation) -> str:
    if situation.statement is None:
        return ""
    if gaps := situation.statement.count(UNVERIFIED):
        return f"口径有 {gaps} 处待核，只能拟稿"
    return "" if situation.statement_agreed else "口径尚未核定，只能拟稿"


def _clock(moment: datetime, now: datetime | None) -> str:
    """Local time; with its date when that is not today's."""
    local = moment.astimezone(SHANGHAI)
    same_day = now is None or local.date() == now.astimezone(SHANGHAI).date()
    return f"{local:%H:%M}" if same_day else f"{local:%m-%d %H:%M}"


#: Stages an action fulfils.
MEETS: Mapping[Action, tuple[str, ...]] = {
    Action.CONFIRM: ("confirm",),
    Action.DISPATCH: ("dispatch",),
    Action.ACKNOWLEDGE: ("acknowledge",),
    Action.FLASH: ("flash_report",),
    Action.FOLLOW_UP: ("follow_up_report",),
    Action.FEEDBACK: ("first_feedback",),
    # A full report says what a first one would have said.
    Action.REPORT: ("first_feedback", "verification_report"),
    Action.AUTHORITATIVE: ("authoritative_info",),
    Action.PRESS: ("press_conference",),
    # What an office says in public is authoritative information.
    Action.RESPOND: ("authoritative_info", "public_response"),
    Action.CLOSE: ("closure",),
}
#: Stages that begin again when a matter is taken up once more.
RESTARTED = (
    "dispatch",
    "acknowledge",
    "return_assignment",
    "first_feedback",
    "public_response",
    "verification_report",
    "follow_up_report",
    "closure",
)
#: Stages that begin again for a new lead unit: it cannot be late before it was told.
FOR_NEW_LEAD = ("acknowledge", "return_assignment")


def ends(action: Action, state: State) -> tuple[str, ...] | None:
    """Stages whose clocks lose their meaning; None means every one that is left."""
    if state not in OPEN_STATES:
        return None
    return FOR_NEW_LEAD if action is Action.RETURN else ()

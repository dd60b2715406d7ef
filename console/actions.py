"""What the desk offers for an alert: which buttons, with which key, which fields, and why not.

Whether an action is allowed is said by `alerts.desk`; here it only becomes a button.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alerts.lifecycle import MEETS, Action, State

#: Fields an action's form asks for, in order. Names are those of `alerts.desk.Command`.
FIELDS: Mapping[Action, tuple[str, ...]] = {
    Action.CONFIRM: ("level", "note"),
    Action.DISMISS: ("note",),
    Action.GRADE: ("level", "note"),
    Action.DISPATCH: ("lead", "co", "guidance", "note"),
    Action.ACKNOWLEDGE: (),
    Action.RETURN: ("note",),
    Action.HANDLE: ("note",),
    Action.FEEDBACK: ("note",),
    Action.REPORT: ("note",),
    Action.FLASH: ("note",),
    Action.FOLLOW_UP: ("note",),
    Action.AUTHORITATIVE: ("text", "channel", "url"),
    Action.PRESS: ("text", "channel", "url"),
    Action.RESPOND: ("text", "channel", "url"),
    Action.CLOSE: ("note",),
    Action.REOPEN: ("note",),
    Action.MERGE: ("into", "note"),
    Action.NOTE: ("note",),
    Action.PAUSE: ("stage", "note"),
    Action.RESUME: ("stage",),
    Action.CONSULT: ("units", "nature", "trend", "risk"),
    Action.STATE: ("text",),
    Action.AGREE: (),
    Action.INSTRUCT: ("leader", "text"),
    Action.REMIND: ("note",),
}

#: What each key means, by preference: the first of the list that is allowed, else the first that is offered.
KEYS: Mapping[str, tuple[Action, ...]] = {
    "A": (Action.CONFIRM, Action.ACKNOWLEDGE),
    "G": (Action.DISPATCH,),
    "R": (Action.DISMISS, Action.RETURN),
    "H": (Action.FEEDBACK, Action.HANDLE, Action.REPORT),
    "P": (Action.RESPOND,),
    "E": (Action.CLOSE, Action.REOPEN),
    "N": (Action.NOTE,),
}

#: What a button says under itself when it is allowed.
HINTS: Mapping[Action, str] = {
    Action.CONFIRM: "确认并定级，各时限起算",
    Action.ACKNOWLEDGE: "确认收到，停签收的钟",
    Action.DISPATCH: "指定牵头、协办和指导单位",
    Action.DISMISS: "误报或与本地无关，须写理由",
    Action.RETURN: "归属不对，须写理由",
    Action.HANDLE: "登记处置情况",
    Action.FEEDBACK: "登记核查初报，停当前的钟",
    Action.REPORT: "登记核查报告",
    Action.RESPOND: "登记公开回应",
    Action.CLOSE: "办结归档",
    Action.REOPEN: "重新办理，须写理由",
    Action.NOTE: "只记录，不改状态",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """An action as it stands on the page. `refusal` empty means allowed."""

    action: Action
    label: str
    key: str
    hint: str
    refusal: str
    #: Stops the clock that ends first.
    main: bool
    #: Nothing to fill in: pressing it acts at once.
    direct: bool


def buttons(allowed: Mapping[Action, str], state: State, running: Iterable[str]) -> list[Button]:
    """The bar of keyed actions, the one that stops the soonest running clock filled.

    `running` names the stages whose clocks run, soonest first.
    """
    keyed = {key: _pick(choices, allowed, state) for key, choices in KEYS.items()}
    main = _main(allowed, running)
    return [_button(action, key, allowed[action], action is main) for key, action in keyed.items()]


def others(allowed: Mapping[Action, str], shown: Iterable[Button], running: Iterable[str]) -> list[Button]:
    """Every other action that is allowed now."""
    known = {button.action for button in shown}
    main = _main(allowed, running)
    return [
        _button(action, "", "", action is main) for action, why in allowed.items() if not why and action not in known
    ]


def _main(allowed: Mapping[Action, str], running: Iterable[str]) -> Action | None:
    for stage in running:
        for action, stages in MEETS.items():
            if stage == stages[0] and not allowed.get(action, "不可"):
                return action
    return None


def _pick(choices: tuple[Action, ...], allowed: Mapping[Action, str], state: State) -> Action:
    possible = [action for action in choices if not allowed.get(action, "不可")]
    if possible:
        return possible[0]
    if len(choices) > 1 and state is not State.DETECTED and choices[0] in (Action.CONFIRM, Action.DISMISS):
        return choices[1]
    return choices[0]


def _button(action: Action, key: str, refusal: str, main: bool) -> Button:
    return Button(
        action=action,
        label=action.label,
        key=key,
        hint=HINTS.get(action, ""),
        refusal=refusal,
        main=main,
        direct=not FIELDS[action],
    )

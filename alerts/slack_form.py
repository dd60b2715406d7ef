"""Forms behind the buttons that need words or a choice: Slack views out, commands back. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.channels.slack_card import plain
from alerts.desk import Command
from alerts.lifecycle import Action
from alerts.models import Alert
from core.errors import Rejected
from core.profile import Profile

Block = dict[str, Any]

#: Actions whose button opens a form.
ASKS = frozenset({Action.CONFIRM, Action.DISPATCH, Action.DISMISS, Action.RETURN})
_NOTE_LENGTH, _TITLE, _OPTION, _OPTIONS, _GROUPS = 3000, 24, 75, 100, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that came back."""

    user: str
    action: Action
    alert: int
    version: int | None
    values: Mapping[str, Any]
    #: Where a refusal is shown.
    first_block: str

    def command(self, actor: str) -> Command:
        """What the desk is asked to do."""
        return Command(
            alert=self.alert,
            action=self.action,
            actor=actor,
            version=self.version,
            note=self.values.get("note") or "",
            level=self.values.get("level"),
            lead=self.values.get("lead"),
            co=tuple(self.values.get("co") or ()),
        )


def view(action: Action, alert: Alert, profile: Profile) -> Block:
    """The modal of an action; it carries the version the person looks at."""
    return {
        "type": "modal",
        "callback_id": f"alert:{action}",
        "private_metadata": json.dumps({"alert": alert.pk, "version": alert.version, "action": action}),
        "title": plain(f"{action.label} {alert.number}", _TITLE),
        "submit": plain(action.label, _TITLE),
        "close": plain("取消", _TITLE),
        "blocks": _inputs(action, alert, profile),
    }


def read(payload: Mapping[str, Any]) -> Form:
    """Read `view_submission`. Raises Rejected."""
    try:
        shown = payload["view"]
        meta = json.loads(shown["private_metadata"])
        fields = {block: next(iter(inputs.values())) for block, inputs in shown["state"]["values"].items()}
        return Form(
            user=str(payload["user"]["id"]),
            action=Action(meta["action"]),
            alert=int(meta["alert"]),
            version=int(meta["version"]),
            values={block: _value(given) for block, given in fields.items()},
            first_block=next(iter(fields)),
        )
    except (KeyError, TypeError, ValueError, StopIteration, AttributeError) as error:
        raise Rejected("not a form of ours") from error


def _value(given: Mapping[str, Any]) -> Any:
    if "selected_options" in given:
        return [option["value"] for option in given["selected_options"]]
    chosen = given.get("selected_option")
    return chosen["value"] if chosen else given.get("value")


def _inputs(action: Action, alert: Alert, profile: Profile) -> list[Block]:
    if action is Action.CONFIRM:
        levels = [(level.id, f"{level.id} 级 {level.name}") for level in profile.levels]
        hint = f"建议 {alert.suggested_level} 级（{alert.suggested_score} 分）"
        return [_select("level", f"级别，{hint}", levels, alert.suggested_level), _note(required=False)]
    if action is Action.DISPATCH:
        units = [(unit.id, unit.short) for unit in profile.departments if unit.kind != "leader"]
        return [
            _select("lead", "牵头单位", units, alert.lead_unit),
            _select("co", "协办单位", units, *alert.co_units, several=True),
            _note(required=False),
        ]
    return [_note(required=True)]


def _note(*, required: bool) -> Block:
    element = {"type": "plain_text_input", "action_id": "note", "multiline": True, "max_length": _NOTE_LENGTH}
    label = "理由" if required else "说明"
    return {
        "type": "input",
        "block_id": "note",
        "optional": not required,
        "label": plain(label, 200),
        "element": element,
    }


def _select(block: str, label: str, choices: Sequence[tuple[str, str]], *chosen: str, several: bool = False) -> Block:
    options = {value: {"text": plain(text, _OPTION), "value": value[:75]} for value, text in choices}
    element: Block = {"type": "multi_static_select" if several else "static_select", "action_id": block}
    element |= _listed(list(options.values()))
    if initial := [options[value] for value in chosen if value in options]:
        element |= {"initial_options": initial} if several else {"initial_option": initial[0]}
    return {"type": "input", "block_id": block, "optional": several, "label": plain(label, 200), "element": element}


def _listed(options: list[Block]) -> Block:
    """Up to 100 options, or groups of 100 of them."""
    if len(options) <= _OPTIONS:
        return {"options": options}
    starts = range(0, len(options), _OPTIONS)[:_GROUPS]
    return {
        "option_groups": [{"label": plain(f"第 {i + 1} 起", 75), "options": options[i : i + _OPTIONS]} for i in starts]
    }

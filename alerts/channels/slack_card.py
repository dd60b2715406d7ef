"""An alert as a Slack card: pure. Limits from slack_sdk's models and Slack's block reference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from alerts.lifecycle import MOVES, Action, State
from core.ports import Message

Block = dict[str, Any]

BLOCKS, BUTTONS = 50, 25
HEADER, SECTION, FIELD, BUTTON, URL = 150, 3000, 2000, 75, 3000
#: Text shown where blocks are not: notifications, old clients.
FALLBACK = 3000
#: Sections a long text may fill; the rest stands behind the link.
_SECTIONS = 3
_WIDE = str.maketrans("&<>", "＆＜＞")
_STYLES = {Action.CONFIRM: "primary", Action.ACKNOWLEDGE: "primary", Action.DISMISS: "danger", Action.RETURN: "danger"}


def escape(text: str) -> str:
    """Slack's three control characters as entities; text from outside can then call nobody and link nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(escaped: str, limit: int) -> str:
    """At most `limit` characters of escaped text, never through an entity."""
    return escaped if len(escaped) <= limit else escaped[: _boundary(escaped, limit - 1)] + "…"


def pieces(escaped: str, limit: int, count: int) -> list[str]:
    """Up to `count` parts of at most `limit` characters; the last one says by `…` that there was more."""
    parts: list[str] = []
    while len(parts) < count - 1 and len(escaped) > limit:
        end = _boundary(escaped, limit)
        parts.append(escaped[:end])
        escaped = escaped[end:]
    return [*parts, cut(escaped, limit)]


def _boundary(escaped: str, limit: int) -> int:
    start = escaped.rfind("&", 0, limit)
    return limit if start == -1 or ";" in escaped[start:limit] else start


def plain(text: str, limit: int) -> Block:
    """A plain_text object; wide forms stand for the control characters, whether or not a client decodes entities."""
    shown = " ".join(text.translate(_WIDE).split()) or "—"
    return {"type": "plain_text", "text": shown if len(shown) <= limit else shown[: limit - 1] + "…", "emoji": False}


def marked(escaped: str) -> Block:
    """A mrkdwn object in which nothing becomes a link or a name by itself."""
    return {"type": "mrkdwn", "text": escaped, "verbatim": True}


def fallback(message: Message) -> str:
    """The message as one escaped text."""
    return cut(escape(f"{message.title}\n{message.text}".strip() or message.id), FALLBACK)


def card(message: Message) -> list[Block]:
    """The blocks of a message: head, facts, text, buttons, why it came."""
    data = message.data
    blocks: list[Block] = [{"type": "header", "text": plain(_head(message), HEADER)}]
    if facts := _facts(data):
        blocks.append({"type": "section", "fields": facts})
    if message.text.strip():
        parts = pieces(escape(message.text.strip()), SECTION, _SECTIONS)
        blocks += [{"type": "section", "text": marked(part)} for part in parts]
    if buttons := _buttons(data):
        blocks.append({"type": "actions", "block_id": "actions", "elements": buttons})
    if reason := str(data.get("reason") or ""):
        blocks.append({"type": "context", "elements": [marked(cut(escape(f"为何通知：{reason}"), SECTION))]})
    return blocks[:BLOCKS]


def _head(message: Message) -> str:
    level = message.data.get("level")
    return f"〔{level}级〕{message.title}" if level else message.title


def _facts(data: Mapping[str, Any]) -> list[Block]:
    state = str(data.get("state") or "")
    label = State(state).label if state in set(State) else state
    facts = {"编号": str(data.get("number") or ""), "状态": label}
    return [marked(cut(f"*{name}*　{escape(value)}", FIELD)) for name, value in facts.items() if value]


def _buttons(data: Mapping[str, Any]) -> list[Block]:
    """A button for each offered action the alert's state still allows, and the link."""
    value = json.dumps({"alert": data.get("alert"), "version": data.get("version")})
    names = data.get("actions", ()) if data.get("alert") is not None else ()
    offered = [Action(name) for name in names if name in set(Action)]
    buttons = [_button(action, value) for action in offered if _possible(action, str(data.get("state") or ""))]
    url = str(data.get("url") or "")
    if url.startswith(("https://", "http://")) and len(url) <= URL:
        buttons.append({"type": "button", "action_id": "open", "text": plain("查看详情", BUTTON), "url": url})
    return buttons[:BUTTONS]


def _possible(action: Action, state: str) -> bool:
    return state not in set(State) or State(state) in MOVES[action].sources


def _button(action: Action, value: str) -> Block:
    button = {"type": "button", "action_id": f"alert:{action}", "text": plain(action.label, BUTTON), "value": value}
    return {**button, "style": _STYLES[action]} if action in _STYLES else button

"""A local place that behaves as Slack does towards a bot: it refuses what Slack refuses, and shows what it took.

`python -m caifeng.demo.slack_sink --port 8081` serves the Web API under `/api/`, incoming webhooks under `/services/`
and a page of the received cards at `/`. With the address of an installation's interactions and its signing secret
the buttons of the page work: they send what Slack would send. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import html
import json
import os
import re
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Json = dict[str, Any]

_TEXT, _TOP_TEXT, _BLOCKS, _BODY = 3000, 40_000, 50, 1_000_000
_KINDS = {"section", "header", "context", "actions", "divider", "image", "rich_text", "markdown", "input"}


def faults(blocks: Any) -> list[str]:
    """What Slack would find wrong with the blocks, with JSON pointers as Slack gives them.

    Stricter in one thing: unescaped control characters, which Slack takes and shows wrongly, are a fault here.
    """
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= _BLOCKS:
        return [f"no more than {_BLOCKS} items allowed [json-pointer:/blocks]"]
    found: list[str] = []
    names = [block.get("block_id") for block in blocks if isinstance(block, dict) and block.get("block_id")]
    if len(names) != len(set(names)):
        found.append("block_id must be unique [json-pointer:/blocks]")
    for index, block in enumerate(blocks):
        found += _block_faults(block, f"/blocks/{index}")
    return found


def _block_faults(block: Any, at: str) -> list[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _KINDS:
        return [f"unsupported type: {kind} [json-pointer:{at}/type]"]
    if len(block.get("block_id") or "") > 255:
        return [f"must be less than 256 characters [json-pointer:{at}/block_id]"]
    if kind == "section":
        return _section_faults(block, at)
    if kind == "header":
        return _text_faults(block.get("text"), f"{at}/text", 150, ("plain_text",))
    if kind == "context":
        return _context_faults(block.get("elements"), f"{at}/elements")
    return _actions_faults(block.get("elements"), f"{at}/elements") if kind == "actions" else []


def _section_faults(block: Json, at: str) -> list[str]:
    fields = block.get("fields") or []
    if not block.get("text") and not fields:
        return [f"missing required field: text or fields [json-pointer:{at}]"]
    found = _text_faults(block["text"], f"{at}/text", _TEXT) if block.get("text") else []
    if len(fields) > 10:
        found.append(f"no more than 10 items allowed [json-pointer:{at}/fields]")
    for index, item in enumerate(fields):
        found += _text_faults(item, f"{at}/fields/{index}", 2000)
    accessory = block.get("accessory") or {}
    return found + (_button_faults(accessory, f"{at}/accessory") if accessory.get("type") == "button" else [])


def _context_faults(elements: Any, at: str) -> list[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        return [f"must hold 1 to 10 items [json-pointer:{at}]"]
    return [
        fault
        for index, element in enumerate(elements)
        if element.get("type") in ("plain_text", "mrkdwn")
        for fault in _text_faults(element, f"{at}/{index}", _TEXT)
    ]


def _actions_faults(elements: Any, at: str) -> list[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        return [f"must hold 1 to 25 items [json-pointer:{at}]"]
    names = [element.get("action_id") for element in elements if element.get("action_id")]
    found = [] if len(names) == len(set(names)) else [f"action_id must be unique [json-pointer:{at}]"]
    for index, element in enumerate(elements):
        if element.get("type") == "button":
            found += _button_faults(element, f"{at}/{index}")
    return found


def _button_faults(button: Json, at: str) -> list[str]:
    found = _text_faults(button.get("text"), f"{at}/text", 75, ("plain_text",))
    for name, limit in (("value", 2000), ("action_id", 255), ("url", 3000), ("accessibility_label", 75)):
        if len(str(button.get(name, ""))) > limit:
            found.append(f"must be no more than {limit} characters [json-pointer:{at}/{name}]")
    if button.get("style") not in (None, "primary", "danger"):
        found.append(f"invalid style [json-pointer:{at}/style]")
    return found


def _text_faults(text: Any, at: str, limit: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> list[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        return [f"must be a text object of {' or '.join(kinds)} [json-pointer:{at}]"]
    words = text.get("text")
    if not isinstance(words, str) or not 1 <= len(words) <= limit:
        return [f"must be 1 to {limit} characters [json-pointer:{at}/text]"]
    raw = re.search(r"&(?!amp;|lt;|gt;)|<(?![@#!]|https?://|mailto:)", words)
    return [f"unescaped control character [json-pointer:{at}/text]"] if raw and text["type"] == "mrkdwn" else []


def view_faults(view: Any) -> list[str]:
    """What Slack would find wrong with a modal."""
    if not isinstance(view, dict) or view.get("type") != "modal":
        return ["invalid view type [json-pointer:/view/type]"]
    found = [
        fault
        for name in ("title", "submit", "close")
        if name in view or name == "title"
        for fault in _text_faults(view.get(name), f"/view/{name}", 24, ("plain_text",))
    ]
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= 100:
        return [*found, "must hold 1 to 100 items [json-pointer:/view/blocks]"]
    for index, block in enumerate(blocks):
        if block.get("type") == "input":
            found += _input_faults(block, f"/view/blocks/{index}")
    return found + (
        ["too long [json-pointer:/view/private_metadata]"] if len(view.get("private_metadata", "")) > 3000 else []
    )


def _input_faults(block: Json, at: str) -> list[str]:
    element = block.get("element") or {}
    found = _text_faults(block.get("label"), f"{at}/label", 2000, ("plain_text",))
    if not str(element.get("type", "")).endswith("select"):
        return found
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    for options in (group["options"] for group in groups):
        if not 1 <= len(options) <= 100:
            found.append(f"must hold 1 to 100 items [json-pointer:{at}/element/options]")
        for option in options:
            found += _text_faults(option.get("text"), f"{at}/element/options", 75, ("plain_text",))
            if not 1 <= len(option.get("value", "")) <= 75:
                found.append(f"bad option value [json-pointer:{at}/element/options]")
    offered = [option for group in groups for option in group["options"]]
    chosen = element.get("initial_options") or [element[name] for name in ("initial_option",) if name in element]
    return found + [f"not one of the options [json-pointer:{at}/element]" for option in chosen if option not in offered]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer of the sink."""

    status: int
    body: bytes
    kind: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def _said(body: Json, status: int = 200, **headers: str) -> Answer:
    return Answer(status=status, body=json.dumps(body).encode(), headers=headers)


def _refused(error: str, messages: list[str] | None = None) -> Answer:
    detail = {"response_metadata": {"messages": [f"[ERROR] {line}" for line in messages]}} if messages else {}
    return _said({"ok": False, "error": error, **detail})


class Chat:
    """What the sink knows and how it answers, without sockets.

    `plan` holds HTTP statuses for the next calls: 429 and 5xx are answered without taking the message, 0 lets one
    pass, -1 takes the message and then breaks the connection (the reply is lost).
    """

    def __init__(
        self,
        *,
        token: str = "",
        channels: frozenset[str] | None = None,
        interactions_url: str = "",
        signing_secret: str = "",
    ) -> None:
        self.token = token
        self.channels = channels
        self.interactions_url = interactions_url
        self.signing_secret = signing_secret
        #: Where Socket Mode is served, if it is.
        self.socket_url = ""
        #: Set by the server that carries this chat.
        self.url = ""
        self.plan: list[int] = []
        #: (method, body) of every call, refused ones too.
        self.calls: list[tuple[str, Json]] = []
        #: `channel:ts` → the message as it stands, in order of arrival.
        self.messages: dict[str, Json] = {}
        #: Modals opened and words only one person saw.
        self.views: list[Json] = []
        self.whispers: list[Json] = []
        #: Trigger → until when it opens a modal: three seconds, once.
        self._triggers: dict[str, float] = {}
        self._lock = threading.Lock()
        self._last = 0.0

    def call(self, path: str, body: Json, authorization: str) -> Answer:
        """Answer one POST under `/api/` or `/services/`."""
        with self._lock:
            method = path.rsplit("/", 1)[-1]
            self.calls.append((method, body))
            planned = self.plan.pop(0) if self.plan else 0
            if planned > 0:
                return _planned(planned)
            answer = self._webhook(body) if path.startswith("/services/") else self._api(method, body, authorization)
            return Answer(status=-1, body=b"") if planned < 0 else answer

    def _webhook(self, body: Json) -> Answer:
        wrong = _message_faults(body)
        if wrong:
            return Answer(status=400, body=wrong[0].encode(), kind="text/html")
        self._keep("webhook", body)
        return Answer(status=200, body=b"ok", kind="text/html")

    def _api(self, method: str, body: Json, authorization: str) -> Answer:
        if not authorization.startswith("Bearer "):
            return _refused("not_authed")
        expected = "Bearer xapp-" if method == "apps.connections.open" else f"Bearer {self.token}"
        if self.token and not authorization.startswith(expected):
            return _refused("invalid_auth")
        answers = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._ephemeral,
            "views.open": self._view,
            "apps.connections.open": self._socket,
        }
        return answers[method](body) if method in answers else _said({"ok": True})

    def _post(self, body: Json) -> Answer:
        channel, thread = str(body.get("channel") or ""), body.get("thread_ts")
        if not channel or (self.channels is not None and channel not in self.channels):
            return _refused("channel_not_found")
        if wrong := _message_faults(body):
            return _refused(wrong[0], wrong[1:])
        if thread and f"{channel}:{thread}" not in self.messages:
            return _refused("thread_not_found")
        return _said({"ok": True, "channel": channel, "ts": self._keep(channel, body), "message": body})

    def _update(self, body: Json) -> Answer:
        key = f"{body.get('channel')}:{body.get('ts')}"
        if key not in self.messages:
            return _refused("message_not_found")
        if wrong := _message_faults(body):
            return _refused(wrong[0], wrong[1:])
        self.messages[key] = {**self.messages[key], **body, "edited": True}
        return _said({"ok": True, "channel": body["channel"], "ts": body["ts"]})

    def _view(self, body: Json) -> Answer:
        if time.monotonic() > self._triggers.pop(str(body.get("trigger_id")), 0):
            return _refused("expired_trigger_id")
        if wrong := view_faults(body.get("view")):
            return _refused("invalid_arguments", wrong)
        self.views.append(body["view"])
        return _said({"ok": True, "view": {"id": f"V{len(self.views)}"}})

    def _socket(self, body: Json) -> Answer:
        return _said({"ok": True, "url": self.socket_url}) if self.socket_url else _refused("not_allowed_token_type")

    def _ephemeral(self, body: Json) -> Answer:
        if not body.get("user") or not body.get("text"):
            return _refused("invalid_arguments")
        self.whispers.append(body)
        return _said({"ok": True})

    def _keep(self, channel: str, body: Json) -> str:
        self._last = max(time.time(), self._last + 0.000_001)
        stamp = f"{self._last:.6f}"
        self.messages[f"{channel}:{stamp}"] = {**body, "channel": channel}
        return stamp

    def press(self, key: str, action_id: str, user: str) -> int | None:
        """Send what Slack sends when a person presses a button; return the number of the form that opened."""
        opened, payload = len(self.views), self.pressed(key, action_id, user)
        if payload:
            self.interact(payload)
        return opened if len(self.views) > opened else None

    def submit(self, number: int, values: Mapping[str, Any], user: str) -> dict[str, str]:
        """Send a filled form; return what was wrong, by field."""
        answer = self.interact(self.submitted(self.views[number], values, user))
        errors: dict[str, str] = answer.get("errors", {})
        return errors

    def pressed(self, key: str, action_id: str, user: str) -> Json | None:
        """The `block_actions` of a button of a message; None when it has no such button."""
        button = next((b for b in _buttons(self.messages[key]) if b.get("action_id") == action_id), None)
        if button is None:
            return None
        channel, _, stamp = key.rpartition(":")
        trigger = f"{time.time_ns()}.{len(self._triggers)}"
        self._triggers[trigger] = time.monotonic() + 3
        return {
            "type": "block_actions",
            "user": {"id": user},
            "trigger_id": trigger,
            "container": {"channel_id": channel, "message_ts": stamp},
            "channel": {"id": channel},
            "actions": [{"type": "button", "action_id": action_id, "value": button.get("value", "")}],
        }

    def submitted(self, view: Json, values: Mapping[str, Any], user: str) -> Json:
        """The `view_submission` of a modal with these values; a list for a choice of several."""
        state = {
            block["block_id"]: {block["element"]["action_id"]: _given(block["element"], values.get(block["block_id"]))}
            for block in view["blocks"]
        }
        return {"type": "view_submission", "user": {"id": user}, "view": {**view, "state": {"values": state}}}

    def signature(self, body: bytes, stamp: str) -> str:
        """`v0=` and HMAC-SHA256 over `v0:stamp:body`."""
        return (
            "v0=" + hmac.new(self.signing_secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        )

    def interact(self, payload: Json) -> Json:
        """Sign and deliver an interaction; return the answer, empty when there was none."""
        body, stamp = urlencode({"payload": json.dumps(payload)}).encode(), str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": self.signature(body, stamp),
        }
        request = urllib.request.Request(self.interactions_url, data=body, headers=headers)  # noqa: S310 -- set by the operator
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- same
                read: Json = json.loads(answer.read() or b"{}")
                return read
        except (OSError, ValueError):
            return {}

    def page(self) -> str:
        """The received messages, newest first, every word escaped."""
        with self._lock:
            items = list(self.messages.items())
        roots = [(key, message) for key, message in reversed(items) if not message.get("thread_ts")]
        replies = [message for _, message in items if message.get("thread_ts")]
        cards = "".join(self._article(key, message, replies) for key, message in roots[:200])
        notes = "".join(f"<p class=why>仅本人可见：{_words(note['text'])}</p>" for note in self.whispers[-3:])
        return _page(f"收到 {len(items)} 条", notes + (cards or "<p>还没有收到消息。</p>"), refresh=True)

    def form(self, number: int, errors: Mapping[str, str]) -> str:
        """A modal as a page."""
        view = self.views[number]
        fields = "".join(_field(block, errors) for block in view["blocks"] if block["type"] == "input")
        send = _words(view["submit"]["text"])
        body = (
            f"<form method=post action='/submit/{number}'>{fields}<button>{send}</button> <a href='/'>取消</a></form>"
        )
        return _page(view["title"]["text"], f"<article>{body}</article>")

    def _article(self, key: str, message: Json, replies: list[Json]) -> str:
        thread = [r for r in replies if f"{r['channel']}:{r['thread_ts']}" == key]
        blocks = "".join(self._block(key, block) for block in message.get("blocks") or [])
        below = "".join(f"<li>{_words(reply.get('text'))}</li>" for reply in thread)
        edited = "（已更新）" if message.get("edited") else ""
        head = f"<p class=where>#{_safe(str(message['channel']).removeprefix('#'))} {edited}</p>"
        return f"<article>{head}{blocks or _paragraph(message.get('text'))}<ol>{below}</ol></article>"

    def _block(self, key: str, block: Json) -> str:
        kind = block["type"]
        if kind == "header":
            return f"<h2>{_words(block['text']['text'])}</h2>"
        if kind == "section":
            texts = [block["text"]] if block.get("text") else block["fields"]
            return "".join(_bold(_paragraph(text["text"])) for text in texts)
        if kind == "context":
            return "".join(f"<p class=why>{_words(e.get('text'))}</p>" for e in block["elements"])
        return "".join(self._element(key, e) for e in block.get("elements", ()))

    def _element(self, key: str, button: Json) -> str:
        label = _words(button["text"]["text"])
        if str(button.get("url", "")).startswith(("http://", "https://")):
            return f'<a rel="noopener noreferrer" href="{_safe(button["url"])}">{label}</a> '
        if not self.interactions_url:
            return f"<button disabled>{label}</button> "
        hidden = {"key": key, "action_id": button.get("action_id", "")}
        inputs = "".join(f'<input type=hidden name="{name}" value="{_safe(value)}">' for name, value in hidden.items())
        return f'<form method=post action="/press">{inputs}<button>{label}</button></form> '


def _given(element: Json, value: Any) -> Json:
    if element["type"] == "plain_text_input":
        return {"type": element["type"], "value": value}
    if isinstance(value, list):
        return {"type": element["type"], "selected_options": [{"value": one} for one in value]}
    return {"type": element["type"], "selected_option": {"value": value} if value else None}


def _planned(status: int) -> Answer:
    if status == 429:
        return _said({"ok": False, "error": "ratelimited"}, 429, **{"Retry-After": "1"})
    return Answer(status=status, body=b"<html>unavailable</html>", kind="text/html")


def _message_faults(body: Json) -> list[str]:
    """The error's name first, then its details."""
    text = body.get("text") or ""
    if len(text) > _TOP_TEXT:
        return ["msg_too_long"]
    if body.get("blocks"):
        wrong = faults(body["blocks"])
        return ["invalid_blocks", *wrong] if wrong else []
    return [] if text else ["no_text"]


def _buttons(message: Json) -> list[Json]:
    return [e for block in message.get("blocks") or [] if block["type"] == "actions" for e in block["elements"]]


def _safe(text: Any) -> str:
    return html.escape(str(text), quote=True)


def _words(text: Any) -> str:
    """Slack's own escapes back to characters, then HTML's."""
    return _safe(html.unescape(str(text or "")))


def _bold(escaped: str) -> str:
    return re.sub(r"\*([^*<>\n]{1,80})\*", r"<b>\1</b>", escaped)


def _paragraph(text: Any) -> str:
    return f"<p>{_words(text)}</p>"


def _field(block: Json, errors: Mapping[str, str]) -> str:
    name, element = block["block_id"], block["element"]
    wrong = f"<p class=why>{_safe(errors[name])}</p>" if name in errors else ""
    if element["type"] == "plain_text_input":
        control = f'<textarea name="{_safe(name)}" rows=3 cols=60></textarea>'
    else:
        chosen = [o["value"] for o in [*element.get("initial_options", []), element.get("initial_option")] if o]
        groups = element.get("option_groups") or [element]
        options = "".join(_option(option, chosen) for group in groups for option in group["options"])
        several = " multiple" if element["type"].startswith("multi") else ""
        control = f'<select name="{_safe(name)}"{several}>{options}</select>'
    return f"<p><label>{_words(block['label']['text'])}<br>{control}</label></p>{wrong}"


def _option(option: Json, chosen: list[str]) -> str:
    selected = " selected" if option["value"] in chosen else ""
    return f'<option value="{_safe(option["value"])}"{selected}>{_words(option["text"]["text"])}</option>'


def _page(title: str, body: str, *, refresh: bool = False) -> str:
    again = '<meta http-equiv="refresh" content="5">' if refresh else ""
    return _HEAD.replace("{{refresh}}", again) + f"<h1>本地 Slack（演示）：{_safe(title)}</h1>{body}</html>"


_HEAD = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">{{refresh}}<title>本地 Slack（演示）</title><style>
body{font:15px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;background:#f7f7f5;color:#222}
article{background:#fff;border:1px solid #ddd;border-radius:6px;padding:.8rem 1rem;margin:.8rem 0}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin:.2rem 0}p{margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
.where,.why{color:#666;font-size:.85rem}article form{display:inline}ol{color:#444;margin:.3rem 0}ol:empty{display:none}
</style>"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class _Handler(BaseHTTPRequestHandler):
    """Sockets around a sink."""

    timeout = 30
    server: SlackSink

    def do_GET(self) -> None:
        """The page, or a form that a button opened."""
        chat, number = self.server.chat, self.path.removeprefix("/views/")
        if self.path.startswith("/views/"):
            known = number.isascii() and number.isdigit() and int(number) < len(chat.views)
            return self._show(chat.form(int(number), {})) if known else self._answer(Answer(status=404, body=b""))
        return self._show(chat.page())

    def _show(self, page: str, status: int = 200) -> None:
        headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
        self._answer(Answer(status=status, body=page.encode(), kind="text/html; charset=utf-8", headers=headers))

    def do_POST(self) -> None:
        """A call of the API, a webhook, or something a person did on the page."""
        length = int(self.headers.get("content-length") or 0)
        if length > _BODY:
            self.close_connection = True
            return self._answer(Answer(status=413, body=b""))
        raw = self.rfile.read(length)
        if self.path == "/press" or self.path.startswith("/submit/"):
            return self._act(parse_qs(raw.decode(errors="replace"), keep_blank_values=True))
        body = _body(raw, self.headers.get("content-type", ""))
        if body is None:
            return self._answer(_refused("invalid_json"))
        path = urlsplit(self.path).path
        return self._answer(self.server.chat.call(path, body, self.headers.get("authorization", "")))

    def _act(self, form: dict[str, list[str]]) -> None:
        """Only from the page itself: another site's form must not act for the person who looks at it."""
        chat, number = self.server.chat, self.path.removeprefix("/submit/")
        if urlsplit(self.headers.get("origin") or "").netloc != self.headers.get("host"):
            return self._answer(Answer(status=403, body=b""))
        if number.isascii() and number.isdigit() and int(number) < len(chat.views):
            errors = chat.submit(int(number), _chosen(chat.views[int(number)], form), "U_DEMO")
            return self._show(chat.form(int(number), errors), 422) if errors else self._back("/")
        key, action = form.get("key", [""])[0], form.get("action_id", [""])[0]
        if key not in chat.messages:
            return self._answer(Answer(status=404, body=b""))
        opened = chat.press(key, action, "U_DEMO")
        return self._back("/" if opened is None else f"/views/{opened}")

    def _back(self, path: str) -> None:
        self._answer(Answer(status=303, body=b"", headers={"Location": path}))

    def _answer(self, answer: Answer) -> None:
        if answer.status < 0:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in {
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.body)),
            **answer.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *arguments: Any) -> None:
        """Quiet: addresses of webhooks are secrets."""


class SlackSink(ThreadingHTTPServer):
    """A chat on a socket. Port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1", chat: Chat | None = None) -> None:
        self.chat = chat or Chat()
        super().__init__((host, port), _Handler)
        self.chat.url = f"http://{host}:{self.server_port}"


def _chosen(view: Json, form: Mapping[str, list[str]]) -> dict[str, Any]:
    several = {b["block_id"] for b in view["blocks"] if b.get("element", {}).get("type", "").startswith("multi")}
    return {name: values if name in several else values[0] for name, values in form.items()}


def _body(raw: bytes, kind: str) -> Json | None:
    """The call's arguments, JSON or form; None when unreadable."""
    if not raw:
        return {}
    try:
        if "json" in kind:
            read = json.loads(raw)
            return read if isinstance(read, dict) else None
        form = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
        return {name: json.loads(value) if name in ("blocks", "metadata") else value for name, value in form.items()}
    except ValueError:
        return None


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description="A local stand-in for Slack")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--interactions", default="", help="where button presses are sent")
    options = parser.parse_args()
    # Not an argument: those are seen by everybody on the machine.
    secret = os.environ.get("SLACK_SIGNING_SECRET", "")
    chat = Chat(interactions_url=options.interactions, signing_secret=secret)
    with SlackSink(port=options.port, host=options.host, chat=chat) as sink, contextlib.suppress(KeyboardInterrupt):
        sink.serve_forever()


if __name__ == "__main__":
    main()

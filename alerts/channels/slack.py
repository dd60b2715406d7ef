"""Slack: a card per alert, updated in place; what follows goes into its thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from alerts.cards import CARD, KIND
from alerts.channels import http
from alerts.channels.slack_card import FALLBACK, card, cut, escape, fallback
from alerts.pace import Limit
from core.errors import CaifengError, Permanent, Retry
from core.ports import Message

#: Faults of Slack itself; all others mean the message or the set-up is wrong.
_PASSING = {
    "ratelimited",
    "rate_limited",
    "message_limit_exceeded",
    "internal_error",
    "fatal_error",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}
#: The first card is gone or too old to change: start a new one.
_LOST = {"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"}


class Slack:
    """`token` for an app (cards, threads, buttons), `webhooks` name → address for plain incoming webhooks.

    `app_token` and `signing_secret` are for answers to buttons (`alerts.slack_app`).
    """

    #: Slack: one message a second in a channel, short bursts allowed.
    limit: ClassVar[Limit] = Limit(burst=10, every=timedelta(seconds=1))

    def __init__(
        self,
        *,
        token: str = "",
        webhooks: Mapping[str, str] | None = None,
        app_token: str = "",
        signing_secret: str = "",
        users: Mapping[str, str] | None = None,
        base_url: str = "https://slack.com/api/",
        proxy: str | None = None,
    ) -> None:
        if not token and not webhooks:
            raise ValueError("needs a bot token or webhooks")
        self.app_token = app_token
        self.signing_secret = signing_secret
        #: Slack user id → login.
        self.users = dict(users or {})
        # No retries in here: the outbox knows what was sent and when to try again.
        self.web = WebClient(token=token, base_url=base_url, timeout=10, proxy=proxy, retry_handlers=[])
        self._webhooks = http.check_addresses(webhooks) if webhooks else {}
        self._client = http.client(proxy)

    def send(self, message: Message) -> str:
        """Post a card or, for an alert that has one here, update it and reply below it; return `card:channel:ts`."""
        if message.recipient in self._webhooks:
            return self._by_webhook(message)
        if root := str(message.data.get("thread") or ""):
            return self._follow(message, root)
        return self._post(message)

    def _post(self, message: Message) -> str:
        answer = self.call("chat.postMessage", channel=message.recipient, blocks=card(message), **_text(message))
        return f"{CARD}{answer['channel']}:{answer['ts']}"

    def _follow(self, message: Message, root: str) -> str:
        """Update first: repeated after a crash it changes nothing, while the reply would stand twice."""
        channel, _, ts = root.removeprefix(CARD).rpartition(":")
        try:
            first = _first(message)
            self.call("chat.update", channel=channel, ts=ts, blocks=card(first), text=fallback(first))
            if note := _note(message):
                self.call("chat.postMessage", channel=channel, thread_ts=ts, **{**_text(message), "text": note})
        except _Lost:
            return self._post(_first(message) if message.data.get("kind") == KIND else message)
        return root

    def _by_webhook(self, message: Message) -> str:
        body = {"text": fallback(message), "blocks": card(message), "unfurl_links": False}
        http.post(self._client, self._webhooks[message.recipient], json=body)
        return ""

    def call(self, method: str, **body: Any) -> Mapping[str, Any]:
        """One Web API call. Raises Retry or Permanent."""
        try:
            answer = self.web.api_call(method, json=body)
        except SlackApiError as error:
            raise _meaning(error) from None
        except OSError as error:
            raise Retry(f"连接 Slack 失败：{type(error).__name__}") from None
        data = answer.data
        return data if isinstance(data, dict) else {}


class _Lost(Permanent):
    """The card to follow is no longer there."""


def _first(message: Message) -> Message:
    """The card as it stands now: its own words, with the state and the buttons of this moment."""
    data = dict(message.data.get("first") or message.data)
    title, text = str(data.pop("title", message.title)), str(data.pop("text", message.text))
    return replace(message, title=title, text=text, data=data)


def _note(message: Message) -> str:
    """What goes into the thread: the message, or what happened when only the card changed."""
    if message.data.get("kind") != KIND:
        return fallback(message)
    return cut(escape(str(message.data.get("note") or "")), FALLBACK)


def _text(message: Message) -> dict[str, Any]:
    """Fallback text and our id, by which a repeat can be known."""
    metadata = {"event_type": "caifeng", "event_payload": {"id": message.id}}
    return {"text": fallback(message), "metadata": metadata, "unfurl_links": False, "unfurl_media": False}


def _meaning(error: SlackApiError) -> CaifengError:
    status = getattr(error.response, "status_code", 0)
    headers = {name.lower(): value for name, value in getattr(error.response, "headers", {}).items()}
    name = str(error.response.get("error") or "") if status == 200 else ""
    if status == 429 or status >= 500 or name in _PASSING:
        return Retry(f"Slack 暂不受理：{name or f'HTTP {status}'}", http.retry_after(headers))
    if name in _LOST:
        return _Lost(name)
    return Permanent(f"Slack 拒绝：{name or f'HTTP {status}'}{_details(error)}")


def _details(error: SlackApiError) -> str:
    metadata = error.response.get("response_metadata") or {}
    messages = metadata.get("messages") or []
    return f"（{'；'.join(str(line) for line in messages[:3])}）"[:500] if messages else ""

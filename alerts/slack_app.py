"""Answers to the buttons of Slack cards: over Socket Mode, or over signed HTTP where Slack can reach us.

1. A press names alert, action and the version its card showed (`alerts.channels.slack_card`).
2. The Slack user is looked up as a login, or as a unit's contact without one.
3. Actions that need words or a choice open a form; the others go to `alerts.desk.act` at once.
4. The desk's refusal is shown to that person alone; its change brings every card of the alert up to date.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from django.db import close_old_connections
from slack_sdk.errors import SlackClientError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from alerts import desk, people, slack_form
from alerts.channels.slack import Slack
from alerts.lifecycle import Action
from alerts.models import Alert
from core.errors import CaifengError, Conflict, Refused, Rejected
from core.profile import Profile

log = logging.getLogger(__name__)

Payload = Mapping[str, Any]
#: Seconds between tries to open a Socket Mode connection.
_FIRST_REST, _LONGEST_REST = 2.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button, as Slack tells of it."""

    user: str
    action: Action
    alert: int
    version: int | None
    channel: str
    #: Opens a form within three seconds.
    trigger: str

    def command(self, actor: str) -> desk.Command:
        """What the desk is asked to do."""
        return desk.Command(alert=self.alert, action=self.action, actor=actor, version=self.version)


def press_of(payload: Payload) -> Press | None:
    """Read `block_actions`; None for a button of no concern (a link). Raises Rejected."""
    try:
        button = payload["actions"][0]
        prefix, _, name = button["action_id"].partition(":")
        if prefix != "alert":
            return None
        value = json.loads(button["value"])
        return Press(
            user=str(payload["user"]["id"]),
            action=Action(name),
            alert=int(value["alert"]),
            version=value["version"] if isinstance(value["version"], int) else None,
            channel=str(payload.get("channel", {}).get("id", "")),
            trigger=str(payload.get("trigger_id", "")),
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Rejected("not a press of ours") from error


class SlackApp:
    """The answering half of a Slack channel."""

    def __init__(self, slack: Slack, profile: Callable[[], Profile]) -> None:
        self._slack = slack
        self._profile = profile

    def answer_http(self, body: bytes, headers: Mapping[str, str], now: datetime) -> tuple[int, dict[str, Any]]:
        """Status and JSON for one request to the interactions address; `body` as it came, not re-encoded."""
        if not signed(self._slack.signing_secret, body, headers, now):
            return 401, {"error": "bad signature"}
        try:
            payload = json.loads(parse_qs(body.decode())["payload"][0])
            return 200, self.answer(payload, now)
        except (KeyError, ValueError, Rejected):
            return 400, {"error": "not an interaction"}

    def answer(self, payload: Payload, now: datetime) -> dict[str, Any]:
        """Do what a press or a form asks; return what Slack wants as an answer. Raises Rejected."""
        if not isinstance(payload, Mapping):
            raise Rejected("not an interaction")
        if payload.get("type") == "view_submission":
            return self._submitted(payload, now)
        if payload.get("type") == "block_actions" and (press := press_of(payload)):
            self._pressed(press, now)
        return {}

    def listen(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Answer over Socket Mode until told to stop; a connection that cannot be opened is tried again."""
        rest = _FIRST_REST
        while not stop.is_set():
            client = SocketModeClient(self._slack.app_token, web_client=self._slack.web, proxy=self._slack.web.proxy)
            client.socket_mode_request_listeners.append(self._listener(clock))
            try:
                client.connect()
                stop.wait()
            except (SlackClientError, OSError) as error:
                log.warning("socket mode: no connection (%s), again in %.0f s", type(error).__name__, rest)
                stop.wait(rest)
                rest = min(rest * 2, _LONGEST_REST)
            finally:
                with suppress(AttributeError):  # the library's own thread let go of the same socket just now
                    client.close()

    def _listener(self, clock: Callable[[], datetime]) -> Callable[[BaseSocketModeClient, SocketModeRequest], None]:
        def on_request(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
            close_old_connections()
            answer: dict[str, Any] = {}
            try:
                answer = self.answer(request.payload, clock()) if request.type == "interactive" else {}
            except Rejected:
                log.warning("socket mode: an interaction that is not ours")
            # After the work: were it to break, Slack shows the person a warning and sends the envelope again.
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer or None))

        return on_request

    def _pressed(self, press: Press, now: datetime) -> None:
        try:
            if press.action in slack_form.ASKS:
                self._ask(press)
            else:
                desk.act(press.command(self._actor(press.user)), self._profile(), now)
        except Refused as refusal:
            self._whisper(press, str(refusal))

    def _ask(self, press: Press) -> None:
        """Open the form, unless the card is out of date."""
        self._actor(press.user)
        alert = Alert.objects.filter(pk=press.alert).first()
        if alert is None or (press.version is not None and alert.version != press.version):
            raise Conflict("告警已更新，请以更新后的卡片为准")
        view = slack_form.view(press.action, alert, self._profile())
        self._call("views.open", trigger_id=press.trigger, view=view)

    def _submitted(self, payload: Payload, now: datetime) -> dict[str, Any]:
        form = slack_form.read(payload)
        try:
            desk.act(form.command(self._actor(form.user)), self._profile(), now)
        except Refused as refusal:
            return {"response_action": "errors", "errors": {form.first_block: str(refusal)}}
        return {}

    def _actor(self, user: str) -> str:
        """The login or unit behind a Slack user. Raises Refused."""
        if login := self._slack.users.get(user):
            return login
        profile = self._profile()
        members = [member.login for member in profile.roster.members if user in member.addresses.values()]
        known = [person for person in people.load(profile).people if user in person.addresses.values()]
        actors = members + [person.login or f"unit:{person.unit}" for person in known if person.login or person.unit]
        if not actors:
            raise Refused("此 Slack 账号没有对应的采风账号，请联系管理员登记")
        return actors[0]

    def _whisper(self, press: Press, text: str) -> None:
        self._call("chat.postEphemeral", channel=press.channel, user=press.user, text=text)

    def _call(self, method: str, **body: Any) -> None:
        """What a person sees beside the change; that it fails changes nothing."""
        try:
            self._slack.call(method, **body)
        except CaifengError as error:
            log.warning("slack %s: %s", method, error)


def signed(secret: str, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether Slack signed the raw body within five minutes of `now`; anything odd is a no."""
    if not secret:
        return False
    try:
        return SignatureVerifier(secret, _At(now)).is_valid_request(body, dict(headers))
    except (ValueError, TypeError):
        # The SDK lets a stamp that is no number, or a signature beyond ASCII, escape as an error.
        return False


class _At(Clock):
    """The SDK's clock, standing still."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now.timestamp()

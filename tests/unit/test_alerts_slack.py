"""Slack against a server that refuses what Slack refuses: cards, threads, buttons, forms, signatures."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from django.db import connections
from slack_sdk.models.blocks import Block
from websockets.sync.server import ServerConnection, serve

from alerts import cards
from alerts.channels.slack import Slack
from alerts.channels.slack_card import card, cut, escape, pieces
from alerts.lifecycle import Action
from alerts.models import Alert, Notification
from alerts.outbox import Sender
from alerts.slack_app import SlackApp, signed
from caifeng.demo.slack_sink import Chat, SlackSink, faults
from core.errors import ConfigError, Permanent, Retry
from core.ports import Message
from tests.fixtures.county import NINE
from tests.fixtures.desk import COUNTY, an_alert, confirmed, dispatched, do
from tests.servers.strict import Answer, Request, Server, said

TOKEN, SECRET = "xoxb-test", "8f742231b10e8888abcd99yyyzzz85a5"
HOSTILE = "<!channel> *全体* & <http://evil.test|点此> " * 300


@pytest.fixture
def chat() -> Iterator[Chat]:
    sink = SlackSink(chat=Chat(token=TOKEN, signing_secret=SECRET))
    threading.Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield sink.chat
    sink.shutdown()
    sink.server_close()


@pytest.fixture
def slack(chat: Chat) -> Slack:
    return a_slack(chat)


@pytest.fixture
def app(slack: Slack) -> SlackApp:
    return SlackApp(slack, lambda: COUNTY)


def a_slack(chat: Chat, **changes: Any) -> Slack:
    settings = {"token": TOKEN, "signing_secret": SECRET, "app_token": "xapp-1", "base_url": f"{chat.url}/api/"}
    return Slack(**{**settings, "users": dict.fromkeys(("U1", "U_DEMO"), "system:test"), **changes})


def a_message(**changes: Any) -> Message:
    data = {"alert": 7, "version": 3, "number": "2026-0007", "level": "II", "state": "detected", "kind": "new_alert"}
    data |= {"actions": ["confirm", "dismiss", "acknowledge"], "url": "http://desk.example.org/alerts/2026-0007"}
    fields: dict[str, Any] = {"id": "m1", "recipient": "C1", "title": "欠薪", "text": "讨薪", "data": data}
    return Message(**{**fields, **changes, "data": data | changes.get("data", {})})


def sent(slack: Slack, alert: Alert, minute: float = 2) -> str:
    """Send what waits for the alert by Slack; return the key of the first card."""
    sender, now = Sender({"slack": slack}, "test"), NINE + timedelta(minutes=minute)
    while sender.step(now):
        now += timedelta(seconds=20)
    sender.close(now)
    return cards.of([alert.pk]).order_by("sent_at")[0].provider_id.removeprefix(cards.CARD)


def actions_of(message: dict[str, Any]) -> list[str]:
    return [e["action_id"] for block in message["blocks"] if block["type"] == "actions" for e in block["elements"]]


def test_a_card_is_taken_and_its_place_returned(slack: Slack, chat: Chat) -> None:
    provider_id = slack.send(a_message())

    key, message = next(iter(chat.messages.items()))
    assert provider_id == f"card:{key}"
    assert message["metadata"]["event_payload"] == {"id": "m1"}


def test_buttons_are_those_the_state_allows_and_carry_alert_and_version(slack: Slack, chat: Chat) -> None:
    slack.send(a_message())

    message = next(iter(chat.messages.values()))
    assert actions_of(message) == ["alert:confirm", "alert:dismiss", "open"]
    assert json.loads(message["blocks"][3]["elements"][0]["value"]) == {"alert": 7, "version": 3}


@pytest.mark.parametrize("text", [HOSTILE, "&" * 40_000, "", "  ", "🙂" * 9000, "a&amp;<b>" * 900])
def test_any_text_makes_a_card_slack_takes(slack: Slack, chat: Chat, text: str) -> None:
    slack.send(a_message(title=text, text=text, data={"reason": text, "number": text}))

    blocks = next(iter(chat.messages.values()))["blocks"]
    assert faults(blocks) == []
    assert not any("<!channel>" in json.dumps(block) for block in blocks)


def test_the_sdk_reads_our_card_and_writes_it_back_unchanged() -> None:
    blocks = card(a_message(text=HOSTILE))

    for block in blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
        assert parsed.to_dict() == block


@pytest.mark.parametrize("limit", [10, 11, 12, 13, 14, 20])
def test_a_cut_never_goes_through_an_entity(limit: int) -> None:
    escaped = escape("a<b>&c" * 10)

    for part in (cut(escaped, limit), *pieces(escaped, limit, 4)):
        rest = part.removesuffix("…").replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert len(part) <= limit
        assert "&" not in rest


def test_a_later_message_updates_the_card_and_answers_below_it(slack: Slack, chat: Chat) -> None:
    root = slack.send(a_message())

    again = slack.send(a_message(id="m2", title="催办", data={"thread": root, "state": "dispatched"}))

    first, reply = chat.messages.values()
    assert again == root
    assert (actions_of(first), first["edited"]) == (["alert:acknowledge", "open"], True)
    assert reply["thread_ts"] == root.rpartition(":")[2]


def test_a_later_message_leaves_the_cards_own_words(slack: Slack, chat: Chat) -> None:
    root = slack.send(a_message())
    first = {**a_message().data, "title": "欠薪", "text": "讨薪", "state": "handling", "actions": ["handle"]}

    slack.send(a_message(id="m2", title="催办：欠薪", text="请抓紧", data={"thread": root, "first": first}))

    card_, reply = chat.messages.values()
    assert "催办" not in json.dumps(card_["blocks"], ensure_ascii=False)
    assert actions_of(card_) == ["alert:handle", "open"]
    assert reply["text"].startswith("催办：欠薪")


def test_a_card_that_is_gone_is_started_anew(slack: Slack, chat: Chat) -> None:
    provider_id = slack.send(a_message(data={"thread": "card:C1:1.000001"}))

    assert list(chat.messages) == [provider_id.removeprefix("card:")]


def test_a_reply_lost_after_the_update_leaves_one_reply(slack: Slack, chat: Chat) -> None:
    root = slack.send(a_message())
    chat.plan = [-1]
    follow = a_message(id="m2", data={"thread": root})
    with pytest.raises(Retry):
        slack.send(follow)

    slack.send(follow)

    assert sum("thread_ts" in message for message in chat.messages.values()) == 1


@pytest.mark.parametrize(
    ("plan", "after"), [([429], 1.0), ([500], None), ([503], None), ([-1], None)], ids=["429", "500", "503", "lost"]
)
def test_a_busy_slack_is_tried_again(slack: Slack, chat: Chat, plan: list[int], after: float | None) -> None:
    chat.plan = plan

    with pytest.raises(Retry) as caught:
        slack.send(a_message())

    assert caught.value.after == after


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"token": "xoxb-other"}, "invalid_auth"), ({}, "channel_not_found")],
)
def test_slacks_refusals_are_permanent_and_named(chat: Chat, changes: dict[str, str], error: str) -> None:
    chat.channels = frozenset({"C2"})

    with pytest.raises(Permanent, match=error) as caught:
        a_slack(chat, **changes).send(a_message())

    assert TOKEN not in str(caught.value)


def test_a_webhook_takes_the_same_card(chat: Chat) -> None:
    slack = Slack(webhooks={"duty": f"{chat.url}/services/T0/B0/secret"})

    assert slack.send(a_message(recipient="duty")) == ""
    assert faults(next(iter(chat.messages.values()))["blocks"]) == []


def test_slack_without_a_way_to_send_is_a_fault_of_the_file() -> None:
    from alerts import channels

    with pytest.raises(ConfigError, match="bot token or webhooks"):
        channels.load({"slack": {}})


@pytest.mark.parametrize(
    ("blocks", "word"),
    [
        ([{"type": "divider"}] * 51, "no more than 50"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "1 to 3000"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "a & b"}}], "unescaped"),
        ([{"type": "actions", "elements": []}], "1 to 25"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "plain_text"),
    ],
)
def test_the_stand_in_refuses_what_slack_refuses(blocks: list[dict[str, Any]], word: str) -> None:
    assert word in " ".join(faults(blocks))


def test_the_stand_ins_page_escapes_what_it_shows(slack: Slack, chat: Chat) -> None:
    slack.send(a_message(title="<script>alert(1)</script>", text="<img src=x onerror=alert(1)>"))

    page = chat.page()

    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img src=x" in page


def signed_request(chat: Chat, payload: Any, stamp: str | None = None) -> tuple[bytes, dict[str, str]]:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = stamp or str(int(NINE.timestamp()))
    return body, {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": chat.signature(body, stamp)}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": str(int(NINE.timestamp())), "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": str(int(NINE.timestamp())), "X-Slack-Signature": "签名"},
    ],
)
def test_a_request_slack_did_not_sign_is_answered_401(app: SlackApp, headers: dict[str, str]) -> None:
    assert app.answer_http(b"payload=%7B%7D", headers, NINE)[0] == 401


@pytest.mark.parametrize(("age", "good"), [(0, True), (299, True), (301, False), (-301, False)])
def test_a_signature_counts_for_five_minutes(chat: Chat, age: int, good: bool) -> None:
    body, headers = signed_request(chat, {}, str(int(NINE.timestamp()) - age))

    assert signed(SECRET, body, headers, NINE) is good


def test_a_changed_body_is_refused(chat: Chat) -> None:
    body, headers = signed_request(chat, {})

    assert not signed(SECRET, body + b" ", headers, NINE)


@pytest.mark.parametrize("payload", [[], 5, {"type": "block_actions", "actions": [{"action_id": "alert:x"}]}])
def test_a_signed_request_that_is_no_interaction_is_answered_400(app: SlackApp, chat: Chat, payload: Any) -> None:
    assert app.answer_http(*signed_request(chat, payload), NINE)[0] == 400


@pytest.mark.workflow
@pytest.mark.django_db
class TestButtons:
    def test_a_press_acts_and_every_card_follows(self, app: SlackApp, chat: Chat, slack: Slack) -> None:
        alert = dispatched()
        key = sent(slack, alert)
        press = chat.pressed(key, "alert:acknowledge", "U1")

        status, _ = app.answer_http(*signed_request(chat, press), NINE)
        sent(slack, alert, 9)

        alert.refresh_from_db()
        assert (status, alert.state) == (200, "acknowledged")
        assert actions_of(chat.messages[key]) == ["alert:return", "alert:handle", "open"]

    def test_a_press_on_an_old_card_is_told_so_and_changes_nothing(
        self, app: SlackApp, chat: Chat, slack: Slack
    ) -> None:
        alert = dispatched()
        press = chat.pressed(sent(slack, alert), "alert:acknowledge", "U1")
        do(alert, Action.ACKNOWLEDGE)

        app.answer(press or {}, NINE)

        alert.refresh_from_db()
        assert alert.state == "acknowledged"
        assert "已签收" in chat.whispers[0]["text"]

    def test_somebody_without_an_account_is_refused(self, app: SlackApp, chat: Chat, slack: Slack) -> None:
        alert = dispatched()
        press = chat.pressed(sent(slack, alert), "alert:acknowledge", "U404")

        app.answer(press or {}, NINE)

        alert.refresh_from_db()
        assert alert.state == "dispatched"
        assert "没有对应的采风账号" in chat.whispers[0]["text"]

    def test_an_action_that_asks_opens_a_form_and_its_answer_acts(
        self, app: SlackApp, chat: Chat, slack: Slack
    ) -> None:
        alert = an_alert()
        app.answer(chat.pressed(sent(slack, alert), "alert:confirm", "U1") or {}, NINE)

        app.answer(chat.submitted(chat.views[0], {"level": "II", "note": "影响大"}, "U1"), NINE)

        alert.refresh_from_db()
        assert (alert.state, alert.level) == ("assessed", "II")

    def test_units_are_chosen_in_the_form(self, app: SlackApp, chat: Chat, slack: Slack) -> None:
        alert = an_alert()
        key = sent(slack, alert)
        do(alert, Action.CONFIRM, level="III")
        sent(slack, alert, 9)
        app.answer(chat.pressed(key, "alert:dispatch", "U1") or {}, NINE)

        app.answer(chat.submitted(chat.views[0], {"lead": "human_resources", "co": ["police"]}, "U1"), NINE)

        alert.refresh_from_db()
        assert (alert.lead_unit, alert.co_units) == ("human_resources", ["police"])

    def test_a_refused_form_says_why_where_it_was_filled_in(self, app: SlackApp, chat: Chat, slack: Slack) -> None:
        alert = an_alert()
        app.answer(chat.pressed(sent(slack, alert), "alert:dismiss", "U1") or {}, NINE)

        answer = app.answer(chat.submitted(chat.views[0], {"note": "  "}, "U1"), NINE)

        assert answer == {"response_action": "errors", "errors": {"note": "排除须写明理由"}}

    def test_a_change_elsewhere_is_told_below_the_card_once(self, chat: Chat, slack: Slack) -> None:
        alert = an_alert()
        key = sent(slack, alert)
        changed = do(alert, Action.CONFIRM, level="III", note="属实")

        again = cards.refresh(changed, alert.events.order_by("-seq")[0], NINE)
        sent(slack, alert, 9)

        thread = [m["text"] for m in chat.messages.values() if m.get("thread_ts") == key.rpartition(":")[2]]
        assert again == 0
        assert [words.partition(" system")[2] for words in thread] == [":test 确认定级：属实"]

    def test_a_contact_without_an_account_acts_for_the_unit(self, chat: Chat, slack: Slack) -> None:
        unit = next(unit for unit in COUNTY.departments if unit.id == "human_resources")
        address = unit.contacts[0].addresses["slack"]
        alert = dispatched()
        app = SlackApp(slack, lambda: COUNTY)

        app.answer(chat.pressed(sent(slack, alert), "alert:acknowledge", address) or {}, NINE)

        assert alert.events.order_by("-seq")[0].actor == "unit:human_resources"


@pytest.mark.workflow
@pytest.mark.django_db(transaction=True)
def test_socket_mode_acts_and_answers_the_envelope(chat: Chat, slack: Slack) -> None:
    alert = dispatched()
    press = chat.pressed(sent(slack, alert), "alert:acknowledge", "U1")
    answers: list[dict[str, Any]] = []
    stop, done = threading.Event(), threading.Event()

    def on_connection(connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello"}))
        connection.send(json.dumps({"type": "interactive", "envelope_id": "e1", "payload": press}))
        answers.append(json.loads(connection.recv()))
        done.set()
        stop.wait(5)

    with serve(on_connection, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chat.socket_url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        app = SlackApp(slack, lambda: COUNTY)
        listener = threading.Thread(target=app.listen, args=(stop, lambda: NINE), daemon=True)
        listener.start()
        answered = done.wait(10)
        stop.set()
        listener.join(10)

    assert answered
    alert.refresh_from_db()
    assert (alert.state, answers) == ("acknowledged", [{"envelope_id": "e1"}])


@pytest.mark.workflow
@pytest.mark.django_db
def test_only_cards_that_can_change_are_refreshed() -> None:
    alert = confirmed()
    Notification.objects.update(state="sent", sent_at=NINE, provider_id="<mail@example.org>")

    assert cards.refresh(alert, alert.events.order_by("-seq")[0], NINE) == 0


def answering(app: SlackApp) -> Any:
    """The interactions address, as the web role serves it."""

    def answer(request: Request) -> Answer:
        try:
            status, body = app.answer_http(request.body, request.headers, datetime.now(UTC))
            return said(body, status)
        finally:
            connections.close_all()

    return answer


@pytest.mark.workflow
@pytest.mark.django_db(transaction=True)
def test_a_person_confirms_on_the_stand_ins_page(app: SlackApp, chat: Chat, slack: Slack) -> None:
    alert = an_alert()
    form = {"key": sent(slack, alert), "action_id": "alert:confirm"}
    with Server(answering(app)) as desk, httpx.Client(base_url=chat.url, headers={"Origin": chat.url}) as browser:
        chat.interactions_url = desk.url

        opened = browser.post("/press", data=form)
        page = browser.get(opened.headers["location"])
        done = browser.post("/submit/0", data={"level": "II", "note": "属实"})

    alert.refresh_from_db()
    assert (opened.status_code, done.headers["location"]) == (303, "/")
    assert "建议 IV 级" in page.text
    assert (alert.state, alert.level) == ("assessed", "II")


def test_another_sites_form_does_not_press(chat: Chat) -> None:
    answer = httpx.post(f"{chat.url}/press", data={"key": "x"}, headers={"Origin": "http://evil.test"})

    assert answer.status_code == 403

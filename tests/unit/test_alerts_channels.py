"""Each channel against a server as strict as the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts import channels
from alerts.channels import dingtalk, feishu, webhook
from alerts.channels.apprise import AppriseChannel
from alerts.channels.email import Email
from alerts.channels.plain import fit
from alerts.channels.sms import Sms
from alerts.channels.wecom import Wecom
from core.errors import ConfigError, Permanent, Retry
from core.ports import Message, Notifier
from tests.servers import dingtalk as dingtalk_server
from tests.servers import feishu as feishu_server
from tests.servers import sms as sms_server
from tests.servers import webhook as webhook_server
from tests.servers import wecom as wecom_server
from tests.servers.smtp import Relay, relay
from tests.servers.strict import LOST, TOO_MANY, UNAVAILABLE, Answer, Server

NOW = 1_795_395_600.0
#: Apprise imports it up to Python 3.12.
its_imghdr = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def a_message(**changes: Any) -> Message:
    fields: dict[str, Any] = {
        "id": "0b9d2c1e-0000-4000-8000-000000000001",
        "recipient": "duty",
        "title": "新告警：拖欠工资",
        "text": "某工地 30 人讨薪。",
        "data": {"number": "2026-17", "level": "II", "url": "http://desk.example.org/alerts/2026-17"},
    }
    return Message(**{**fields, **changes})


def clock() -> float:
    return NOW


def a_wecom(server: Server) -> Wecom:
    return Wecom(targets={"duty": f"{server.url}/cgi-bin/webhook/send?key={wecom_server.KEY}"})


def a_dingtalk(server: Server, **changes: Any) -> dingtalk.Dingtalk:
    address = f"{server.url}/robot/send?access_token={dingtalk_server.TOKEN}"
    settings: dict[str, Any] = {"targets": {"duty": address}, "secrets": {"duty": dingtalk_server.SECRET}}
    return dingtalk.Dingtalk(**{**settings, "clock": clock, **changes})


def a_feishu(server: Server, **changes: Any) -> feishu.Feishu:
    address = f"{server.url}/open-apis/bot/v2/hook/{feishu_server.HOOK}"
    settings: dict[str, Any] = {"targets": {"duty": address}, "secrets": {"duty": feishu_server.SECRET}}
    return feishu.Feishu(**{**settings, "clock": clock, **changes})


def a_webhook(server: Server, **changes: Any) -> webhook.Webhook:
    settings: dict[str, Any] = {"targets": {"duty": server.url}, "secrets": {"duty": webhook_server.SECRET}}
    return webhook.Webhook(**{**settings, "clock": clock, **changes})


def an_sms(server: Server, **changes: Any) -> Sms:
    settings: dict[str, Any] = {
        "url": f"{server.url}/send",
        "headers": {"Authorization": sms_server.TOKEN},
        "json": {"phones": ["{phone}"], "content": "{text}", "ref": "{id}"},
        "ok": "code == `0`",
        "busy": "code == `9`",
        "provider_id": "data.batch",
    }
    return Sms(**{**settings, **changes})


@pytest.fixture
def wecom() -> Iterator[Server]:
    with Server(wecom_server.robot()) as server:
        yield server


@pytest.fixture
def ding() -> Iterator[Server]:
    with Server(dingtalk_server.robot(clock)) as server:
        yield server


@pytest.fixture
def lark() -> Iterator[Server]:
    with Server(feishu_server.robot(clock)) as server:
        yield server


@pytest.fixture
def accepted() -> list[str]:
    return []


@pytest.fixture
def receiver(accepted: list[str]) -> Iterator[Server]:
    with Server(webhook_server.receiver(clock, accepted)) as server:
        yield server


@pytest.fixture
def gateway() -> Iterator[Server]:
    with Server(sms_server.gateway) as server:
        yield server


@pytest.fixture
def mail() -> Iterator[Relay]:
    with relay() as server:
        yield server


def an_email(mail: Relay, **changes: Any) -> Email:
    settings: dict[str, Any] = {"host": "127.0.0.1", "port": mail.port, "security": "none", "clock": clock}
    return Email(**{**settings, "sender": "caifeng@county.example.org", **changes})


def test_wecom_takes_a_long_chinese_text_cut_to_its_bytes(wecom: Server) -> None:
    a_wecom(wecom).send(a_message(text="讨薪" * 3000))

    sent = wecom.requests[0].json["text"]["content"]
    assert len(sent.encode()) <= 2048
    assert sent.endswith("…\n编号 2026-17，II级\nhttp://desk.example.org/alerts/2026-17")


@pytest.mark.parametrize("errcode", [93000, 40058])
def test_wecom_refusals_under_http_200_are_permanent(wecom: Server, errcode: int) -> None:
    wecom.plan = [Answer(body=json.dumps({"errcode": errcode}).encode())]

    with pytest.raises(Permanent, match=str(errcode)):
        a_wecom(wecom).send(a_message())


def test_wecom_over_its_rate_asks_to_wait_a_minute() -> None:
    with Server(wecom_server.robot(per_minute=1)) as server:
        channel = a_wecom(server)
        channel.send(a_message())

        with pytest.raises(Retry) as caught:
            channel.send(a_message())

    assert caught.value.after == 60


def test_dingtalk_accepts_our_signature_encoded_once(ding: Server) -> None:
    a_dingtalk(ding).send(a_message())

    assert ding.requests[0].query["timestamp"] == "1795395600000"


def test_dingtalk_refuses_another_secret(ding: Server) -> None:
    with pytest.raises(Permanent, match="310000"):
        a_dingtalk(ding, secrets={"duty": "wrong"}).send(a_message())


def test_dingtalk_that_shut_the_robot_is_left_alone_for_ten_minutes(ding: Server) -> None:
    ding.plan = [Answer(body=b'{"errcode": 410100}')]

    with pytest.raises(Retry) as caught:
        a_dingtalk(ding).send(a_message())

    assert caught.value.after == 600


def test_feishu_accepts_our_signature_in_the_body(lark: Server) -> None:
    a_feishu(lark).send(a_message())

    assert lark.requests[0].json["timestamp"] == "1795395600"


def test_feishu_refuses_an_old_stamp(lark: Server) -> None:
    with pytest.raises(Permanent, match="19021"):
        a_feishu(lark, clock=lambda: NOW - 3601).send(a_message())


def test_feishu_gets_no_mention_out_of_a_post(lark: Server) -> None:
    a_feishu(lark).send(a_message(text='<at user_id="all">所有人</at>'))

    assert "＜at" in lark.requests[0].json["content"]["text"]


def test_webhook_is_signed_over_its_raw_body(receiver: Server, accepted: list[str]) -> None:
    message = a_message()

    a_webhook(receiver).send(message)

    assert accepted == [message.id]


def test_webhook_with_a_wrong_secret_is_refused_for_good(receiver: Server) -> None:
    with pytest.raises(Permanent, match="401"):
        a_webhook(receiver, secrets={"duty": "x" * 16}).send(a_message())


def test_webhook_whose_reply_was_lost_is_repeated_and_known_by_its_id(receiver: Server, accepted: list[str]) -> None:
    receiver.plan = [LOST]
    channel, message = a_webhook(receiver), a_message()
    with pytest.raises(Retry):
        channel.send(message)

    channel.send(message)

    assert (len(receiver.requests), accepted) == (2, [message.id])


def test_webhook_without_a_secret_is_a_fault_of_the_file() -> None:
    with pytest.raises(ValueError, match="missing for: duty"):
        webhook.Webhook(targets={"duty": "http://127.0.0.1/"}, secrets={})


def test_webhook_does_not_follow_redirects(receiver: Server) -> None:
    receiver.plan = [Answer(status=302, headers={"Location": "http://127.0.0.1:1/"})]

    with pytest.raises(Permanent, match="302"):
        a_webhook(receiver).send(a_message())


def test_sms_fills_the_template_and_keeps_the_gateways_id(gateway: Server) -> None:
    message = a_message(recipient="13800000000", title="长" * 500)

    provider_id = an_sms(gateway).send(message)

    body = gateway.requests[0].json
    assert (body["phones"], len(body["content"]), provider_id) == (["13800000000"], 300, f"b-{message.id}")
    assert body["content"].endswith("… 编号2026-17 http://desk.example.org/alerts/2026-17")


def test_sms_text_that_looks_like_a_place_is_not_filled(gateway: Server) -> None:
    an_sms(gateway).send(a_message(recipient="13800000000", title="{phone}"))

    assert gateway.requests[0].json["content"].startswith("{phone} ")


@pytest.mark.parametrize(("code", "error"), [(1, Permanent), (9, Retry)])
def test_sms_codes_mean_what_the_file_says(gateway: Server, code: int, error: type[Exception]) -> None:
    gateway.plan = [Answer(body=json.dumps({"code": code}).encode())]

    with pytest.raises(error):
        an_sms(gateway).send(a_message(recipient="13800000000"))


def test_sms_to_something_else_than_a_phone_is_refused() -> None:
    channel = Sms(url="http://127.0.0.1/", ok="code == `0`")

    with pytest.raises(Permanent):
        channel.send(a_message(recipient="C1"))


def test_mail_arrives_with_a_stable_id_and_its_words(mail: Relay) -> None:
    message = a_message(recipient="duty@example.org", title="告警\r\nBcc: all@example.org")

    provider_id = an_email(mail).send(message)

    letter = mail.mails[0]
    assert provider_id == letter["Message-ID"] == f"<{message.id}@county.example.org>"
    assert (letter["Subject"], letter["Bcc"]) == ("告警 Bcc: all@example.org", None)
    assert "某工地 30 人讨薪。" in letter.get_content()


def test_mail_carries_the_files_it_is_given(mail: Relay) -> None:
    files = [{"name": "舆情周报第46期.pdf", "type": "application/pdf", "body": "JVBERi0="}]

    an_email(mail).send(a_message(recipient="duty@example.org", data={"files": files}))

    attached = list(mail.mails[0].iter_attachments())
    assert [(file.get_filename(), file.get_content_type(), file.get_content()) for file in attached] == [
        ("舆情周报第46期.pdf", "application/pdf", b"%PDF-")
    ]


@pytest.mark.parametrize(
    ("recipient", "answer", "error"),
    [
        ("duty@example.org", "451 4.3.0 try later", Retry),
        ("duty@example.org", "554 5.7.1 refused", Permanent),
        ("nobody@elsewhere.test", "250 taken", Permanent),
        ("not an address", "250 taken", Permanent),
        ("", "250 taken", Permanent),
    ],
)
def test_mail_is_tried_again_or_given_up_by_the_relays_code(
    mail: Relay, recipient: str, answer: str, error: type[Exception]
) -> None:
    mail.plan = [answer]

    with pytest.raises(error):
        an_email(mail).send(a_message(recipient=recipient))


def test_mail_whose_reply_was_lost_comes_again_under_the_same_id(mail: Relay) -> None:
    mail.plan = [""]
    channel, message = an_email(mail), a_message(recipient="duty@example.org")
    with pytest.raises(Retry):
        channel.send(message)

    channel.send(message)

    assert len({letter["Message-ID"] for letter in mail.mails}) == 1
    assert len(mail.mails) == 2


def test_a_mail_password_is_never_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="tls"):
        Email(host="127.0.0.1", sender="a@example.org", security="none", password="x")


@its_imghdr
def test_apprise_reaches_a_service_of_its_own(receiver: Server) -> None:
    receiver.plan = [Answer()]
    channel = AppriseChannel(targets={"duty": receiver.url.replace("http://", "json://")})

    channel.send(a_message())

    assert receiver.requests[0].json["title"] == "新告警：拖欠工资"


@its_imghdr
def test_apprise_failures_are_tried_again(receiver: Server) -> None:
    receiver.plan = [UNAVAILABLE]
    channel = AppriseChannel(targets={"duty": receiver.url.replace("http://", "json://")})

    with pytest.raises(Retry):
        channel.send(a_message())


ROBOTS = [("wecom", a_wecom), ("ding", a_dingtalk), ("lark", a_feishu), ("receiver", a_webhook)]


@pytest.mark.parametrize(("fixture", "build"), ROBOTS)
@pytest.mark.parametrize(
    ("answer", "after"), [(TOO_MANY, 7.0), (UNAVAILABLE, None), (Answer(status=500), None), (LOST, None)]
)
def test_a_busy_or_broken_server_is_tried_again(
    request: pytest.FixtureRequest, fixture: str, build: Any, answer: Answer, after: float | None
) -> None:
    server: Server = request.getfixturevalue(fixture)
    server.plan = [answer]

    with pytest.raises(Retry) as caught:
        build(server).send(a_message())

    assert caught.value.after == after


@pytest.mark.parametrize(("fixture", "build"), ROBOTS)
def test_no_error_tells_the_address_or_its_secret(request: pytest.FixtureRequest, fixture: str, build: Any) -> None:
    server: Server = request.getfixturevalue(fixture)
    channel: Notifier = build(server)
    server.plan = [Answer(status=404)]

    with pytest.raises(Permanent) as caught:
        channel.send(a_message())

    assert server.url not in f"{caught.value}{channel!r}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("fixture", "build"), ROBOTS)
def test_a_recipient_the_file_does_not_name_is_refused(
    request: pytest.FixtureRequest, fixture: str, build: Any
) -> None:
    channel: Notifier = build(request.getfixturevalue(fixture))

    with pytest.raises(Permanent, match="没有接收方"):
        channel.send(a_message(recipient="http://elsewhere.test/"))


@pytest.mark.parametrize(("build", "errcode"), [(a_wecom, "errcode"), (a_feishu, "code")])
def test_a_gateway_page_instead_of_json_is_tried_again(wecom: Server, build: Any, errcode: str) -> None:
    wecom.plan = [Answer(body=b"<html>login</html>")]

    with pytest.raises(Retry, match="JSON"):
        build(wecom).send(a_message())


@pytest.mark.parametrize("limit", [2048, 200, 60, 5, 1])
def test_a_cut_text_fits_and_is_whole_characters(limit: int) -> None:
    text = fit(a_message(text="讨薪🙂" * 400), limit)

    assert len(text.encode()) <= limit


@its_imghdr
def test_every_registered_channel_can_be_loaded() -> None:
    example = Path(__file__).parents[2] / "deploy" / "channels.example.json"

    opened = channels.load_file(str(example))

    assert set(channels.REGISTRY) <= set(opened)


@pytest.mark.parametrize("name", channels.REGISTRY)
def test_every_channel_is_documented(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "channels.md"

    assert f"| `{name}`" in page.read_text("utf-8")


def test_every_fault_of_the_channels_file_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        channels.load({"fax": {}, "email": {"host": "x"}, "wecom": {"targets": {"duty": "ftp://x"}}})

    assert [fault.reason.split(":")[0] for fault in caught.value.faults] == ["fax", "email", "wecom"]


def test_without_a_file_the_console_alone_is_open() -> None:
    assert list(channels.load_file("")) == ["console"]


def test_two_channels_of_one_kind_have_two_names() -> None:
    settings = {"kind": "wecom", "targets": {"duty": "http://127.0.0.1/"}}

    assert {"police", "console"} == set(channels.load({"police": settings}))


def test_a_channels_file_with_a_fault_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "channels.json"
    path.write_text('{\n"slack": {,}\n}')

    with pytest.raises(ConfigError, match=r"channels\.json:2"):
        channels.load_file(str(path))

"""The outbox: rows in, messages out, whatever channels do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.models import Alert, Contact, Deadline, Lane, Notification
from alerts.outbox import Sender, enqueue
from alerts.pace import Limit
from core.errors import Permanent, Retry
from core.ports import Message

pytestmark = [pytest.mark.workflow, pytest.mark.django_db]

NINE = datetime(2026, 11, 23, 1, tzinfo=UTC)


class Recorder:
    """A channel that keeps what it got; `answer` may raise."""

    def __init__(self, answer: Callable[[Message], str] = lambda message: f"p-{message.id}", **attributes: Any) -> None:
        self.got: list[Message] = []
        self.answer = answer
        self.__dict__.update(attributes)

    def send(self, message: Message) -> str:
        self.got.append(message)
        return self.answer(message)


def failing(error: Exception) -> Recorder:
    def answer(message: Message) -> str:
        raise error

    return Recorder(answer)


def an_alert(**changes: Any) -> Alert:
    count = Alert.objects.count()
    fields = {"number": f"2026-{count}", "title": "拖欠工资", "rule": "wages", "key": str(count), "reason": "测试"}
    return Alert.objects.create(**{**fields, "suggested_level": "III", "detected_at": NINE, **changes})


def put(key: str = "k", **changes: Any) -> Notification:
    fields: dict[str, Any] = {
        "dedupe_key": key,
        "kind": "new_alert",
        "channel": "chat",
        "recipient": "C1",
        "recipient_name": "值班员",
        "reason": "值班",
        "payload": {"title": "新预警", "text": "正文"},
        "urgency": 5,
        "now": NINE,
    }
    enqueue(**{**fields, **changes})
    return Notification.objects.get(dedupe_key=key)


def step(now: datetime = NINE, owner: str = "one", **channels: Any) -> int:
    sender = Sender(channels, owner)
    settled = sender.step(now)
    sender.close(now)
    return settled


def test_the_same_cause_writes_one_row() -> None:
    first = put("a")

    again = enqueue(
        dedupe_key="a",
        kind="x",
        channel="c",
        recipient="r",
        recipient_name="",
        reason="",
        payload={},
        urgency=0,
        now=NINE,
    )

    assert not again
    assert Notification.objects.get() == first


def test_a_message_is_sent_once_and_its_provider_id_kept() -> None:
    row, chat = put(), Recorder()

    settled = step(chat=chat), step(chat=chat)

    row.refresh_from_db()
    assert (settled, row.state, row.provider_id, row.sent_at) == ((1, 0), "sent", f"p-{row.pk}", NINE)
    assert [message.id for message in chat.got] == [str(row.pk)]


def test_a_skipped_message_is_kept_with_its_reason_and_never_sent() -> None:
    row, chat = put(skipped="当班无人"), Recorder()

    step(chat=chat)

    row.refresh_from_db()
    assert (row.state, row.error, chat.got) == ("skipped", "当班无人", [])


def test_urgent_messages_go_first() -> None:
    for number in (5, 0, 3):
        put(str(number), urgency=number, payload={"title": str(number), "text": "x"})
    chat = Recorder()

    Sender({"chat": chat}, "one", batch=2).step(NINE)

    assert [message.title for message in chat.got] == ["0", "3"]


def test_a_message_waits_for_its_time() -> None:
    put(due_at=NINE + timedelta(minutes=1))
    chat = Recorder()

    early, due = step(chat=chat), step(NINE + timedelta(minutes=1), chat=chat)

    assert (early, due) == (0, 1)


def test_a_passing_failure_is_tried_again_later_with_the_same_id() -> None:
    row = put()
    step(chat=failing(Retry("忙")))
    row.refresh_from_db()
    assert (row.state, row.error, row.attempts) == ("pending", "忙", 1)
    assert NINE < row.due_at < NINE + timedelta(seconds=10)

    chat = Recorder()
    step(row.due_at, chat=chat)

    assert [message.id for message in chat.got] == [str(row.pk)]


def test_a_wait_asked_for_by_the_provider_closes_the_lane() -> None:
    put("a")
    put("b")
    chat = failing(Retry("429", after=30))
    step(chat=chat)
    assert len(chat.got) == 1

    calm = Recorder()
    step(NINE + timedelta(seconds=29), chat=calm)
    step(NINE + timedelta(seconds=31), chat=calm)

    assert len(calm.got) == 2


def test_a_dead_lane_is_left_after_two_failures_and_the_rest_is_not_charged() -> None:
    for number in range(5):
        put(str(number))
    chat = failing(Retry("无法连接"))

    step(chat=chat)

    assert len(chat.got) == 2
    assert sorted(Notification.objects.values_list("attempts", flat=True)) == [0, 0, 0, 1, 1]
    assert step(NINE + timedelta(seconds=1), chat=chat) == 0


def test_a_refused_message_fails_and_the_duty_lead_hears_of_it_elsewhere() -> None:
    Contact.objects.create(name="王主任", role="duty_lead", addresses={"chat": "C9", "sms": "13800000000"})
    row = put(payload={"title": "新预警", "text": "正文", "number": "2026-1"})

    step(chat=failing(Permanent("channel_not_found")), sms=Recorder())

    row.refresh_from_db()
    notice = Notification.objects.get(kind="undelivered")
    assert (row.state, notice.channel, notice.recipient, notice.urgency) == ("failed", "sms", "13800000000", 0)
    assert "channel_not_found" in notice.payload["text"]


def test_a_notice_that_fails_too_ends_on_the_console() -> None:
    Contact.objects.create(name="王主任", role="duty_lead", addresses={"chat": "C9", "sms": "13800000000"})
    put()
    channels = {"chat": failing(Permanent("x")), "sms": failing(Permanent("y")), "console": Recorder()}

    for second in range(4):
        step(NINE + timedelta(seconds=second), **channels)

    assert list(
        Notification.objects.filter(kind="undelivered").order_by("created_at").values_list("channel", "state")
    ) == [
        ("sms", "failed"),
        ("console", "sent"),
    ]


def test_a_long_delay_is_told_while_the_message_is_still_tried() -> None:
    row, now = put(), NINE
    for _ in range(5):
        step(now, chat=failing(Retry("忙")))
        row.refresh_from_db()
        now = row.due_at

    notice = Notification.objects.get(kind="undelivered")
    assert row.state == "pending"
    assert "仍在重试" in notice.payload["text"]


def test_a_message_is_given_up_after_a_day() -> None:
    row = put()
    Notification.objects.update(attempts=60)

    step(NINE + timedelta(hours=24), chat=failing(Retry("忙")))

    row.refresh_from_db()
    assert row.state == "failed"


def test_a_channel_nobody_configured_is_a_permanent_failure() -> None:
    row = put(channel="fax")

    step(chat=Recorder())

    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "没有配置渠道 fax")


def test_a_channel_that_breaks_is_retried_and_its_text_is_not_kept() -> None:
    row = put()

    step(chat=failing(KeyError("https://hook/secret")))

    row.refresh_from_db()
    assert (row.state, row.error) == ("pending", "渠道程序出错：KeyError")


@pytest.mark.parametrize(
    ("kind", "state", "sent"),
    [
        ("new_alert", "detected", True),
        ("new_alert", "assessed", False),
        ("new_alert", "dismissed", False),
        ("dispatch", "dispatched", True),
        ("dispatch", "acknowledged", False),
        ("flash_report", "closed", True),
    ],
)
def test_a_page_whose_alert_moved_on_is_cancelled_with_its_reason(kind: str, state: str, sent: bool) -> None:
    row, chat = put(kind=kind, alert=an_alert(state=state)), Recorder()

    step(chat=chat)

    row.refresh_from_db()
    assert (row.state == "sent", bool(chat.got), bool(row.error)) == (sent, sent, not sent)


def test_a_reminder_of_a_met_deadline_is_cancelled() -> None:
    alert = an_alert(state="handling")
    Deadline.objects.create(alert=alert, stage="first_feedback", started_at=NINE, due_at=NINE, basis="", met_at=NINE)
    met = put("a", kind="reminder", alert=alert, payload={"stage": "first_feedback"})
    open_ = put("b", kind="reminder", alert=alert, payload={"stage": "closure"})

    step(chat=Recorder())

    assert [Notification.objects.get(pk=row.pk).state for row in (met, open_)] == ["cancelled", "sent"]


def test_a_lane_keeps_its_limit_over_any_number_of_senders() -> None:
    for number in range(10):
        put(str(number))
    chat = Recorder(limit=Limit(burst=2, every=timedelta(seconds=3)))

    for second in range(7):
        step(NINE + timedelta(seconds=second), owner=f"sender-{second}", chat=chat)

    assert len(chat.got) == 4


def test_a_limited_lane_does_not_hold_up_the_others() -> None:
    for number in range(10):
        put(str(number), urgency=0)
    put("other", recipient="C2")
    chat = Recorder(limit=Limit(burst=1, every=timedelta(seconds=60)))

    step(chat=chat)

    assert [message.recipient for message in chat.got] == ["C1", "C2"]


def test_an_expired_lease_is_sent_again_by_another_with_the_same_id() -> None:
    row = put()
    Notification.objects.update(state="sending", lease_owner="dead", lease_until=NINE, attempts=1)
    chat = Recorder()

    step(NINE, chat=chat)

    row.refresh_from_db()
    assert (row.state, row.attempts, chat.got[0].id) == ("sent", 2, str(row.pk))


def test_a_running_lease_is_left_alone() -> None:
    put()
    Notification.objects.update(state="sending", lease_owner="alive", lease_until=NINE + timedelta(seconds=1))
    chat = Recorder()

    assert step(NINE, chat=chat) == 0
    assert not chat.got


def test_later_messages_of_an_alert_carry_the_first_ones_thread() -> None:
    alert, chat = an_alert(), Recorder(lambda message: f"card:C1:{message.id}")
    first = put("a", alert=alert)
    step(chat=chat)
    put("b", alert=alert, now=NINE + timedelta(seconds=9))

    step(NINE + timedelta(seconds=9), chat=chat)

    assert [message.data.get("thread") for message in chat.got] == [None, f"card:C1:{first.pk}"]


def test_a_card_that_was_started_anew_is_the_one_that_is_followed() -> None:
    alert, chat = an_alert(), Recorder(lambda message: f"card:C1:{message.title}")
    for second, title in enumerate(("old", "new", "next")):
        now = NINE + timedelta(seconds=second)
        put(title, alert=alert, now=now, payload={"title": title, "text": "x"})
        step(now, chat=chat)

    last = chat.got[-1].data
    assert (last["thread"], last["first"]["title"]) == ("card:C1:new", "old")


def test_a_shared_lane_counts_all_recipients() -> None:
    put("a", recipient="one@example.org")
    put("b", recipient="two@example.org")
    mail = Recorder(limit=Limit(burst=1, every=timedelta(seconds=60), shared=True))

    step(chat=mail)

    assert (len(mail.got), list(Lane.objects.values_list("name", flat=True))) == (1, ["chat"])


def test_a_slow_lane_does_not_hold_up_the_others() -> None:
    slow, other = put("a", recipient="C1"), put("b", recipient="C2")
    released = threading.Event()

    def answer(message: Message) -> str:
        return "late" if message.recipient == "C1" and released.wait(10) else "soon"

    sender = Sender({"chat": Recorder(answer)}, "one", patience=timedelta(seconds=0.2))
    first = sender.step(NINE), state_of(slow), state_of(other)
    released.set()
    sender.close(NINE)

    assert first == (1, "sending", "sent")
    assert state_of(slow) == "sent"


def test_a_send_is_not_begun_when_it_could_outlive_its_lease() -> None:
    row, chat = put(), Recorder()
    clock = iter([0.0, 41.0, *range(42, 99)])

    Sender({"chat": chat}, "one", clock=lambda: next(clock)).step(NINE)

    row.refresh_from_db()
    assert (chat.got, row.state, row.attempts) == ([], "pending", 0)


def test_what_was_sent_counts_although_the_lease_had_passed_on() -> None:
    row = put()

    def answer(message: Message) -> str:
        taken_over.set()
        return "p" if handed_over.wait(10) else ""

    taken_over, handed_over = threading.Event(), threading.Event()
    sender = Sender({"chat": Recorder(answer)}, "slow", patience=timedelta(0))
    sender.step(NINE)
    taken_over.wait(10)
    Notification.objects.update(lease_owner="other", attempts=2)
    handed_over.set()
    sender.close(NINE)

    row.refresh_from_db()
    assert (row.state, row.provider_id) == ("sent", "p")


def test_a_failure_under_a_lost_lease_changes_nothing() -> None:
    row = put()

    def answer(message: Message) -> str:
        raise Permanent("x") if handed_over.wait(10) else Retry("never")

    handed_over = threading.Event()
    sender = Sender({"chat": Recorder(answer)}, "slow", patience=timedelta(0))
    sender.step(NINE)
    Notification.objects.update(lease_owner="other", attempts=2)
    handed_over.set()
    sender.close(NINE)

    assert state_of(row) == "sending"


def test_one_recipient_that_fails_does_not_close_a_shared_lane() -> None:
    put("a", recipient="grey@example.org", urgency=0)
    put("b", recipient="two@example.org")

    def answer(message: Message) -> str:
        if message.recipient.startswith("grey"):
            raise Retry("450")
        return ""

    mail = Recorder(answer, limit=Limit(burst=5, every=timedelta(seconds=1), shared=True))
    step(chat=mail)

    assert sorted(Notification.objects.values_list("state", flat=True)) == ["pending", "sent"]


def test_an_idle_look_takes_no_lock(django_assert_num_queries: Any) -> None:
    put(due_at=NINE + timedelta(hours=1))

    with django_assert_num_queries(2):
        Sender({}, "one").step(NINE)


def state_of(row: Notification) -> str:
    return Notification.objects.get(pk=row.pk).state

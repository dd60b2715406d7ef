"""Signs of life, and silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts import heartbeat
from alerts.channels.console import Console
from alerts.heartbeat import Outside
from alerts.models import Contact, Notification
from core.errors import ConfigError
from core.ports import Message
from storage.heartbeat import Pulse, beat

NINE = datetime(2026, 11, 23, 1, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
OUTSIDE = Outside(channel="webhook", recipient="oversight", every=TEN_MINUTES)


class Phone:
    def __init__(self) -> None:
        self.titles: list[str] = []

    def send(self, message: Message) -> str:
        self.titles.append(message.title)
        return ""


def a_pulse(role: str, *, at: float, started: float = -3600) -> Pulse:
    """Seconds from nine."""
    moment, start = (NINE + timedelta(seconds=second) for second in (at, started))
    return Pulse(role=role, instance="h:1", at=moment, started_at=start, silent=at < -60, detail={}, last_error="")


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ([a_pulse("work", at=-5)], ["sweep"]),
        # the house has just started: give it time to speak up
        ([a_pulse("work", at=-5, started=-30)], []),
        ([a_pulse("work", at=-5, started=-61)], ["sweep"]),
        # nobody is there to tell
        ([], []),
    ],
)
def test_silence_counts_while_somebody_was_there_to_hear_it(others: list[Pulse], told: list[str]) -> None:
    seen = [a_pulse("sweep", at=-7200), *others]

    assert [pulse.role for pulse in heartbeat.silent(seen, NINE)] == told


def test_each_period_has_one_turn() -> None:
    turns = [heartbeat.turn(TEN_MINUTES, NINE + minute * timedelta(minutes=1)) for minute in (0, 9, 10, 19, 20)]

    assert [turn - turns[0] for turn in turns] == [0, 0, 1, 1, 2]


@pytest.mark.workflow
@pytest.mark.django_db
class TestSigns:
    def test_the_outside_hears_once_each_period_whoever_writes(self) -> None:
        written = [heartbeat.step(OUTSIDE, {}, NINE + minute * timedelta(minutes=1)) for minute in range(21)]

        assert sum(written) == 3
        assert Notification.objects.filter(channel="webhook", recipient="oversight").count() == 3

    def test_a_silent_sweeper_is_told_once_to_the_duty_lead(self) -> None:
        Contact.objects.create(name="王主任", role="duty_lead", addresses={"sms": "13800000000"})
        beat("sweep", "host:1", NINE, NINE, {}, "")
        beat("work", "host:2", NINE, NINE + timedelta(seconds=90), {}, "")
        channels: dict[str, Any] = {"sms": Phone(), "console": Console()}

        written = [heartbeat.step(None, channels, NINE + timedelta(seconds=second)) for second in (59, 61, 90)]

        row = Notification.objects.get()
        assert written == [0, 1, 0]
        assert (row.channel, row.urgency, row.payload["title"]) == ("sms", 0, "时限巡查没有运行")

    def test_word_of_a_silent_sender_is_sent_by_whoever_noticed(self) -> None:
        Contact.objects.create(name="王主任", role="duty_lead", addresses={"sms": "13800000000"})
        beat("send", "host:1", NINE, NINE, {}, "")
        beat("sweep", "host:2", NINE, NINE + timedelta(seconds=55), {}, "")
        phone = Phone()

        heartbeat.step(None, {"sms": phone}, NINE + timedelta(seconds=61))

        assert phone.titles == ["通知发送没有运行"]

    def test_the_sign_says_which_part_stands_still(self) -> None:
        beat("sweep", "host:1", NINE, NINE, {}, "")
        beat("send", "host:2", NINE, NINE + timedelta(seconds=55), {}, "")

        heartbeat.step(OUTSIDE, {}, NINE + timedelta(seconds=61))

        assert Notification.objects.get(kind="heartbeat").payload["title"] == "采风部分停止：时限巡查"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({"heartbeat": {"channel": "webhook", "recipient": "oversight", "every": "10m"}}, OUTSIDE),
    ],
)
def test_the_channels_file_says_who_expects_it(tmp_path: Path, settings: Any, expected: Outside | None) -> None:
    path = tmp_path / "channels.json"
    path.write_text(json.dumps(settings))

    assert heartbeat.read(str(path)) == expected


@pytest.mark.parametrize("settings", [{"channel": "x"}, {"channel": "x", "recipient": "y", "every": "soon"}, 5])
def test_an_unreadable_heartbeat_is_a_fault_of_the_file(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "channels.json"
    path.write_text(json.dumps({"heartbeat": settings}))

    with pytest.raises(ConfigError, match="heartbeat"):
        heartbeat.read(str(path))

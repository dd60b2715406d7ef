"""The loop of a role: it outlives errors, says that it lives, and stops when told."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caifeng.commands import run
from caifeng.roles import Loop, instance, is_gone
from storage import changes, heartbeat
from storage.models import Heartbeat

#: A loop closes old connections, which a test inside a transaction would not outlive.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workflow]
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


@dataclass
class Scripted:
    """A role whose steps do as the script says; an error is raised; at the end it stops the loop."""

    script: list[int | Exception]
    stop: threading.Event
    name: str = "work"
    rest: float = 0.0
    seen: list[Heartbeat] = field(default_factory=list)

    def step(self, now: datetime) -> int:
        self.seen += Heartbeat.objects.all()
        if len(self.script) == 1:
            self.stop.set()
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def detail(self) -> Mapping[str, Any]:
        return {"left": len(self.script)}


def loop(*script: int | Exception, rest: float = 0.0, mark: Callable[[], object] = changes.mark) -> Loop:
    stop = threading.Event()
    return Loop(role=Scripted(list(script), stop, rest=rest), stop=stop, clock=lambda: NOON, mark=mark)


def test_once_ends_when_there_is_nothing_left_to_do() -> None:
    running = loop(3, 2, 0, 1)

    running.run(once=True)

    assert isinstance(running.role, Scripted)
    assert running.role.script == [1]


def test_an_error_is_shown_and_the_role_goes_on() -> None:
    running = loop(ValueError("坏数据"), 0)

    running.run()

    assert isinstance(running.role, Scripted)
    assert [row.last_error for row in running.role.seen] == ["ValueError: 坏数据"]


def test_a_rest_ends_when_somebody_wrote() -> None:
    marks = iter((1, 1, 2, 2))
    running = loop(0, 0, rest=4.0, mark=lambda: next(marks))

    running.run()

    assert running.role.detail() == {"left": 0}
    assert list(marks) == []


def test_once_hands_the_error_to_whoever_called() -> None:
    with pytest.raises(ValueError, match="坏数据"):
        loop(ValueError("坏数据"), 0).run(once=True)


def test_a_role_that_stopped_in_good_order_is_gone_not_silent() -> None:
    loop(0).run()

    assert heartbeat.pulses(NOON) == []


def test_a_role_is_gone_when_its_process_on_this_machine_is() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = socket.gethostname()

    assert [is_gone(f"{here}:{ended.pid}"), is_gone(instance()), is_gone(f"elsewhere:{ended.pid}")] == [
        True,
        False,
        False,
    ]


def test_a_newer_console_opens_its_door_beside_the_older_one() -> None:
    older = run.door("127.0.0.1", 0, beside=False)
    with older, run.door("127.0.0.1", older.getsockname()[1], beside=True) as newer:
        assert newer.getsockname() == older.getsockname()


def test_the_console_of_another_home_is_not_joined() -> None:
    with run.door("127.0.0.1", 0, beside=False) as other, pytest.raises(OSError, match="in use"):
        run.door("127.0.0.1", other.getsockname()[1], beside=False)


def test_a_role_that_says_nothing_for_a_minute_is_silent() -> None:
    heartbeat.beat("sweep", "host:1", NOON, NOON, {}, "")

    assert [pulse.silent for pulse in heartbeat.pulses(NOON + timedelta(seconds=59))] == [False]
    assert [pulse.silent for pulse in heartbeat.pulses(NOON + timedelta(seconds=61))] == [True]

"""The live feed: everything once, in order, to whom it may concern."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts import desk
from alerts.desk import Action, Command
from alerts.models import Alert
from console import live
from console.roles import Officer, Role
from tests.fixtures.console_client import county, wire
from tests.fixtures.console_night import MATTERS, NIGHT, an_alert, people

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.workflow]

OFFICER = Officer(login="shenzhihe", name="沈知禾", roles=frozenset({Role.DUTY_OFFICER}))
MARKET = Officer(login="market", name="", roles=frozenset({Role.DEPARTMENT}), unit="market_regulation")
HOUSING = Officer(login="housing", name="", roles=frozenset({Role.DEPARTMENT}), unit="housing_bureau")


@pytest.fixture
def alert(tmp_path: Path) -> Alert:
    """An alert 县市场监管局 leads."""
    people()
    wire(tmp_path)
    return an_alert(2, MATTERS[1], county(), None, NIGHT)


def note(alert: Alert, text: str) -> int:
    """Something happens; the id of its event."""
    desk.act(Command(alert=alert.pk, action=Action.NOTE, actor="shenzhihe", note=text), county(), NIGHT)
    return live.newest()


async def ids(stream: AsyncIterator[bytes], number: int) -> list[int]:
    """The ids of so many events, whatever else comes between."""
    found: list[int] = []
    async for piece in stream:
        found += [int(line[4:]) for line in piece.decode().splitlines() if line.startswith("id: ")]
        if len(found) >= number:
            break
    return found


def hear(who: Officer, last: int | None, number: int) -> list[int]:
    """What somebody gets who comes back after `last`."""

    async def run() -> list[int]:
        hub = live.Hub(lambda: NIGHT)
        return await asyncio.wait_for(ids(live.stream(hub, who, last, lambda: NIGHT), number), 20)

    return asyncio.run(run())


def test_what_was_missed_is_replayed_in_order(alert: Alert) -> None:
    last = live.newest()
    missed = [note(alert, f"第 {at} 条") for at in range(3)]

    heard = hear(OFFICER, last, 3 + len(live.read_late(NIGHT - live.LATE, last)))

    assert [event for event in heard if event > last] == missed


def test_what_happens_while_connected_comes_once(alert: Alert) -> None:
    async def run() -> tuple[list[int], int]:
        hub = live.Hub(lambda: NIGHT)
        stream = live.stream(hub, OFFICER, None, lambda: NIGHT)
        assert b"event: hello" in await anext(stream)
        event = await asyncio.to_thread(note, alert, "连线时")
        return await asyncio.wait_for(ids(stream, 1), 20), event

    heard, event = asyncio.run(run())

    assert heard == [event]


def test_a_department_is_told_of_its_own_only(alert: Alert) -> None:
    happening = live.read_after(0, 1000)[-1]

    assert live.is_for(happening, MARKET)
    assert not live.is_for(happening, HOUSING)


def test_an_event_of_before_the_dispatch_is_not_for_a_department(tmp_path: Path) -> None:
    people()
    wire(tmp_path)
    an_alert(3, MATTERS[2], county(), None, NIGHT)

    assert not live.is_for(live.read_after(0, 10)[-1], HOUSING)


def test_no_title_can_forge_an_event(alert: Alert) -> None:
    Alert.objects.update(title="x\n\nevent: alert\ndata: {}\n\n\u2028")

    wire_form = live.read_after(0, 1)[0].wire.decode()

    assert wire_form.count("\n\n") == 1
    assert json.loads(wire_form.split("\ndata: ", 1)[1])["title"].startswith("x\n")


def test_a_page_knows_what_a_replay_would_repeat(alert: Alert) -> None:
    event = note(alert, "刚才的")

    known = live.known(NIGHT)

    assert known[0] == event
    assert {row.id for row in live.read_late(NIGHT - live.LATE, event)} <= set(known)


def test_of_a_quiet_hour_only_the_newest_event_is_known(alert: Alert) -> None:
    event = note(alert, "一小时前的")

    assert live.known(NIGHT + timedelta(hours=1)) == [event]

"""Log lines: one line an event, whatever the text holds."""

from __future__ import annotations

import logging

from caifeng.logs import FieldFormatter


def line(message: str, **fields: object) -> str:
    record = logging.makeLogRecord(
        {"msg": message, "levelname": "INFO", "name": "caifeng.work", "created": 0, **fields}
    )
    return FieldFormatter().format(record)


def test_fields_follow_the_event() -> None:
    assert line("item rejected", source="board", row=7) == (
        "1970-01-01T08:00:00.000+08:00 INFO caifeng.work item rejected source=board row=7"
    )


def test_a_hostile_value_cannot_forge_a_second_line() -> None:
    forged = line("row failed", url="x\n2026 INFO all is well", reason="a b")

    assert "\n" not in forged
    assert 'reason="a b"' in forged


def test_a_hostile_message_stays_on_its_line() -> None:
    assert "\n" not in line("one\ntwo")

"""交接班摘要: what came in during a turn, what is left, what falls due next."""

from __future__ import annotations

from collections.abc import Sequence

from briefings.compose import parts
from briefings.document import Block, Document, Head, Paragraph, finished
from briefings.facts import Facts
from briefings.periods import moment_text


def compose(facts: Facts, head: Head, *, people: Sequence[str], notes: str) -> Document:
    """A turn of duty in four sections."""
    sections = (
        ("本班情况", [_turn(facts, people), *parts.alert_flow(facts)]),
        ("未结告警", _left(facts)),
        ("超时与临期", [*parts.overdue(facts), *parts.next_dues(facts)]),
        ("交接事项", [Paragraph(key="notes", runs=(notes.strip() or "无其他交接事项。",))]),
    )
    blocks = parts.numbered(sections)
    return finished(Document(kind="handover", head=head, title="", blocks=blocks, figures=facts.figures))


def _turn(facts: Facts, people: Sequence[str]) -> Paragraph:
    who = f"，当班{'、'.join(people)}" if people else "，排班表上无人当班"
    text = f"{moment_text(facts.period.start)}至{moment_text(facts.period.end)}{who}。"
    return Paragraph(key="turn", runs=(text,))


def _left(facts: Facts) -> list[Block]:
    found = [case for case in facts.cases if case.is_open]
    if not found:
        return [Paragraph(key="left.none", runs=("没有未结告警。",))]
    return [parts.case_table("cases", f"未结告警（截至{moment_text(facts.now)}）", found[: parts.CASES_IN_ANNEX])]

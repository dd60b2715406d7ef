"""通报: how punctual each responsible unit was in a month; rates with both their numbers."""

from __future__ import annotations

from briefings.compose import parts
from briefings.compose.phrases import runs
from briefings.document import Block, Document, Head, Number, Paragraph, finished
from briefings.facts import Facts, Unit
from briefings.periods import span_text


def compose(facts: Facts, head: Head) -> Document:
    """Overall rate, units in order, what is overdue, what is asked for."""
    span = span_text(facts.period.first_day, facts.period.last_day)
    sections = (
        ("总体情况", parts.handling_overview(facts)),
        ("各单位办理情况", _units(facts)),
        ("超时情况", parts.overdue(facts)),
        ("有关要求", _demands(facts)),
    )
    title = f"关于{span}政务舆情办理情况的通报"
    blocks = parts.numbered(sections)
    return finished(Document(kind="circular", head=head, title=title, blocks=blocks, figures=facts.figures))


def _units(facts: Facts) -> list[Block]:
    if not facts.units:
        return [Paragraph(key="units.none", runs=("期内没有指派，也没有到期的时限。",))]
    judged = [unit for unit in facts.units if facts.figures[f"unit.{unit.id}.rate"].value is not None]
    blocks: list[Block] = []
    full = [unit.short for unit in judged if not facts.value(f"unit.{unit.id}.missed")]
    if full:
        blocks.append(Paragraph(key="units.full", runs=(f"全部按时的单位：{'、'.join(full)}。",)))
    late = sorted(
        (unit for unit in judged if facts.value(f"unit.{unit.id}.missed")), key=lambda unit: _rate(facts, unit)
    )
    if late:
        items = [
            runs(
                "；" if at else "",
                f"{unit.short}到期",
                Number(f"unit.{unit.id}.judged"),
                "项，超时",
                Number(f"unit.{unit.id}.missed"),
                "项，按时率",
                Number(f"unit.{unit.id}.rate"),
            )
            for at, unit in enumerate(late)
        ]
        blocks.append(Paragraph(key="units.late", runs=runs("有超时的单位：", *items, "。")))
    return [*blocks, parts.unit_table(facts)]


def _rate(facts: Facts, unit: Unit) -> float:
    return facts.value(f"unit.{unit.id}.rate")


def _demands(facts: Facts) -> list[Block]:
    late = [unit.short for unit in facts.units if facts.value(f"unit.{unit.id}.missed")]
    if not late:
        return [Paragraph(key="demands", runs=("请各单位继续按时限要求办理。",))]
    text = f"请{'、'.join(late)}逐件查明超时原因，抓紧补办，并将整改情况报送值班室。"
    return [Paragraph(key="demands", runs=(text,))]

"""快报, 续报, 专报: one matter. What is not verified is written 待核, never as fact."""

from __future__ import annotations

from collections.abc import Sequence

from briefings.cases import CaseFacts, Matter
from briefings.compose.parts import numbered
from briefings.compose.phrases import counted, listed, runs
from briefings.compose.quotes import quoted
from briefings.document import Block, Chart, Document, Head, Number, Paragraph, Series, finished
from briefings.gather import MOODS
from briefings.periods import moment_text


def flash(facts: CaseFacts, head: Head) -> Document:
    """快报: facts first, within minutes."""
    sections = (
        ("基本情况", _basics(facts)),
        ("传播情况", _spread(facts)),
        ("核查情况", _verified(facts)),
        ("已采取措施", _measures(facts)),
        ("下步工作", _next(facts)),
    )
    return _document("flash", f"关于{facts.title}的快报", numbered(sections), facts, head)


def follow_up(facts: CaseFacts, head: Head) -> Document:
    """续报: what is new since the last report."""
    sections = (
        ("最新进展", _since(facts)),
        ("传播情况", _spread(facts)),
        ("核查情况", _verified(facts)),
        ("下步工作", _next(facts)),
    )
    return _document("follow_up", f"关于{facts.title}的续报", numbered(sections), facts, head)


def special(facts: CaseFacts, head: Head) -> Document:
    """专报: one incident, its course, spread, contents, handling."""
    sections = (
        ("事件概况", [*_basics(facts), *_course(facts)]),
        ("传播分析", [*_spread(facts), *_chart(facts)]),
        ("网民关切", _voices(facts)),
        ("核查与处置", [*_verified(facts), *_measures(facts)]),
        ("下步工作", _next(facts)),
    )
    return _document("special", f"关于{facts.title}的专报", (*numbered(sections), *_sources(facts)), facts, head)


def _document(kind: str, title: str, blocks: tuple[Block, ...], facts: CaseFacts, head: Head) -> Document:
    return finished(Document(kind=kind, head=head, title=title, blocks=blocks, figures=facts.figures))


def _basics(facts: CaseFacts) -> list[Block]:
    first = f"{moment_text(facts.first_seen_at)}，" + (
        f"{facts.first_source}首先出现" if facts.first_source else "监测到"
    )
    blocks: list[Block] = [
        Paragraph(key="basics.first", runs=(f"{first}“{facts.title}”的反映。内容真实性以核查为准。",))
    ]
    for matter in facts.matters:
        place = f"，涉及{matter.place.replace('/', '')}" if matter.place else ""
        text = (
            f"系统{moment_text(matter.detected_at)}告警（{matter.number}号，{matter.level}{place}）：{matter.reason}。"
        )
        blocks.append(Paragraph(key=f"basics.{matter.number}", runs=(text.replace("。。", "。"),)))
    return blocks


def _spread(facts: CaseFacts) -> list[Block]:
    if not facts.figures["total"].value:
        return [Paragraph(key="spread", runs=("尚未检索到相关帖文，传播情况待核。",))]
    kinds = listed([counted(name, f"kind.{kind}") for kind, name in facts.kinds], "；")
    start = runs(f"截至{moment_text(facts.now)}，相关帖文", Number("total"), "条，其中", kinds, "。")
    moods = runs(counted("负面帖文", "mood.negative"), "。")
    pace = runs("近1小时", Number("hour"), "条，前1小时", Number("hour.before"), f"条，{_trend(facts)}。")
    return [Paragraph(key="spread", runs=runs(start, moods, pace))]


def _trend(facts: CaseFacts) -> str:
    now, before = facts.figures["hour"].value or 0, facts.figures["hour.before"].value or 0
    if now == before:
        return "走势平稳" if now else "近两小时没有新增"
    return "仍在上升" if now > before else "有所回落"


def _verified(facts: CaseFacts) -> list[Block]:
    """What units found out, and which alerts they still owe an answer to."""
    blocks: list[Block] = []
    for matter in facts.matters:
        if texts := "".join(_ended(text) for text in matter.verified):
            said = f"{_named(matter, facts)}{matter.unit or '责任单位'}核查反馈：{texts}"
            blocks.append(Paragraph(key=f"verified.{matter.number}", runs=(said,)))
    waiting = [matter.number for matter in facts.matters if not matter.verified]
    if waiting:
        which = f"{'、'.join(waiting)}号告警" if len(facts.matters) > 1 else ""
        blocks.append(Paragraph(key="verified.waiting", runs=(f"{which}真实情况待核，责任单位尚未反馈。",)))
    return blocks or [Paragraph(key="verified", runs=("真实情况待核。",))]


def _named(matter: Matter, facts: CaseFacts) -> str:
    """Which alert a sentence is about, where there are several."""
    return f"{matter.number}号告警" if len(facts.matters) > 1 else ""


def _ended(text: str) -> str:
    return text if text.endswith(("。", "！", "？")) else f"{text}。"


def _measures(facts: CaseFacts) -> list[Block]:
    blocks: list[Block] = []
    for matter in facts.matters:
        blocks.append(Paragraph(key=f"measures.{matter.number}", runs=(_handled(matter),)))
        for at, (when, channel, text) in enumerate(matter.responses, 1):
            via = f"通过{channel}" if channel else ""
            words = f"{moment_text(when)}{via}公开回应：{_ended(text)}"
            blocks.append(Paragraph(key=f"response.{matter.number}.{at}", runs=(words,)))
        for at, (leader, text) in enumerate(matter.instructions, 1):
            blocks.append(Paragraph(key=f"instruction.{matter.number}.{at}", runs=(f"{leader}批示：{_ended(text)}",)))
    return blocks or [Paragraph(key="measures", runs=("尚未形成告警办理。",))]


def _handled(matter: Matter) -> str:
    if not matter.unit:
        return f"{matter.number}号告警{matter.state}，尚未指派责任单位。"
    co = f"，{'、'.join(matter.co_units)}协办" if matter.co_units else ""
    answered = "" if matter.responses else "，尚无公开回应"
    return f"{matter.number}号告警由{matter.unit}牵头办理{co}，目前{matter.state}{answered}。"


def _next(facts: CaseFacts) -> list[Block]:
    blocks: list[Block] = []
    for matter in facts.matters:
        late = [clock for clock in matter.clocks if clock.is_missed]
        running = [clock for clock in matter.clocks if clock.is_running and not clock.is_missed]
        clauses = [f"{clock.stage}应于{moment_text(clock.due_at)}前完成" for clock in running]
        if overdue := "、".join(clock.stage for clock in late if clock.is_running):
            clauses.append(f"{overdue}已超时，请立即补办")
        if clauses:
            said = f"{_named(matter, facts)}{'；'.join(clauses)}。"
            blocks.append(Paragraph(key=f"next.{matter.number}", runs=(said,)))
    return blocks or [Paragraph(key="next", runs=("继续监测，有新情况随时续报。",))]


def _since(facts: CaseFacts) -> list[Block]:
    if facts.since is None:
        return _course(facts)
    new = runs(f"{moment_text(facts.since)}上次报告后，新增帖文", Number("new"), "条。")
    lines = [
        f"{moment_text(at)}，{_ended(what)}"
        for matter in facts.matters
        for at, what in matter.course
        if at >= facts.since
    ]
    blocks: list[Block] = [Paragraph(key="since.new", runs=new)]
    blocks += [Paragraph(key=f"since.{at}", runs=(line,)) for at, line in enumerate(lines, 1)]
    return blocks if lines else [*blocks, Paragraph(key="since.none", runs=("办理情况没有新的登记。",))]


def _course(facts: CaseFacts) -> list[Block]:
    lines = sorted((at, _named(matter, facts) + what) for matter in facts.matters for at, what in matter.course)
    return [
        Paragraph(key=f"course.{place}", runs=(f"{moment_text(at)}，{_ended(what)}",))
        for place, (at, what) in enumerate(lines, 1)
    ]


def _chart(facts: CaseFacts) -> list[Block]:
    if len(facts.bars) < 2:
        return []
    series = tuple(
        Series(name=name, figures=tuple(keys[at] for _, keys in facts.bars)) for at, (_, name) in enumerate(MOODS)
    )
    totals = [(sum(facts.figures[key].value or 0 for key in keys), label) for label, keys in facts.bars]
    peak, label = max(totals)
    return [
        Chart(
            key="daily",
            caption="每日相关帖文数（条）",
            description=f"按日相关帖文数柱状图，分负面、中性、正面；{label}最多，{peak:,.0f}条。",
            labels=tuple(label for label, _ in facts.bars),
            series=series,
        )
    ]


def _voices(facts: CaseFacts) -> list[Block]:
    return [
        Paragraph(key=f"voice.{place}", runs=(f"“{quote.text}”〔引{place}〕。",))
        for place, quote in enumerate(facts.quotes, 1)
    ]


def _sources(facts: CaseFacts) -> Sequence[Block]:
    return quoted([(str(place), quote) for place, quote in enumerate(facts.quotes, 1)], "正文引用的帖文")

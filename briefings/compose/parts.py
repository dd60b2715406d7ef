"""Sections the periodical briefings have in common: volume, hotspots, handling, risks, proposals, annex."""

from __future__ import annotations

from collections.abc import Sequence

from briefings.compose.phrases import UNKNOWN, change, counted, listed, points, rate, runs, sentence
from briefings.compose.quotes import quoted
from briefings.document import Block, Chart, Column, Heading, Number, Paragraph, Runs, Series, Table
from briefings.facts import Case, Facts, Hotspot, Unit
from briefings.gather import MOODS
from briefings.periods import moment_text, span_text, stamp_text

NUMERALS = "一二三四五六七八九十"
#: Alerts named one by one in the text, and in the annex; the ledger has them all.
CASES_IN_TABLE, CASES_IN_ANNEX = 20, 60


def numbered(sections: Sequence[tuple[str, Sequence[Block]]]) -> tuple[Block, ...]:
    """Sections with their numerals; a section without content is left out and the numbers close up."""
    blocks: list[Block] = []
    kept = [(title, content) for title, content in sections if content]
    for numeral, (title, content) in zip(NUMERALS, kept, strict=False):
        blocks += [Heading(text=f"{numeral}、{title}"), *content]
    return tuple(blocks)


def overview(facts: Facts) -> list[Block]:
    """一、总体情况."""
    span = span_text(facts.period.first_day, facts.period.last_day)
    until = "" if facts.period.is_whole else f"（截至{moment_text(facts.period.end)}）"
    if not facts.value("total"):
        opening = runs(f"{span}{until}，未监测到涉我县帖文（", Number("total"), "条），", change(facts, "total"))
        empty = runs(opening, "。请同时核对信源运行情况。")
        return [Paragraph(key="overview.volume", runs=_local(empty, facts)), *alert_flow(facts)]
    start = runs(f"{span}{until}，共监测到涉我县帖文", Number("total"), "条，", change(facts, "total"), "。")
    channels = listed([counted(name, f"kind.{kind}") for kind, name in facts.kinds], "；")
    blocks: list[Block] = [
        Paragraph(key="overview.volume", runs=_local(runs(start, "其中", channels, "。"), facts)),
        Paragraph(key="overview.mood", runs=_moods(facts)),
        daily_chart(facts),
    ]
    if facts.places:
        blocks.append(Paragraph(key="overview.places", runs=_places(facts)))
    if facts.topics:
        blocks.append(Paragraph(key="overview.topics", runs=_topics(facts)))
    return [*blocks, *alert_flow(facts)]


def _local(content: Runs, facts: Facts) -> Runs:
    """我县 → 我区, 我镇: by the last character of the jurisdiction's name."""
    word = {"县": "我县", "区": "我区", "市": "我市", "镇": "我镇", "乡": "我乡", "旗": "我旗"}
    local = word.get(facts.profile.name[-1:], "本地")
    return tuple(run.replace("我县", local) if isinstance(run, str) else run for run in content)


def _moods(facts: Facts) -> Runs:
    clauses = [runs(counted("从情感看，负面帖文", "mood.negative"))]
    clauses.append(points(facts, "mood.negative"))
    rest = [counted(f"{name}帖文", f"mood.{mood}") for mood, name in MOODS[1:]]
    return runs(listed([clause for clause in clauses if clause], "，"), "；", listed(rest, "；"), "。")


def _places(facts: Facts) -> Runs:
    items: list[Runs] = [(name, Number(f"place.{rank}"), "条") for rank, name in enumerate(facts.places, 1)]
    together = ("，前三地合计占", Number("place.first3.share")) if "place.first3" in facts.figures else ()
    return runs("从地域看，", listed(items), together, "。")


def _topics(facts: Facts) -> Runs:
    items: list[Runs] = [(f"{name}类", Number(f"topic.{topic}"), "条") for topic, name in facts.topics]
    return runs("从内容看，", listed(items), "（一帖涉及多类的分别计入）。")


def alert_flow(facts: Facts) -> list[Block]:
    """What the system raised and what became of it."""
    if not facts.value("flow.detected") and not facts.value("flow.left"):
        return [Paragraph(key="overview.alerts", runs=("期内未发出告警，期末无未结告警。",))]
    first = runs("系统发出告警", Number("flow.detected"), "条，", change(facts, "flow.detected"))
    taken: list[Runs] = [
        ("经确认", Number("flow.confirmed"), "条"),
        ("排除", Number("flow.dismissed"), "条"),
        ("指派责任单位", Number("flow.dispatched"), "条"),
        ("公开回应", Number("flow.responded"), "条"),
        ("办结", Number("flow.closed"), "条"),
        ("期末未结", Number("flow.left"), "条"),
    ]
    return [Paragraph(key="overview.alerts", runs=runs(first, "；", listed(taken, "，"), "。", _gravest(facts)))]


def _gravest(facts: Facts) -> Runs:
    if not facts.levels:
        return ()
    level, name = facts.levels[0]
    if facts.value(f"level.{level}.detected"):
        return runs("其中", name, "舆情", Number(f"level.{level}.detected"), "条。")
    return (f"未发生{name}舆情。",)


def daily_chart(facts: Facts) -> Chart:
    """Posts a day, by mood."""
    totals = [sum(facts.value(f"day.{day}.{mood}") for mood, _ in MOODS) for day in facts.days]
    peak = max(range(len(totals)), key=totals.__getitem__)
    day = facts.days[peak]
    described = f"按日帖文数柱状图，分负面、中性、正面；{day.month}月{day.day}日最多，{totals[peak]:,.0f}条。"
    return Chart(
        key="daily",
        caption="每日帖文数（条）",
        description=described,
        labels=tuple(f"{day.month}.{day.day}" for day in facts.days),
        series=tuple(
            Series(name=name, figures=tuple(f"day.{day}.{mood}" for day in facts.days)) for mood, name in MOODS
        ),
    )


def hotspots(facts: Facts) -> list[Block]:
    """二、热点事件."""
    if not facts.hotspots:
        return [Paragraph(key="hotspots.none", runs=("期内没有形成热点事件。",))]
    blocks: list[Block] = []
    for spot, numeral in zip(facts.hotspots, NUMERALS, strict=False):
        blocks.append(Heading(text=f"（{numeral}）{spot.title}", level=2))
        blocks.append(Paragraph(key=f"hotspot.{spot.id}", runs=hotspot(facts, spot)))
    return blocks


def hotspot(facts: Facts, spot: Hotspot) -> Runs:
    """Course, spread, response, and a sentence of the post most spoken about."""
    key = f"incident.{spot.rank}"
    seen = f"{moment_text(spot.first_seen_at)}首次监测到" + (f"，涉及{spot.place}" if spot.place else "")
    course: list[Runs] = [(seen,), ("期内帖文", Number(f"{key}.total"), "条")]
    if spot.peak_day and f"{key}.peak" in facts.figures:
        course.append((f"{spot.peak_day.month}月{spot.peak_day.day}日最多，", Number(f"{key}.peak"), "条"))
    if facts.figures[f"{key}.negative.share"].value is not None:
        course.append(("负面占", Number(f"{key}.negative.share")))
    spread = f"传播见于{'、'.join(spot.kinds)}。" if spot.kinds else ""
    return runs(sentence(course), spread, _quoted(spot), _answered(spot), _handled(facts, spot))


def _quoted(spot: Hotspot) -> Runs:
    return (f"网民反映：“{spot.quote.text}”〔引{spot.rank}〕。",) if spot.quote else ()


def _answered(spot: Hotspot) -> Runs:
    if spot.answer is None:
        return ("期内未见公开回应。",)
    via = f"通过{spot.answer.channel}" if spot.answer.channel else ""
    start = f"{spot.answer.unit}{moment_text(spot.answer.at)}{via}作出回应"
    if not spot.answer.negative_before:
        return (f"{start}。",)
    return (
        f"{start}，负面占比由",
        Number(spot.answer.negative_before),
        "变为",
        Number(spot.answer.negative_after),
        "。",
    )


def _handled(facts: Facts, spot: Hotspot) -> Runs:
    by_number = {case.number: case for case in facts.cases}
    known = [by_number[number] for number in spot.cases if number in by_number]
    if not known:
        return ()
    items = [f"{case.number}号（{case.level}）由{case.unit or '待定单位'}办理，{case.state}" for case in known[:3]]
    return (f"相关告警{'；'.join(items)}。",)


def handling(facts: Facts) -> list[Block]:
    """三、重点舆情及办理."""
    blocks: list[Block] = [Paragraph(key="handling.rate", runs=_rates(facts))]
    if any(case.overdue for case in facts.cases):
        blocks += overdue(facts)
    if facts.cases:
        grave = facts.cases[:CASES_IN_TABLE]
        blocks.append(case_table("cases", f"重点舆情办理情况（截至{moment_text(facts.now)}）", grave))
    if facts.units:
        blocks.append(unit_table(facts))
    return blocks


def _rates(facts: Facts) -> Runs:
    whole = _all_rate(facts)
    stages = [
        rate(facts, f"stage.{stage}", name)
        for stage, name in (("acknowledge", "部门签收"), ("first_feedback", "核查初报"), ("closure", "办结"))
        if facts.figures[f"stage.{stage}.rate"].value is not None
    ]
    return runs(whole, listed(stages, "；"), "。") if stages else whole


def _all_rate(facts: Facts) -> Runs:
    if facts.figures["rate.on_time"].value is None:
        return ("期内没有到期的办理时限。",)
    counts = ("期内到期时限", Number("flow.judged"), "项，按时完成", Number("flow.on_time"), "项，超时")
    return runs(counts, Number("flow.missed"), "项，按时率", Number("rate.on_time"), "。")


def handling_overview(facts: Facts) -> list[Block]:
    """What was raised and how punctual all units were together."""
    return [*alert_flow(facts), Paragraph(key="handling.rate", runs=_rates(facts))]


def overdue(facts: Facts) -> list[Block]:
    """The matters with a stage that ran out."""
    late = [case for case in facts.cases if case.overdue]
    if not late:
        return [Paragraph(key="handling.overdue", runs=("没有超时环节。",))]
    return [Paragraph(key="handling.overdue", runs=_overdue(late))]


def _overdue(late: Sequence[Case]) -> Runs:
    items = [
        f"{case.number}号“{case.title}”（{case.unit or '待定单位'}，{'、'.join(case.overdue)}超时）"
        for case in late[:5]
    ]
    more = "等" if len(late) > len(items) else ""
    return (f"有超时环节的：{'；'.join(items)}{more}。",)


def case_table(key: str, caption: str, cases: Sequence[Case]) -> Table:
    """Number, matter, level, unit, state, time limits."""
    columns = (
        Column(title="编号", weight=14),
        Column(title="事项", weight=23),
        Column(title="级别", weight=12),
        Column(title="责任单位", weight=14),
        Column(title="状态", weight=9),
        Column(title="时限情况", weight=18),
    )
    rows = tuple(
        ((case.number,), (case.title,), (case.level,), (case.unit or UNKNOWN,), (case.state,), (limits(case),))
        for case in cases
    )
    return Table(key=key, caption=caption, columns=columns, rows=rows)


def limits(case: Case) -> str:
    """Which stages ran out, else what is due next."""
    if case.overdue:
        return f"{'、'.join(case.overdue)}超时"
    if case.next_due is not None:
        return f"{case.next_stage}限 {stamp_text(case.next_due)}"
    return "按时" if not case.is_open else UNKNOWN


def unit_table(facts: Facts) -> Table:
    """Per unit: given, closed, returned, due, in time, rate."""
    titles = ("指派", "办结", "退回", "到期时限", "按时", "按时率")
    columns = (Column(title="责任单位", weight=20), *(Column(title=title, weight=10, right=True) for title in titles))
    rows = tuple(((unit.short,), *_unit_cells(unit)) for unit in facts.units)
    return Table(key="units", caption="责任单位办理情况（件、项）", columns=columns, rows=rows)


def _unit_cells(unit: Unit) -> list[Runs]:
    parts = ("dispatched", "closed", "returned", "judged", "on_time", "rate")
    return [(Number(f"unit.{unit.id}.{part}"),) for part in parts]


def risks(facts: Facts) -> list[Block]:
    """四、风险预警与下周关注."""
    blocks: list[Block] = [Paragraph(key="risks.rising", runs=_rising(facts))]
    blocks += next_dues(facts)
    if facts.ahead:
        days = [f"{day.month}月{day.day}日{what}" for day, what in facts.ahead]
        blocks.append(Paragraph(key="risks.days", runs=(f"此后一周内{'、'.join(days)}，请提前安排值守。",)))
    return blocks


def next_dues(facts: Facts) -> list[Block]:
    """The clocks that end soonest, those already over left out."""
    due = [
        (case.next_due, case)
        for case in facts.cases
        if case.is_open and case.next_due is not None and case.next_due >= facts.now
    ]
    soonest = sorted(due, key=lambda item: (item[0], item[1].number))[:5]
    if not soonest:
        return []
    items = [f"{case.number}号{case.next_stage}限{moment_text(at)}" for at, case in soonest]
    return [Paragraph(key="risks.due", runs=(f"近期到期的办理时限：{'；'.join(items)}。",))]


def _rising(facts: Facts) -> Runs:
    if not facts.comparable:
        return ("首期监测，尚不能判断话题升降。",)
    if not facts.rising:
        return (f"与{facts.period.before_name}相比，没有明显上升的话题。",)
    items = [runs(f"{name}类", Number(f"topic.{topic}"), "条，", _moved(facts, topic)) for topic, name in facts.rising]
    return runs("上升较快的话题：", listed(items, "；"), "。")


def _moved(facts: Facts, topic: str) -> Runs:
    return change(facts, f"topic.{topic}")


def proposals(facts: Facts) -> list[Block]:
    """五、工作建议: from what is late, unanswered and rising; nothing is made up."""
    found: list[str] = []
    late = list(dict.fromkeys(case.unit for case in facts.cases if case.overdue and case.is_open and case.unit))
    if late:
        found.append(f"请{'、'.join(late[:5])}{'等单位' if len(late) > 5 else ''}抓紧补办超时环节，并说明原因")
    silent = [case for case in facts.cases if case.is_open and not case.responded and case.rank <= 2]
    if silent:
        numbers = "、".join(f"{case.number}号" for case in silent[:5])
        found.append(f"对尚未公开回应的{numbers}，请责任单位会同宣传部门尽快核清事实、发布权威信息")
    for topic, name in facts.rising:
        owners = _owners(facts, topic)
        found.append(f"{name}类话题上升，请{owners}排查苗头，提前准备口径")
    if not found:
        return [Paragraph(key="proposals.none", runs=("保持日常监测和值守，暂无专项建议。",))]
    return [Paragraph(key=f"proposals.{n}", runs=(f"{n}.{text}。",)) for n, text in enumerate(found, 1)]


def _owners(facts: Facts, topic: str) -> str:
    found = facts.profile.topic(topic)
    units = [facts.profile.department(unit) for unit in (found.owners if found else ())]
    return "、".join(unit.short for unit in units if unit) or "有关单位"


def annex(facts: Facts) -> list[Block]:
    """附：台账 of the alerts of the period."""
    if not facts.cases:
        return []
    shown = facts.cases[:CASES_IN_ANNEX]
    more = f"，列前{len(shown)}件，其余见台账" if len(facts.cases) > len(shown) else ""
    return [Heading(text="附：舆情办理台账"), ledger_table(facts, shown, f"期内发现或期末未结{more}")]


def quoted_posts(facts: Facts) -> list[Block]:
    """Where the sentences quoted stand."""
    return quoted([(str(spot.rank), spot.quote) for spot in facts.hotspots if spot.quote], "正文引用的帖文")


def ledger_table(facts: Facts, cases: Sequence[Case], caption: str) -> Table:
    """Number, found, matter, unit, state."""
    columns = (
        Column(title="序号", weight=6, right=True),
        Column(title="编号", weight=14),
        Column(title="发现时间", weight=15),
        Column(title="事项", weight=30),
        Column(title="责任单位", weight=14),
        Column(title="状态", weight=9),
    )
    rows = tuple(
        (
            (str(place),),
            (case.number,),
            (stamp_text(case.detected_at),),
            (case.title,),
            (case.unit or UNKNOWN,),
            (case.state,),
        )
        for place, case in enumerate(cases, 1)
    )
    return Table(key="annex", caption=caption, columns=columns, rows=rows)

"""Turns of phrase the briefings share: changes, shares, rates, lists. Each returns runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from briefings.document import Number, Run, Runs
from briefings.facts import Facts

UNKNOWN = "—"
#: Changes that would be written 0.0 are none.
SMALLEST = 0.05


def runs(*parts: Run | Runs) -> Runs:
    """Join words, numbers and phrases; neighbouring words become one."""
    joined: list[Run] = []
    for part in parts:
        for run in part if isinstance(part, tuple) else (part,):
            if isinstance(run, str) and joined and isinstance(joined[-1], str):
                joined[-1] += run
            elif run != "":
                joined.append(run)
    return tuple(joined)


def listed(items: Sequence[Runs], comma: str = "、") -> Runs:
    """甲、乙、丙."""
    parts: list[Run | Runs] = []
    for place, item in enumerate(items):
        parts += [comma, item] if place else [item]
    return runs(*parts)


def sentence(clauses: Iterable[Runs]) -> Runs:
    """Clauses joined by ， and ended by 。; nothing for none."""
    found = [clause for clause in clauses if clause]
    return runs(listed(found, "，"), "。") if found else ()


def change(facts: Facts, key: str, unit: str = "条") -> Runs:
    """How a count moved against the stretch before: rise, fall, none, from zero, nothing to compare with."""
    before_name = facts.period.before_name
    if not facts.comparable:
        return ("首期监测，暂无可比数据",)
    now, before = facts.value(key), facts.value(f"{key}.before")
    if now == before:
        return (f"{before_name}同样没有",) if now == 0 else (f"与{before_name}持平",)
    if before == 0:
        return (f"{before_name}为", Number(f"{key}.before"), unit)
    moved = facts.value(f"{key}.change")
    if abs(moved) < SMALLEST:
        return (f"与{before_name}基本持平",)
    compared = "环比" if facts.period.is_whole else f"比{before_name}"
    return (f"{compared}{'增加' if moved > 0 else '下降'}", Number(f"{key}.change"))


def points(facts: Facts, key: str) -> Runs:
    """How a share moved, in percentage points; nothing when it cannot be compared."""
    moved = facts.figures[f"{key}.points"].value
    if not facts.comparable or moved is None:
        return ()
    if abs(moved) < SMALLEST:
        return (f"与{facts.period.before_name}持平",)
    return (f"比{facts.period.before_name}{'上升' if moved > 0 else '下降'}", Number(f"{key}.points"), "个百分点")


def counted(name: str, key: str, unit: str = "条") -> Runs:
    """论坛帖文1,561条，占32.1%."""
    return (name, Number(key), f"{unit}，占", Number(f"{key}.share"))


def rate(facts: Facts, key: str, name: str) -> Runs:
    """按时率92.3%; — with its reason when nothing was due."""
    if facts.figures[f"{key}.rate"].value is None:
        return (f"{name}无到期时限",)
    return (
        f"{name}应完成",
        Number(f"{key}.judged"),
        "项，按时完成",
        Number(f"{key}.on_time"),
        "项，按时率",
        Number(f"{key}.rate"),
    )

"""周报, 日报, 月报: the same five sections over another stretch of time."""

from __future__ import annotations

from briefings.compose import parts
from briefings.document import Document, Head, finished
from briefings.facts import Facts

_NEXT = {"weekly": "下周", "daily": "次日", "monthly": "下月"}


def compose(kind: str, facts: Facts, head: Head) -> Document:
    """A periodical briefing."""
    sections = (
        ("总体情况", parts.overview(facts)),
        ("热点事件", parts.hotspots(facts)),
        ("重点舆情及办理", parts.handling(facts)),
        (f"风险预警与{_NEXT[kind]}关注", parts.risks(facts)),
        ("工作建议", parts.proposals(facts)),
    )
    blocks = (*parts.numbered(sections), *parts.annex(facts), *parts.quoted_posts(facts))
    return finished(Document(kind=kind, head=head, title="", blocks=blocks, figures=facts.figures))

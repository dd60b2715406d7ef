"""更正: what was wrong in a published briefing; the briefing itself stays as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from briefings.document import Document, Paragraph, date_text, finished
from core.clock import SHANGHAI


def compose(published: Document, number: int, text: str, at: datetime) -> Document:
    """The correction as a document of its own."""
    head = published.head
    opening = f"{date_text(head.date)}印发的《{head.name}》{head.issue}更正如下："
    return finished(
        Document(
            kind="correction",
            head=replace(head, issue=f"{head.issue}更正{number}", date=at.astimezone(SHANGHAI).date()),
            title=f"关于{head.name}{head.issue}的更正",
            blocks=(Paragraph(key="opening", runs=(opening,)), Paragraph(key="text", runs=(text,))),
        )
    )

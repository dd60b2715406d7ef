"""The posts a briefing quotes, listed at its end."""

from __future__ import annotations

from collections.abc import Sequence

from briefings.document import Block, Column, Heading, Table
from briefings.facts import Quote
from briefings.periods import stamp_text


def quoted(quotes: Sequence[tuple[str, Quote]], caption: str) -> list[Block]:
    """Where the sentences quoted stand."""
    if not quotes:
        return []
    columns = (
        Column(title="引", weight=5, right=True),
        Column(title="信源", weight=16),
        Column(title="发布时间", weight=14),
        Column(title="帖文编号与链接", weight=51),
    )
    rows = tuple(
        ((place,), (quote.source,), (stamp_text(quote.at),), (f"{quote.post} {quote.url}",)) for place, quote in quotes
    )
    return [Heading(text="附：引用帖文"), Table(key="quotes", caption=caption, columns=columns, rows=rows)]

"""Grounds of numbers in the officers' words."""

from __future__ import annotations

from typing import Any

from briefings import selections
from briefings.document import Document
from briefings.figures import Figure, Kind, Operation
from core.clock import SHANGHAI


def ground(document: Document, key: str) -> dict[str, Any]:
    """Key, number, meaning and how it was got."""
    figure = document.figures[key]
    return {"key": key, "text": figure.text, "label": figure.label, "how": how(document, figure)}


def how(document: Document, figure: Figure) -> str:
    """`84 ÷ 91`, or the query with its period."""
    if figure.ground.kind is Kind.DERIVED:
        return _formula(document, figure)
    return f"{figure.ground.query}{period(figure)}"


def period(figure: Figure) -> str:
    """The period of a selection; queries on posts carry theirs."""
    start, end = figure.ground.start, figure.ground.end
    if start is None or end is None:
        return ""
    return f"（{start.astimezone(SHANGHAI):%Y-%m-%d %H:%M} 至 {end.astimezone(SHANGHAI):%Y-%m-%d %H:%M}）"


def meaning(figure: Figure) -> str:
    """What is counted, longer than the label where there is more to say."""
    match figure.ground.kind:
        case Kind.POSTS:
            return "符合取数条件的帖文条数，同文转载各计一条"
        case Kind.ALERTS | Kind.DEADLINES:
            return selections.MEANINGS[selections.read(figure.ground.query).name]
        case Kind.DERIVED:
            return "由其他数字算得"


def _formula(document: Document, figure: Figure) -> str:
    texts = [document.figures[key].text for key in figure.ground.operands]
    match figure.ground.operation:
        case Operation.SHARE:
            return f"{texts[0]} ÷ {texts[1]}"
        case Operation.CHANGE:
            return f"（{texts[0]} − {texts[1]}） ÷ {texts[1]}"
        case Operation.DIFFERENCE:
            return f"{texts[0]} − {texts[1]}"
        case _:
            return f"{'、'.join(texts)} 中最大者"

"""HTML by itself: one file, nothing from elsewhere, no script; every number leads to its ground."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from briefings import wording
from briefings.document import Block, Chart, Document, Heading, Number, Paragraph, Runs, Table, date_text, foot_lines
from briefings.render import measures

_STYLE = Path(__file__).parent.parent / "static/briefings/sheet.css"


def write(document: Document, pictures: Mapping[str, bytes]) -> bytes:
    """The document as a page."""
    images = {key: f"data:image/png;base64,{base64.b64encode(data).decode()}" for key, data in pictures.items()}
    context = {
        **sheet(document, images),
        "figures": [wording.ground(document, key) for key in document.used()],
        "css": mark_safe(_STYLE.read_text(encoding="utf-8")),  # noqa: S308 - our own file
    }
    return render_to_string("briefings/standalone.html", context).encode()


def sheet(document: Document, images: Mapping[str, str]) -> dict[str, Any]:
    """What the template of a sheet of paper reads; `images` are addresses of the charts."""
    return {
        "doc": document,
        "head": document.head,
        "date": date_text(document.head.date),
        "title_lines": measures.title_lines(document.title),
        "blocks": [_block(block, document, images) for block in document.blocks],
        "foot": foot_lines(document.head),
    }


def _block(block: Block, document: Document, images: Mapping[str, str]) -> dict[str, Any]:
    match block:
        case Heading():
            return {"type": "heading", "is_sub": block.level > 1, "text": block.text}
        case Paragraph():
            return {"type": "paragraph", "it": block, "runs": _runs(block.runs, document)}
        case Table():
            rows = [
                [
                    {"runs": _runs(cell, document), "right": column.right}
                    for cell, column in zip(row, block.columns, strict=True)
                ]
                for row in block.rows
            ]
            return {"type": "table", "it": block, "rows": rows}
        case Chart():
            return {"type": "chart", "it": block, "image": images[block.key], "rows": _values(block, document)}


def _runs(runs: Runs, document: Document) -> list[dict[str, str]]:
    return [
        {"key": run.key, "text": document.figures[run.key].text} if isinstance(run, Number) else {"text": run}
        for run in runs
    ]


def _values(chart: Chart, document: Document) -> list[dict[str, Any]]:
    """The chart as rows of a table, for those who cannot see it."""
    return [
        {"label": label, "runs": [_runs((Number(series.figures[at]),), document)[0] for series in chart.series]}
        for at, label in enumerate(chart.labels)
    ]

"""Charts as PNG, drawn by typst: stacked columns, told apart by pattern as well as by colour."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

from briefings.document import Chart, Document
from briefings.figures import Figure
from briefings.render import fonts
from core.errors import Permanent

DPI = 200
#: No more lines of the scale than this, zero left out.
TICKS = 5
_TEMPLATE = Path(__file__).with_name("chart.typ")


def draw_all(document: Document) -> dict[str, bytes]:
    """Every chart of a document by its key."""
    return {chart.key: draw(chart, document.figures) for chart in document.charts()}


def draw(chart: Chart, figures: Mapping[str, Figure]) -> bytes:
    """One chart. Raises Permanent when typst warns: a missing glyph is an error here."""
    with tempfile.TemporaryDirectory(prefix="caifeng-chart-") as folder:
        place = Path(folder)
        (place / "chart.json").write_text(json.dumps(_data(chart, figures), ensure_ascii=False), encoding="utf-8")
        (place / "chart.typ").write_text(_TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
        compiler = typst.Compiler(
            str(place / "chart.typ"), root=folder, font_paths=fonts.loaded(), ignore_system_fonts=True
        )
        picture, warnings = compiler.compile_with_warnings(format="png", ppi=DPI)
    if warnings:
        raise Permanent(f"图表：{'; '.join(warning.message for warning in warnings)}")
    if not isinstance(picture, bytes):
        raise Permanent("图表：typst gave no single picture")
    return picture


def _data(chart: Chart, figures: Mapping[str, Figure]) -> dict[str, Any]:
    columns = [[figures[series.figures[at]].value or 0 for series in chart.series] for at in range(len(chart.labels))]
    step = tick_step(max(map(sum, columns), default=0))
    top = step * TICKS if not any(map(any, columns)) else step * math.ceil(max(map(sum, columns)) / step)
    return {
        "font": fonts.SANS,
        "names": [fonts.drawable(series.name) for series in chart.series],
        "columns": [
            {"label": label, "shares": [value / top for value in column]}
            for label, column in zip(chart.labels, columns, strict=True)
        ],
        "ticks": [{"at": value / top, "words": f"{value:,}"} for value in range(0, top + 1, step)],
    }


def tick_step(highest: float) -> int:
    """The smallest of 1, 2, 5, 10, 20 … that reaches the highest value in `TICKS` steps."""
    scale = 1
    while True:
        for digit in (1, 2, 5):
            if digit * scale * TICKS >= highest:
                return digit * scale
        scale *= 10

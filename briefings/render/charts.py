"""Charts as PNG: stacked columns, told apart by tone and hatching as well as by colour."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

from briefings.document import Chart, Document
from briefings.figures import Figure
from briefings.render import fonts

DPI = 200
WIDTH, HEIGHT = 6.1, 2.5
#: Face and hatch per series.
_LOOKS = (("#7a4038", ""), ("#c3cad0", "..."), ("#5f8f8a", "///"))


def draw_all(document: Document) -> dict[str, bytes]:
    """Every chart of a document by its key."""
    return {chart.key: draw(chart, document.figures) for chart in document.charts()}


def draw(chart: Chart, figures: Mapping[str, Figure]) -> bytes:
    """One chart. Raises a warning as an error when a glyph is missing."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas
    from matplotlib.font_manager import FontProperties
    from matplotlib.ticker import MaxNLocator

    words = FontProperties(fname=fonts.sans_path(), size=9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas = Canvas(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        FigureCanvasAgg(canvas)
        axes = canvas.add_subplot()
        base = [0.0] * len(chart.labels)
        for series, (face, hatch) in zip(chart.series, _LOOKS, strict=False):
            heights = [figures[key].value or 0.0 for key in series.figures]
            places = range(len(heights))
            axes.bar(places, heights, 0.6, bottom=base, label=series.name, color=face, hatch=hatch, edgecolor="white")
            base = [low + height for low, height in zip(base, heights, strict=True)]
        axes.set_xticks(range(len(chart.labels)), chart.labels, fontproperties=words)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.set_ylim(bottom=0, top=None if any(base) else 1)
        for label in axes.get_yticklabels():
            label.set_fontproperties(words)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(prop=words, frameon=False, ncols=len(chart.series), loc="lower right", bbox_to_anchor=(1, 1))
        out = io.BytesIO()
        canvas.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()

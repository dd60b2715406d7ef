"""A Document as .docx, .pdf and .html; `render` is the one door."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from briefings.document import Document

TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
}
FORMATS = tuple(TYPES)


def render(document: Document, formats: tuple[str, ...] = FORMATS) -> dict[str, bytes]:
    """Write the document in these formats; charts are drawn once for all of them."""
    from briefings.render import charts, docx, pdf, web

    writers: Mapping[str, Callable[[Document, Mapping[str, bytes]], bytes]] = {
        "docx": docx.write,
        "pdf": pdf.write,
        "html": web.write,
    }
    pictures = charts.draw_all(document)
    return {name: writers[name](document, pictures) for name in formats}

"""PDF by typst: PDF/A-2b, embedded fonts, the same bytes every time. The text enters as data, never as markup."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import typst

from briefings.document import Block, Chart, Document, Heading, Paragraph, Runs, Table, date_text
from briefings.render import fonts, measures
from core.errors import Permanent

_TEMPLATE = Path(__file__).with_name("page.typ")
#: Longer words get places where a line may break; the sign is not seen.
_LONG_WORD = re.compile(r"[^\s\u2e80-\uffef]{20,}")
_LONG_IN_CELL = re.compile(r"[^\s\u2e80-\uffef]{8,}")


def write(document: Document, pictures: Mapping[str, bytes]) -> bytes:
    """The document as PDF. Raises Permanent when typst warns: a missing font or glyph is an error here."""
    with tempfile.TemporaryDirectory(prefix="caifeng-pdf-") as folder:
        place = Path(folder)
        for key, picture in pictures.items():
            (place / f"{_file_name(key)}.png").write_bytes(picture)
        (place / "document.json").write_text(json.dumps(_data(document), ensure_ascii=False), encoding="utf-8")
        (place / "page.typ").write_text(_TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
        compiler = typst.Compiler(
            str(place / "page.typ"), root=folder, font_paths=fonts.loaded(), ignore_system_fonts=True
        )
        made_at = datetime.combine(document.head.date, time(), tzinfo=UTC)
        found, warnings = compiler.compile_with_warnings(format="pdf", pdf_standards=["a-2b"], timestamp=made_at)
    if warnings:
        raise Permanent(f"PDF: {'; '.join(warning.message for warning in warnings)}")
    if not isinstance(found, bytes):
        raise Permanent("PDF: typst gave no single file")
    return found


def _data(document: Document) -> dict[str, Any]:
    head = document.head
    row = f"{head.issuer}　　{date_text(head.date)}"
    known = frozenset(fonts.loaded().families())
    data = {
        "lang": "zh",
        "secrecy": head.secrecy,
        "serial": head.serial,
        "name": head.name,
        "name_size": measures.fitting(head.name, measures.NAME_SIZE),
        "issue": head.issue,
        "issuer": head.issuer,
        "date": date_text(head.date),
        "row_size": measures.fitting(row, measures.BODY),
        "title_lines": measures.title_lines(document.title),
        "blocks": [_block(block, document) for block in document.blocks],
        "signer": head.signer,
        "report_to": "，".join(head.report_to),
        "send_to": "，".join(head.send_to),
        "copies": head.copies,
        "line": head.line_points,
    }
    return {**_shown(data), "fonts": fonts.families(known)}


def _block(block: Block, document: Document) -> dict[str, Any]:
    match block:
        case Heading():
            return {"type": "heading", "level": block.level, "text": block.text}
        case Paragraph():
            return {"type": "paragraph", "text": document.words(block.runs)}
        case Table():
            return {
                "type": "table",
                "caption": block.caption,
                "columns": _columns(block),
                "rows": _rows(block, document),
            }
        case Chart():
            return {
                "type": "chart",
                "file": f"{_file_name(block.key)}.png",
                "caption": block.caption,
                "description": block.description,
            }


def _columns(table: Table) -> list[dict[str, Any]]:
    return [{"title": column.title, "weight": column.weight, "right": column.right} for column in table.columns]


def _rows(table: Table, document: Document) -> list[list[str]]:
    def words(cell: Runs) -> str:
        return _LONG_IN_CELL.sub(_breakable, document.words(cell))

    return [[words(cell) for cell in row] for row in table.rows]


def _shown(value: Any) -> Any:
    """Every text as the fonts can draw it, with places to break long words."""
    if isinstance(value, str):
        return _LONG_WORD.sub(_breakable, fonts.drawable(value))
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value


def _breakable(word: re.Match[str]) -> str:
    return "\u200b".join(word[0])


def _file_name(key: str) -> str:
    return re.sub(r"[^\w-]", "_", key)

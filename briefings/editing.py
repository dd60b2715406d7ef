"""Edits laid over the composed text, and the document as it stands."""

from __future__ import annotations

import re
from dataclasses import replace

from briefings import document as documents
from briefings.document import Block, Document, Number, Paragraph, Run, Runs
from briefings.models import Briefing, Edit
from briefings.render import FORMATS, render
from core.clock import SHANGHAI
from core.legible import legible

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


def current(briefing: Briefing) -> Document:
    """The document with the newest edit of each paragraph."""
    edits = {edit.paragraph: edit for edit in briefing.edits.order_by("pk")}
    composed = documents.from_json(briefing.body)
    return replace(composed, blocks=tuple(_edited(block, edits) for block in composed.blocks))


def _edited(block: Block, edits: dict[str, Edit]) -> Block:
    if not isinstance(block, Paragraph) or block.key not in edits:
        return block
    edit = edits[block.key]
    if edit.runs is None:
        return block
    at = f"{edit.at.astimezone(SHANGHAI):%m-%d %H:%M}"
    return replace(block, runs=documents.runs_from(edit.runs), edited_by=edit.actor_name, edited_at=at)


def relinked(text: str, document: Document, before: Runs) -> Runs:
    """A paragraph as typed, with the figures it had found again: in their order, as whole numbers."""
    rest, runs = legible(text).strip(), list[Run]()
    for key in [run.key for run in before if isinstance(run, Number)]:
        shown = document.figures[key].text
        found = next((match for match in _NUMBER.finditer(rest) if match[0] == shown), None)
        if found is not None:
            runs += [rest[: found.start()], Number(key)]
            rest = rest[found.end() :]
    return tuple(run for run in (*runs, rest) if run != "")


def untraced(runs: Runs) -> list[str]:
    """Numbers of a paragraph that no figure stands behind: typed by hand."""
    return [match[0] for run in runs if isinstance(run, str) for match in _NUMBER.finditer(run)]


def files(briefing: Briefing, formats: tuple[str, ...] = FORMATS) -> dict[str, bytes]:
    """The formats: as frozen when published, else written now."""
    frozen = {file.format: bytes(file.body) for file in briefing.files.filter(format__in=formats)}
    missing = tuple(name for name in formats if name not in frozen)
    return {**frozen, **(render(current(briefing), missing) if missing else {})}

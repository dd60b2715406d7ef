"""What happened to an alert, each event in a line of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.models import AlertEvent
from console import wording
from core.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An event as the page tells it."""

    at: datetime
    kind: str
    actor: str
    by_machine: bool
    #: What changed, then the note.
    words: str


def lines(events: Iterable[AlertEvent], profile: Profile) -> list[Line]:
    """Events in words, in the order given."""
    return [line(event, profile) for event in events]


def line(event: AlertEvent, profile: Profile) -> Line:
    """One event in words."""
    changed = _changed(event.data.get("changes", {}), profile)
    return Line(
        at=event.at,
        kind=wording.word(wording.EVENTS, event.kind),
        actor=event.actor,
        by_machine=event.actor.startswith("system:"),
        words="\n".join(part for part in (changed, event.note) if part),
    )


def _changed(changes: dict[str, Any], profile: Profile) -> str:
    """`定为Ⅱ级`, `牵头 县市场监管局，协办 县教育局`."""
    parts = []
    if level := changes.get("level"):
        parts.append(f"定为{wording.NUMERALS.get(level, level)}级")
    if lead := changes.get("lead_unit"):
        parts.append(f"牵头 {_names([lead], profile)}")
    if co := changes.get("co_units"):
        parts.append(f"协办 {_names(co, profile)}")
    if guidance := changes.get("guidance_units"):
        parts.append(f"业务指导 {_names(guidance, profile)}")
    return "，".join(parts)


def _names(units: Sequence[str], profile: Profile) -> str:
    known = {unit.id: unit.short for unit in profile.departments}
    return "、".join(known.get(unit, unit) for unit in units)

"""Versioned sections of the profile: what administrators edit, with its whole history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from core.errors import Conflict
from storage.models import Document


def newest(section: str) -> Document | None:
    """The version that counts."""
    return Document.objects.filter(section=section).order_by("-version").first()


def everything() -> dict[str, Document]:
    """The newest version of every section."""
    rows: dict[str, Document] = {}
    for row in Document.objects.order_by("section", "version"):
        rows[row.section] = row
    return rows


def state() -> tuple[tuple[str, int], ...]:
    """Sections with their newest version: changes whenever anything was edited."""
    return tuple(Document.objects.values_list("section").annotate(Max("version")).order_by("section"))


def history(section: str) -> list[Document]:
    """Every version, newest first."""
    return list(Document.objects.filter(section=section).order_by("-version"))


def save(section: str, body: Any, *, based_on: int, actor: str, now: datetime, note: str = "") -> Document:
    """Write the next version; raises Conflict when somebody saved since version `based_on` (0: none yet)."""
    current = newest(section)
    if (current.version if current else 0) != based_on:
        raise Conflict(f"{section} 已由 {current.saved_by if current else '他人'} 修改，请刷新后重试")
    try:
        with transaction.atomic():
            return Document.objects.create(
                section=section, version=based_on + 1, body=body, saved_at=now, saved_by=actor, note=note
            )
    except IntegrityError as error:
        raise Conflict(f"{section} 刚被他人修改，请刷新后重试") from error


def bodies() -> Mapping[str, Any]:
    """Section → body of the newest versions."""
    return {section: row.body for section, row in everything().items()}

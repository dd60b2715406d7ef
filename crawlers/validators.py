"""Conditional GET that does not believe everything: when to ask, what an answer means. Pure.

Servers are known to repeat an ETag over changed pages; so a 304 is trusted for a day at most, and a
server caught lying is asked in full for a week.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

TRUST = timedelta(hours=24)
DISTRUST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """What is known of one index URL."""

    etag: str = ""
    modified: str = ""
    body_hash: str = ""
    #: Last time the whole page was fetched.
    full_at: datetime | None = None
    #: Until when its 304 counts for nothing.
    distrusted_until: datetime | None = None

    def as_json(self) -> dict[str, str]:
        """For the row; empty fields left out."""
        values = {
            "etag": self.etag,
            "modified": self.modified,
            "body_hash": self.body_hash,
            "full_at": self.full_at.isoformat() if self.full_at else "",
            "distrusted_until": self.distrusted_until.isoformat() if self.distrusted_until else "",
        }
        return {name: value for name, value in values.items() if value}


def from_json(values: Mapping[str, str]) -> Validator:
    """From the row."""
    full_at, until = values.get("full_at"), values.get("distrusted_until")
    return Validator(
        etag=values.get("etag", ""),
        modified=values.get("modified", ""),
        body_hash=values.get("body_hash", ""),
        full_at=datetime.fromisoformat(full_at) if full_at else None,
        distrusted_until=datetime.fromisoformat(until) if until else None,
    )


def headers(validator: Validator, now: datetime) -> dict[str, str]:
    """Conditional headers of a request; none when the page is to be fetched in full."""
    if validator.full_at is None or now - validator.full_at >= TRUST:
        return {}
    if validator.distrusted_until and now < validator.distrusted_until:
        return {}
    asked = {"If-None-Match": validator.etag, "If-Modified-Since": validator.modified}
    return {name: value for name, value in asked.items() if value}


class Verdict(StrEnum):
    """What an answer means."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    #: Changed under the validator it had before: its 304 were lies.
    LIED = "lied"


def judge(
    before: Validator, *, status: int, etag: str, modified: str, body: bytes, now: datetime
) -> tuple[Verdict, Validator]:
    """What the answer means, and what to remember of it."""
    if status == 304:
        return Verdict.UNCHANGED, before
    body_hash = hashlib.sha256(body).hexdigest()[:32]
    after = replace(before, etag=etag, modified=modified, body_hash=body_hash, full_at=now)
    if body_hash == before.body_hash:
        return Verdict.UNCHANGED, after
    same = bool(etag or modified) and (etag, modified) == (before.etag, before.modified)
    if before.body_hash and same:
        return Verdict.LIED, replace(after, distrusted_until=now + DISTRUST)
    return Verdict.CHANGED, after

"""Tokens that allow pushing into one source; only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from crawlers.models import PushToken

#: `cfp_` so that a leaked one is recognised by scanners and people.
PREFIX = "cfp_"


def issue(source: str, holder: str, now: datetime) -> str:
    """Make a token and return it, this once."""
    token = PREFIX + secrets.token_urlsafe(32)
    PushToken.objects.create(source=source, digest=_digest(token), holder=holder, created_at=now)
    return token


def revoke(source: str, holder: str, now: datetime) -> int:
    """Take the holder's tokens away; return how many there were."""
    return PushToken.objects.filter(source=source, holder=holder, revoked_at=None).update(revoked_at=now)


def source_of(token: str, now: datetime) -> str | None:
    """The source a token may push into; None when it is unknown or revoked."""
    row = PushToken.objects.filter(digest=_digest(token), revoked_at=None).first()
    if row is None:
        return None
    PushToken.objects.filter(id=row.id).update(last_used_at=now)
    return row.source


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

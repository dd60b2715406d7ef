"""Ids made of content, so that every step can be repeated."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from core.clock import aware


def content_hash(text: str) -> str:
    """Hash of a text without its white space; equal texts are exact duplicates."""
    return hashlib.sha256("".join(text.split()).encode()).hexdigest()[:32]


def post_id(source: str, key: str, first_seen_at: datetime) -> str:
    """`202611-` + 24 hex digits: the month of first sight names the partition and never changes."""
    digest = hashlib.sha256(f"{source}\n{key}".encode()).hexdigest()[:24]
    month = aware(first_seen_at)
    return f"{month.year}{month.month:02}-{digest}"


def author_hash(source: str, author: str, secret: bytes) -> str:
    """Keyed hash of an author within one source, so that nobody can follow a person across sources."""
    return hmac.new(secret, f"{source}\n{author}".encode(), hashlib.sha256).hexdigest()[:24]

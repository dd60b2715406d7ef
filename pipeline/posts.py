"""A draft becomes a post: cleaned, masked, with ids made of content."""

from __future__ import annotations

from datetime import datetime

from core.errors import Rejected
from core.ids import author_hash, content_hash, post_id
from core.model import Draft, Post, Precision
from pipeline.clean import language, readable
from pipeline.mask import author_label, mask

_TITLE_LONGEST = 300


def make_post(draft: Draft, *, source: str, kind: str, first_seen_at: datetime, secret: bytes) -> Post:
    """Clean and mask a draft.

    The id is made of the source and what names the item in it: its own id, else its URL, else its content.
    A publish time in the future of first sight is kept out: first sight stands in.
    Raises Rejected when neither title nor text is left.
    """
    title = mask(readable(draft.title).replace("\n", " "))[:_TITLE_LONGEST] if draft.title else ""
    text = mask(readable(draft.text))
    if not title and not text:
        raise Rejected("neither title nor text is left after cleaning")
    whole = f"{title}\n{text}"
    content = content_hash(whole)
    known = draft.published_at is not None and draft.published_at <= first_seen_at
    return Post(
        id=post_id(source, draft.external_id or draft.url or content, first_seen_at),
        source=source,
        kind=kind,
        url=draft.url,
        title=title,
        text=text,
        language=language(whole),
        published_at=draft.published_at if known and draft.published_at is not None else first_seen_at,
        precision=draft.precision if known else Precision.SEEN,
        first_seen_at=first_seen_at,
        author_hash=author_hash(source, draft.author, secret) if draft.author else "",
        author_label=author_label(draft.author) if draft.author else "",
        engagement=draft.engagement,
        content_hash=content,
    )

"""Posts of one story."""

from __future__ import annotations

from core.model import TaggedPost
from core.ports import PostReader
from core.query import Field


def others(store: PostReader, post_id: str, limit: int) -> list[TaggedPost]:
    """Other posts of the same story, newest first; none for an unknown post or one without a story."""
    story = next((post.story for post in store.get([post_id])), None)
    if story is None:
        return []
    page = store.search(Field("story", story), limit=limit + 1)
    return [post for post in page.posts if post.post.id != post_id][:limit]

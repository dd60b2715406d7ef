"""The key of a page: publish time and id of the last post shown, the same in every store."""

from __future__ import annotations


def page_key(at: int, id_: str) -> str:
    """Key of the page after a post; `at` in microseconds since 1970."""
    return f"{at}:{id_}"


def read_key(after: str) -> tuple[int, str]:
    """Publish time and id. Raises ValueError for a text that is no key."""
    at, colon, id_ = after.partition(":")
    if not colon:
        raise ValueError(f"not the key of a page: {after[:40]!r}")
    return int(at), id_

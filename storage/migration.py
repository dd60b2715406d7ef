"""Moving every post from one store into another, in steps that can be repeated."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime

from core.ports import PostReader, PostWriter
from core.query import Everything, Node, Range

BATCH = 500


def remaining(since: datetime | None) -> Node:
    """The posts still to be moved when everything older than `since` has been."""
    return Everything() if since is None else Range("published", low=since)


def migrate(source: PostReader, target: PostWriter, since: datetime | None = None) -> Iterator[tuple[int, datetime]]:
    """Copy oldest first; yields after every batch how many it had, and the `since` to go on from after a break.

    The same post may be copied twice after a break; writing by id makes that harmless.
    """
    posts = source.scan(remaining(since))
    while batch := list(itertools.islice(posts, BATCH)):
        target.upsert(batch)
        yield len(batch), batch[-1].post.published_at

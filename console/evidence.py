"""The posts behind an alert: which to show, and the words that made them match."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.models import Alert, AlertPost
from console import deps
from core.errors import CaifengError
from core.model import TaggedPost
from core.query import And, Node, Not, Or, Text
from storage.query import parse

log = logging.getLogger(__name__)

#: How many posts of an alert are looked at for the few that are shown.
LOOKED_AT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Posts to show, best first, with the first post's id; `fault` says why there are none."""

    posts: tuple[TaggedPost, ...]
    first: str
    terms: tuple[str, ...]
    fault: str = ""


def load(alert: Alert, limit: int, now: datetime) -> Evidence:
    """The `limit` posts that say most about an alert; a store that is down costs the posts, not the page."""
    ids = list(AlertPost.objects.filter(alert=alert).order_by("-id").values_list("post", flat=True)[:LOOKED_AT])
    try:
        posts = deps.post_store().get(ids)
    except (CaifengError, OSError) as error:
        log.warning("evidence not readable", extra={"alert": alert.number, "error": str(error)})
        return Evidence(posts=(), first="", terms=(), fault="帖文库暂时读不到，告警照常办理。")
    chosen = representative(posts, limit)
    first = min(posts, key=lambda post: post.post.published_at).post.id if posts else ""
    return Evidence(posts=tuple(chosen), first=first, terms=terms_of(alert, chosen, now))


def representative(posts: Sequence[TaggedPost], limit: int) -> list[TaggedPost]:
    """The first post, then one of each story by media tier and attention, oldest of equals first."""
    by_time = sorted(posts, key=lambda post: (post.post.published_at, post.post.id))
    if not by_time:
        return []
    rest = sorted(by_time[1:], key=_weight, reverse=True)
    chosen, stories = [by_time[0]], {by_time[0].story}
    repeats: list[TaggedPost] = []
    for post in rest:
        (repeats if post.story and post.story in stories else chosen).append(post)
        stories.add(post.story)
    return [*chosen, *repeats][:limit]


def _weight(post: TaggedPost) -> tuple[bool, bool, int]:
    return (
        "media_central" in post.tags.flags,
        "media_provincial" in post.tags.flags,
        attention(post),
    )


def attention(post: TaggedPost) -> int:
    """Comments, shares and likes a page shows; what it hides counts as nothing."""
    seen = post.post.engagement
    return (seen.comments or 0) + (seen.shares or 0) + (seen.likes or 0)


def terms_of(alert: Alert, posts: Sequence[TaggedPost], now: datetime) -> tuple[str, ...]:
    """Words of the rule's query and of the topics the posts were given."""
    rule = next((rule for rule in deps.rules() if rule.id == alert.rule), None)
    words = list(words_of(rule.query, now)) if rule else []
    words += [term for post in posts for topic in post.tags.topics[:1] for term in topic.terms]
    return tuple(dict.fromkeys(word for word in words if len(word) > 1 or not word.isascii()))


def words_of(query: str, now: datetime) -> Iterator[str]:
    """The plain words a query looks for; none when it cannot be read."""
    try:
        yield from _texts(parse(query, now))
    except CaifengError:
        return


def _texts(node: Node) -> Iterator[str]:
    match node:
        case Text(value=value):
            yield value
        case And(children=children) | Or(children=children):
            for child in children:
                yield from _texts(child)
        case Not():
            return

"""`caifeng search QUERY`: the console's search box on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from caifeng import bootstrap
from core.clock import SHANGHAI
from core.model import TaggedPost
from core.query import And, Node

if TYPE_CHECKING:
    from core.ports import PostReader

_PAGE = 500
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
_MOODS = {"negative": "负面", "neutral": "中性", "positive": "正面"}


@click.command()
@click.argument("query", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="most posts shown; 0 is all")
@click.option("--since", metavar="TIME", help="published since: 7d, 3天, 今天, 2026-11-01")
def search(query: tuple[str, ...], as_json: bool, limit: int, since: str | None) -> None:
    """Find posts, newest first; without QUERY every post.

    A query that begins with `-` needs `--` before it. The language: docs/query-language.md.
    """
    bootstrap.ready()
    tree = _tree(" ".join(query), since, datetime.now(UTC))
    show = _json_line if as_json else _line
    shown = 0
    for post in _posts(bootstrap.post_store(), tree, limit):
        click.echo(show(post))
        shown += 1
    if not as_json:
        click.echo(f"共显示 {shown} 条", err=True)


def _tree(query: str, since: str | None, now: datetime) -> Node:
    from storage.query import parse

    tree = parse(query, now)
    if since is None:
        return tree
    return And((tree, parse('since:"{}"'.format(since.replace('"', "")), now)))


def _posts(store: PostReader, tree: Node, limit: int) -> Iterator[TaggedPost]:
    """Up to `limit` posts, page by page; 0 is all."""
    after: str | None = None
    shown = 0
    while not limit or shown < limit:
        page = store.search(tree, limit=min(_PAGE, limit - shown) if limit else _PAGE, after=after)
        yield from page.posts
        shown, after = shown + len(page.posts), page.after
        if after is None:
            return


def _json_line(post: TaggedPost) -> str:
    return json.dumps(
        {
            "id": post.post.id,
            "title": post.post.title,
            "text": post.post.text,
            "published_at": post.post.published_at.isoformat(),
            "source": post.post.source,
            "topics": [topic.id for topic in post.tags.topics],
            "sentiment": post.tags.sentiment.label.value,
            "regions": list(post.tags.regions),
            "risk": post.tags.risk,
        },
        ensure_ascii=False,
    )


def _line(post: TaggedPost) -> str:
    """Time, risk, mood, source, title; nothing a terminal would obey."""
    at = post.post.published_at.astimezone(SHANGHAI)
    title = _UNPRINTABLE.sub(" ", post.post.title or post.post.text[:40])
    mood = _MOODS[post.tags.sentiment.label]
    return f"{at:%m-%d %H:%M}  {post.tags.risk:3d}  {mood}  {post.post.source}  {title}"

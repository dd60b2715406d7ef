"""A query tree on one post, in the process: the meaning the two stores must reproduce."""

from __future__ import annotations

import functools
from typing import Any

from core.model import TaggedPost
from core.query import And, Everything, Field, Node, Not, Or, Range, Text
from storage.normal import matching_form
from storage.query import fields

# One post meets every rule in turn, and every rule many posts.
_form = functools.lru_cache(maxsize=4096)(matching_form)


def matches(node: Node, post: TaggedPost) -> bool:
    """Tell whether the query is true of the post."""
    match node:
        case Everything():
            return True
        case Text(value):
            return _form(value) in _form(f"{post.post.title}\n{post.post.text}")
        case Field("title", value):
            return _form(value) in _form(post.post.title)
        case Field("id", value):
            return value == post.post.id
        case Field(name, value):
            return fields.facet_form(value) in fields.values(post, name)
        case Range():
            return within(node, fields.ORDERED[node.name](post))
        case And(children):
            return all(matches(child, post) for child in children)
        case Or(children):
            return any(matches(child, post) for child in children)
        case Not(child):
            return not matches(child, post)


def within(bounds: Range, value: Any) -> bool:
    """Tell whether a number or moment lies in the range."""
    above = bounds.low is None or (value > bounds.low if bounds.open_low else value >= bounds.low)
    below = bounds.high is None or (value < bounds.high if bounds.open_high else value <= bounds.high)
    return above and below

"""What a post has in each field of the query language. Every evaluator and both stores read it here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from core.model import TaggedPost
from storage.normal import matching_form

#: Longer values are cut, in the index and in the query alike.
VALUE_LENGTH = 128


# A post's values are few and come again and again.
@functools.lru_cache(maxsize=65536)
def facet_form(value: str) -> str:
    """The form in which a field's value is compared, whole."""
    return matching_form(value).strip()[:VALUE_LENGTH]


def _places(paths: Iterable[str]) -> Iterator[str]:
    """Every segment of every path, and every path from its root: 县, 省/市/县."""
    for path in paths:
        segments = path.split("/")
        yield from segments
        for length in range(2, len(segments) + 1):
            yield "/".join(segments[:length])


def _given(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


#: Field whose values are compared whole → the values a post has in it.
FIELDS: dict[str, Callable[[TaggedPost], Iterable[str]]] = {
    "topic": lambda post: (topic.id for topic in post.tags.topics),
    "sentiment": lambda post: (post.tags.sentiment.label.value,),
    "region": lambda post: _places(post.tags.regions),
    "source": lambda post: (post.post.source, post.post.kind),
    "kind": lambda post: (post.post.kind,),
    "flag": lambda post: post.tags.flags,
    "incident": lambda post: _given(post.incident),
    "story": lambda post: _given(post.story),
    "institution": lambda post: post.tags.institutions,
    "keyword": lambda post: post.tags.keywords,
    "language": lambda post: (post.post.language,),
}

#: Facet of histograms and terms → a post's values as they are shown; a region is its whole path.
FACETS: dict[str, Callable[[TaggedPost], Iterable[str]]] = {
    **{name: values for name, values in FIELDS.items() if name not in {"region", "source"}},
    "region": lambda post: post.tags.regions,
    "source": lambda post: (post.post.source,),
}

#: Field with an order → its value.
ORDERED: dict[str, Callable[[TaggedPost], int | datetime]] = {
    "risk": lambda post: post.tags.risk,
    "published": lambda post: post.post.published_at,
}


def values(post: TaggedPost, name: str) -> set[str]:
    """The comparable values of a field; KeyError for a name that is no field."""
    return {form for value in FIELDS[name](post) if (form := facet_form(value))}


def body(post: TaggedPost) -> str:
    """The form that a bare word is looked for in."""
    return matching_form(f"{post.post.title}\n{post.post.text}")


def title(post: TaggedPost) -> str:
    """The form that `title:` is looked for in."""
    return matching_form(post.post.title)

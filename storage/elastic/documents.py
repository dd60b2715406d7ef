"""Index template, index names, and a post as a document."""

from __future__ import annotations

import re
from typing import Any

from core.model import TaggedPost
from storage.codec import encode
from storage.grams import index_tokens, whole_token
from storage.moments import microseconds
from storage.query import fields

#: Raise it when the mapping changes, then `caifeng store reindex`.
MAPPING_VERSION = 1

_MONTH = re.compile(r"(\d{4})(\d{2})-")
_KEYWORD = {"type": "keyword", "ignore_above": 1024}
_GRAMS = {"type": "text", "analyzer": "whitespace", "norms": False}

_PROPERTIES = {
    "id": _KEYWORD,
    #: Microseconds since 1970, for exact order and ranges; `published_at` is for histograms.
    "at": {"type": "long"},
    "published_at": {"type": "date", "format": "epoch_millis"},
    "risk": {"type": "short"},
    "whole": _GRAMS,
    "title": _GRAMS,
    #: `field=form` of every value a query can name.
    "facet": {"type": "keyword"},
    #: The post itself, as JSON; read back, never searched.
    "record": {"type": "keyword", "index": False, "doc_values": False},
} | dict.fromkeys(fields.FACETS, _KEYWORD)


def template(prefix: str) -> dict[str, Any]:
    """Composable template of the monthly indices."""
    return {
        "index_patterns": [f"{prefix}-v{MAPPING_VERSION}-*"],
        "template": {
            "aliases": {prefix: {}},
            "settings": {
                "number_of_shards": 1,
                "auto_expand_replicas": "0-1",
                # Unset, an idle shard would stop refreshing and the next search would wait.
                "refresh_interval": "5s",
                "codec": "best_compression",
                "sort.field": ["at", "id"],
                "sort.order": ["desc", "desc"],
            },
            "mappings": {"dynamic": "strict", "_source": {"includes": ["record"]}, "properties": _PROPERTIES},
        },
    }


def index_of(prefix: str, post_id: str) -> str:
    """The index an id lives in: the month of first sight is part of the id and never changes."""
    month = _MONTH.match(post_id)
    return f"{prefix}-v{MAPPING_VERSION}-{f'{month[1]}.{month[2]}' if month else 'other'}"


def document(post: TaggedPost) -> dict[str, Any]:
    """The indexed fields and the record."""
    at = microseconds(post.post.published_at)
    named = ((name, value) for name in fields.FIELDS for value in fields.values(post, name))
    return {
        "id": post.post.id,
        "at": at,
        "published_at": at // 1000,
        "risk": post.tags.risk,
        "whole": index_tokens(fields.body(post)),
        "title": index_tokens(fields.title(post)),
        "facet": sorted(facet_token(name, value) for name, value in named),
        "record": encode(post).decode(),
        **{name: sorted(set(values(post))) for name, values in fields.FACETS.items()},
    }


def facet_token(name: str, form: str) -> str:
    """The term of a field's value."""
    return f"{name}={whole_token(form)}"

"""A query tree as a bool query in filter context. Raw text is only ever a term or a phrase of our own tokens."""

from __future__ import annotations

from typing import Any

from core.query import And, Everything, Field, Node, Not, Or, Range, Text
from storage.elastic.documents import facet_token
from storage.grams import phrase_tokens, whole_token
from storage.normal import matching_form
from storage.query import fields
from storage.query.bounds import bounds_of

_ALL: dict[str, Any] = {"match_all": {}}


def to_query(node: Node) -> dict[str, Any]:
    """The query that matches exactly the posts the tree is true of."""
    match node:
        case Everything():
            return _ALL
        case Text(value):
            return _substring("whole", matching_form(value))
        case Field("title", value):
            return _substring("title", matching_form(value))
        case Field("id", value):
            return {"term": {"id": value}}
        case Field(name, value):
            return {"term": {"facet": facet_token(name, fields.facet_form(value))}}
        case Range(name):
            return span("at" if name == "published" else name, *bounds_of(node))
        case And(children):
            return {"bool": {"filter": [to_query(child) for child in children]}}
        case Or(()):
            return {"match_none": {}}
        case Or(children):
            return {"bool": {"should": [to_query(child) for child in children], "minimum_should_match": 1}}
        case Not(child):
            return {"bool": {"must_not": [to_query(child)]}}


def span(name: str, low: int | None, high: int | None) -> dict[str, Any]:
    """Numbers between both ends, included."""
    ends = {sign: end for sign, end in (("gte", low), ("lte", high)) if end is not None}
    return {"range": {name: ends}} if ends else _ALL


def _substring(name: str, form: str) -> dict[str, Any]:
    match len(form):
        case 0:
            return _ALL
        case 1:
            return {"prefix": {name: {"value": whole_token(form)}}}
        case 2:
            return {"term": {name: phrase_tokens(form)}}
        case _:
            return {"match_phrase": {name: phrase_tokens(form)}}

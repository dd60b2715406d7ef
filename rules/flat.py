"""The query language on flat events of any field names, for `rules simulate` and rules' own tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse as luqum_parse

from core.clock import parse_instant
from core.errors import QuerySyntax
from core.query import And, Everything, Field, Node, Not, Or, Range, Text
from rules.reading import is_listed
from storage.normal import matching_form
from storage.query import parse
from storage.query.evaluation import within
from storage.query.fields import facet_form

Test = Callable[[Mapping[str, Any]], bool]


def lookup(event: Mapping[str, Any], name: str) -> Any:
    """A field's value; a dotted name reaches into nested objects; None when it is missing."""
    if name in event:
        return event[name]
    head, separator, rest = name.partition(".")
    inner = event.get(head)
    return lookup(inner, rest) if separator and isinstance(inner, Mapping) else None


def expression(text: str, now: datetime) -> Test:
    """A query as a test of events. Raises QuerySyntax."""
    try:
        node = parse(text, now)
    except QuerySyntax as error:
        # Events may have fields no post has.
        node = _any_names(text, error)
    return lambda event: holds(node, event)


def numerator(match: str | Mapping[str, Any], now: datetime) -> Test:
    """What a percentage_match rule counts."""
    if isinstance(match, str):
        return expression(match, now)
    return lambda event: all(is_listed(lookup(event, name), value) for name, value in match.items())


def holds(node: Node, event: Mapping[str, Any]) -> bool:
    """Whether a query is true of an event; a bare word is looked for in title and text, or in every text field."""
    match node:
        case Everything():
            return True
        case Text(value):
            return value in matching_form(_body(event))
        case Field("title", value):
            return value in matching_form(str(event.get("title") or ""))
        case Field(name, value):
            return facet_form(value) in _forms(event, name)
        case Range():
            return _in_range(node, event)
        case And(children):
            return all(holds(child, event) for child in children)
        case Or(children):
            return any(holds(child, event) for child in children)
        case Not(child):
            return not holds(child, event)


def _body(event: Mapping[str, Any]) -> str:
    if "title" in event or "text" in event:
        return f"{event.get('title') or ''}\n{event.get('text') or ''}"
    return "\n".join(value for value in event.values() if isinstance(value, str))


def _forms(event: Mapping[str, Any], name: str) -> set[str]:
    """Comparable values: elements of a list, segments of a place, a source's kind."""
    value = lookup(event, name)
    values = value if isinstance(value, list) else [value]
    if name == "source":
        values = [*values, event.get("kind")]
    if name == "region":
        values = [part for path in values if path is not None for part in (path, *str(path).split("/"))]
    return {facet_form(str(item)) for item in values if item is not None}


def _in_range(bounds: Range, event: Mapping[str, Any]) -> bool:
    value = event.get("published_at" if bounds.name == "published" else bounds.name)
    if isinstance(value, str):
        value = parse_instant(value)
    return value is not None and within(bounds, value)


def _any_names(text: str, error: QuerySyntax) -> Node:
    try:
        return _read(luqum_parse(text), error)
    except ParseError:
        raise error from None


def _read(item: Any, error: QuerySyntax) -> Node:
    match item:
        case tree.Group() | tree.FieldGroup():
            return _read(item.children[0], error)
        case tree.AndOperation() | tree.UnknownOperation():
            return And(tuple(_read(child, error) for child in item.children))
        case tree.OrOperation():
            return Or(tuple(_read(child, error) for child in item.children))
        case tree.Not() | tree.Prohibit():
            return Not(_read(item.children[0], error))
        case tree.SearchField(expr=tree.Word() | tree.Phrase() as value):
            return Field(item.name, str(value.value).strip('"'))
        case tree.Word() | tree.Phrase():
            return Text(matching_form(str(item.value).strip('"')))
    raise error

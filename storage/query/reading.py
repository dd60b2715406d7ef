"""Query text → tree: spelling → luqum's tree → ours, names and values resolved, everything bounded."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, cast

from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse as luqum_parse

from core.errors import QuerySyntax
from core.query import And, Everything, Field, Node, Not, Or, Range, Text
from storage.normal import matching_form
from storage.query.fields import facet_form
from storage.query.moments import Moment, read_moment
from storage.query.names import FIELD_NAMES, VALUE_NAMES
from storage.query.spelling import Spelling, respell

MAX_LENGTH = 8000
MAX_TERMS = 500
#: Of brackets, and of operations in each other; Elasticsearch takes 30.
MAX_DEPTH = 20

#: Bounds of `published` under names of their own.
_BOUNDS = {"since": ">=", "until": "<="}
_POSITION = re.compile(r"at position (\d+)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse(text: str, now: datetime) -> Node:
    """Read a query; relative times count back from `now`. Raises QuerySyntax with the character's place."""
    if len(text) > MAX_LENGTH:
        raise QuerySyntax(f"查询太长，最多 {MAX_LENGTH} 个字", MAX_LENGTH + 1)
    if not text.strip():
        return Everything()
    spelling = respell(text, MAX_DEPTH)
    return _Reader(spelling, now).read(_luqum_tree(spelling), None, 0)


def _luqum_tree(spelling: Spelling) -> Any:
    """Let luqum read; its message becomes ours."""
    rewritten = "".join(spelling.text)
    try:
        return luqum_parse(rewritten)
    except ParseError as error:
        found = _POSITION.search(str(error))
        if found is None:
            raise QuerySyntax("没有写完，后面还缺词", len(spelling.typed) + 1) from error
        place = spelling.origin(int(found[1]))
        unexpected = re.match(r"\w{1,20}|.|$", spelling.typed[place - 1 :], re.DOTALL)
        raise QuerySyntax(f"这里不该有“{unexpected[0] if unexpected else ''}”", place) from error


class _Reader:
    """Walks luqum's tree; `name` is the field the words belong to, None for title and text."""

    def __init__(self, spelling: Spelling, now: datetime) -> None:
        self.spelling = spelling
        self.now = now
        self.terms = 0

    def fail(self, message: str, item: Any) -> QuerySyntax:
        """An error at an item of luqum's tree."""
        return QuerySyntax(message, self.spelling.origin(item.pos or 0))

    def read(self, item: Any, name: str | None, depth: int) -> Node:
        """Turn an item into a node."""
        if depth > MAX_DEPTH:
            raise self.fail("套得太深", item)
        match item:
            case tree.Group() | tree.FieldGroup() | tree.Plus():
                return self.read(item.children[0], name, depth)
            case tree.AndOperation() | tree.UnknownOperation():
                return _joined(And, [self.read(child, name, depth + 1) for child in item.children])
            case tree.OrOperation():
                return _joined(Or, [self.read(child, name, depth + 1) for child in item.children])
            case tree.Not() | tree.Prohibit():
                return Not(self.read(item.children[0], name, depth + 1))
            case tree.SearchField():
                return self.read(item.expr, self.field(item, name), depth)
            case _:
                return self.leaf(item, name)

    def field(self, item: Any, outer: str | None) -> str:
        """The field's name; one field cannot stand in another."""
        if outer is not None:
            raise self.fail("字段里不能再写字段；要找原文，请加引号", item)
        written = _unescaped(item.name)
        if name := FIELD_NAMES.get(written.casefold()):
            return name
        raise self.fail(f"没有“{written[:20]}”这个字段；要找原文，请加引号", item)

    def leaf(self, item: Any, name: str | None) -> Node:
        """A word, a phrase or a range."""
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.fail(f"词太多，最多 {MAX_TERMS} 个", item)
        match item:
            case tree.Word() | tree.Phrase():
                return self.term(item, name, "=")
            case tree.From():
                return self.term(item.a, name, ">=" if item.include else ">", item)
            case tree.To():
                return self.term(item.a, name, "<=" if item.include else "<", item)
            case tree.Range():
                return self.range(item, name)
        raise self.fail("这里看不懂；要找原文，请加引号", item)

    def term(self, item: Any, name: str | None, sign: str, whole: Any = None) -> Node:
        """A word or phrase after `field:` and perhaps a comparison."""
        value = _value(item)
        if not matching_form(value).strip():
            raise self.fail("没有可查的字", item)
        if name in _BOUNDS and sign == "=":
            return self.bound("published", _BOUNDS[name], value, item)
        if name in {"risk", "published"}:
            return self.bound(name, sign, value, item)
        if sign != "=":
            raise self.fail("这个字段不分大小，只有风险和时间可以比较", whole)
        if name is None:
            return Text(matching_form(value))
        if name == "title":
            return Field("title", matching_form(value))
        if name == "id":
            return Field(name, value)
        return Field(name, facet_form(VALUE_NAMES.get(name, {}).get(value, value)))

    def bound(self, name: str, sign: str, value: str, item: Any) -> Range:
        """A comparison of risk or time."""
        if name == "risk":
            return _risk(sign, self.number(value, item))
        return _published(sign, self.moment(value, item))

    def range(self, item: Any, name: str | None) -> Range:
        """`[low TO high]`; `{` and `}` leave the end out, `*` leaves it open."""
        if name not in {"risk", "published"}:
            raise self.fail("这个字段没有范围，只有风险和时间可以写范围", item)
        bounds = []
        for end, sign in (
            (item.low, ">=" if item.include_low else ">"),
            (item.high, "<=" if item.include_high else "<"),
        ):
            value = _value(end)
            bounds.append(Range(name) if value == "*" else self.bound(name, sign, value, end))
        low, high = bounds
        return Range(name, low.low, high.high, low.open_low, high.open_high)

    def number(self, value: str, item: Any) -> int:
        """A risk from 0 to 100."""
        if not (value.isascii() and value.isdigit() and int(value[:4]) <= 100):
            raise self.fail(f"风险要写 0 到 100 的整数，不是“{value[:20]}”", item)
        return int(value)

    def moment(self, value: str, item: Any) -> Moment:
        """A time in words of the language."""
        try:
            return read_moment(value.strip(), self.now)
        except (ValueError, OverflowError) as error:
            raise self.fail(f"看不懂时间“{value[:20]}”，请写 7d、3天、今天或 2026-11-01", item) from error


def _risk(sign: str, number: int) -> Range:
    match sign:
        case "=":
            return Range("risk", number, number)
        case ">" | ">=":
            return Range("risk", low=number, open_low=sign == ">")
        case _:
            return Range("risk", high=number, open_high=sign == "<")


def _published(sign: str, moment: Moment) -> Range:
    """A day counts whole: `>` begins after it, `<=` ends with it."""
    match sign:
        case "=":
            return Range("published", moment.start, moment.end, open_high=moment.is_day)
        case ">":
            return Range("published", low=moment.end, open_low=not moment.is_day)
        case ">=":
            return Range("published", low=moment.start)
        case "<":
            return Range("published", high=moment.start, open_high=True)
        case _:
            return Range("published", high=moment.end, open_high=moment.is_day)


def _value(item: Any) -> str:
    """What a word or phrase says, without quotes and escapes."""
    if isinstance(item, tree.Prohibit):
        return f"-{_value(item.children[0])}"
    text = cast(str, item.value)
    return _unescaped(text[1:-1] if isinstance(item, tree.Phrase) else text)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _joined(operation: type[And] | type[Or], children: list[Node]) -> Node:
    """One operation of all children, those of the same kind taken in."""
    flat: list[Node] = []
    for child in children:
        flat.extend(child.children if isinstance(child, operation) else [child])
    return operation(tuple(flat))

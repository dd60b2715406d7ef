"""A query tree as one FTS5 expression, a range of keys, and what remains as SQL.

Raw text never reaches MATCH: every leaf is a quoted phrase of our own tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.query import And, Everything, Field, Node, Not, Or, Range, Text
from storage.grams import phrase_tokens, whole_token
from storage.normal import matching_form
from storage.query import fields
from storage.query.bounds import bounds_of
from storage.sqlite import rows

_EVERY = f'facet : "{rows.ALL}"'
_MATCHING = "SELECT rowid FROM gram WHERE gram MATCH ?"


@dataclass(slots=True)
class Selection:
    """The posts of a query. `low` and `high` bound `at`, both ends included; None is open."""

    #: FTS5 expression; None when the index cannot narrow the query.
    match: str | None = None
    low: int | None = None
    high: int | None = None
    #: SQL over `post`, joined by AND.
    conditions: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    @property
    def is_window(self) -> bool:
        """Whether only time selects, so that the counts kept per hour answer."""
        return self.match is None and not self.conditions

    @property
    def is_empty(self) -> bool:
        """Whether the bounds exclude everything."""
        return self.low is not None and self.high is not None and self.low > self.high

    def within(self, low: int | None, high: int | None) -> Selection:
        """The same, bounded further."""
        lows = [bound for bound in (self.low, low) if bound is not None]
        highs = [bound for bound in (self.high, high) if bound is not None]
        return Selection(
            self.match, max(lows, default=None), min(highs, default=None), [*self.conditions], [*self.parameters]
        )

    def sql(self, columns: str, tail: str = "", *, join: str = "", of_posts: bool = True) -> tuple[str, list[Any]]:
        """SELECT with its parameters: over `post`, or over the index alone when that decides and no column is asked.

        `{key}` in `columns`, `join` and `tail` is the row key.
        """
        conditions, parameters = list(self.conditions), list(self.parameters)
        source, key, at = "post", "post.key", "post.at"
        if self.match is not None:
            needs_post = of_posts or self.conditions
            source = "gram CROSS JOIN post ON post.key = gram.rowid" if needs_post else "gram"
            key, at = "gram.rowid", "(SELECT at FROM post WHERE post.key = gram.rowid)"
            conditions.insert(0, "gram MATCH ?")
            parameters.insert(0, self.match)
        if self.low is not None:
            # The key decides all but the edge's own slot, so a row is seldom fetched for its time.
            conditions.append(f"{key} >= ? AND ({key} > ? OR {at} >= ?)")
            parameters += [rows.first_key(self.low), rows.last_key(self.low), self.low]
        if self.high is not None:
            conditions.append(f"{key} <= ? AND ({key} < ? OR {at} <= ?)")
            parameters += [rows.last_key(self.high), rows.first_key(self.high), self.high]
        where = " AND ".join(conditions) or "TRUE"
        columns, join, tail = (part.replace("{key}", key) for part in (columns, join, tail))
        return f"SELECT {columns} FROM {source} {join} WHERE {where} {tail}", parameters  # noqa: S608 - our own parts


def select(query: Node) -> Selection:
    """Split a query into what the index, the keys and the columns can decide."""
    selection = Selection()
    wanted: list[Node] = []
    for part in query.children if isinstance(query, And) else (query,):
        if isinstance(part, Range) and part.name == "published":
            selection = selection.within(*bounds_of(part))
        elif isinstance(part, Everything):
            continue
        elif _is_indexed(part):
            wanted.append(part)
        else:
            selection.conditions.append(_condition(part, selection.parameters))
    if wanted:
        selection.match = _expression(And(tuple(wanted)))
    return selection


def _is_indexed(node: Node) -> bool:
    """Whether FTS5 alone can decide the node."""
    match node:
        case Range() | Field("id", _):
            return False
        case And(children) | Or(children):
            return all(map(_is_indexed, children))
        case Not(child):
            return _is_indexed(child)
        case _:
            return True


def _expression(node: Node) -> str:
    """FTS5 expression of an indexed node."""
    match node:
        case Text(value):
            return _substring("whole", matching_form(value))
        case Field("title", value):
            return _substring("title", matching_form(value))
        case Field(name, value):
            return f"facet : {_quoted(rows.facet_token(name, fields.facet_form(value)))}"
        case Or(children):
            return f"({' OR '.join(map(_expression, children))})" if children else _nothing()
        case Not(child):
            return f"({_EVERY} NOT {_expression(child)})"
        case And(children):
            return _conjunction(children)
        case _:
            return _EVERY


def _conjunction(children: tuple[Node, ...]) -> str:
    """FTS5's NOT has two sides: all that is wanted on the left, all that is not on the right."""
    wanted = [_expression(child) for child in children if not isinstance(child, Not)]
    unwanted = [_expression(child.child) for child in children if isinstance(child, Not)]
    left = f"({' AND '.join(wanted or [_EVERY])})"
    return f"({left} NOT ({' OR '.join(unwanted)}))" if unwanted else left


def _nothing() -> str:
    return f"({_EVERY} NOT {_EVERY})"


def _substring(column: str, form: str) -> str:
    match len(form):
        case 0:
            return _EVERY
        case 1:
            return f"{column} : {_quoted(whole_token(form))} *"
        case _:
            return f"{column} : {_quoted(phrase_tokens(form))}"


def _quoted(tokens: str) -> str:
    return '"{}"'.format(tokens.replace('"', '""'))


def _condition(node: Node, parameters: list[Any]) -> str:
    """SQL over `post` of any node; what the index can decide becomes a sub-select."""
    if _is_indexed(node):
        parameters.append(_expression(node))
        return f"post.key IN ({_MATCHING})"
    match node:
        case Range(name):
            return _comparison("risk" if name == "risk" else "at", *bounds_of(node), parameters)
        case Field(_, value):
            parameters.append(value)
            return "post.id = ?"
        case Not(child):
            return f"NOT ({_condition(child, parameters)})"
        case And(children):
            return f"({' AND '.join([_condition(child, parameters) for child in children])})"
        case Or(children):
            return f"({' OR '.join([_condition(child, parameters) for child in children])})"
    raise TypeError(f"no such node: {node}")


def _comparison(column: str, low: int | None, high: int | None, parameters: list[Any]) -> str:
    parts = []
    for sign, end in ((">=", low), ("<=", high)):
        if end is not None:
            parts.append(f"post.{column} {sign} ?")
            parameters.append(end)
    return f"({' AND '.join(parts) or 'TRUE'})"

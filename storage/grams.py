"""Overlapping pairs of characters: the tokens both stores index, so that a phrase of them is exactly a substring.

A form `ABC` is indexed as `AB BC C⏎`; the query `ABC` is the phrase `AB BC`; a query of one character is the prefix
`A`. Space and end are written as control characters, which no form contains.
"""

from __future__ import annotations

SPACE = "\x01"
END = "\x02"


def index_tokens(form: str) -> str:
    """Tokens of a whole text, separated by spaces; empty for an empty text."""
    marked = form.replace(" ", SPACE) + END
    return " ".join([marked[start : start + 2] for start in range(len(form))])


def phrase_tokens(form: str) -> str:
    """Tokens of a substring looked for, at least two characters long."""
    marked = form.replace(" ", SPACE)
    return " ".join([marked[start : start + 2] for start in range(len(form) - 1)])


def whole_token(form: str) -> str:
    """One token for a whole value."""
    return form.replace(" ", SPACE)

"""Types that judge each post by itself or by what was known before it: any, lists, change, new_term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from rules.schema import BlacklistOptions, ChangeOptions, NewTermOptions, WhitelistOptions
from rules.windows.events import Event, Key, Outcome, Windows, hashable, span


class Any_(Windows):  # noqa: N801 - `Any` is typing's
    """Every post."""

    remembers = False

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        return (_stamped(event, {}),)

    def copy(self) -> Self:
        """Nothing is kept."""
        return self


class Blacklist(Any_):
    """A value is in the list; a list-valued field is tested per element, a missing value never hits."""

    def __init__(self, options: BlacklistOptions) -> None:
        self.field = options.compare_key
        self.listed = options.blacklist

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        hits = [value for value in elements(event.fields.get(self.field)) if value in self.listed]
        return (_stamped(event, {"value": hits[0]}),) if hits else ()


class Whitelist(Any_):
    """A value is not in the list."""

    def __init__(self, options: WhitelistOptions) -> None:
        self.field = options.compare_key
        self.listed = options.whitelist
        self.ignore_null = options.ignore_null

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        values = elements(event.fields.get(self.field))
        if not values:
            return () if self.ignore_null else (_stamped(event, {"value": None}),)
        strange = [value for value in values if value not in self.listed]
        return (_stamped(event, {"value": strange[0]}),) if strange else ()


class Change(Windows):
    """A compared value differs from the key's previous post, at most `timeframe` ago."""

    def __init__(self, options: ChangeOptions) -> None:
        self.fields = options.compare_key
        self.ignore_null = options.ignore_null
        self.length = None if options.timeframe is None else span(options.timeframe)
        self.previous: dict[Key, tuple[int, list[Any], Any]] = {}

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        values = [event.fields.get(field) for field in self.fields]
        if self.ignore_null and any(not value and not isinstance(value, bool) for value in values):
            return ()
        previous = self.previous.get(event.key)
        self.previous[event.key] = (event.at, values, event.ref)
        if previous is None or previous[1] == values:
            return ()
        if self.length is not None and event.at - previous[0] > self.length:
            return ()
        return (
            Outcome(
                event.key,
                event.at,
                {"old_value": previous[1], "new_value": values},
                (event.ref, previous[2]),
                event.ref,
            ),
        )

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self).__new__(type(self))
        twin.fields, twin.ignore_null, twin.length = self.fields, self.ignore_null, self.length
        twin.previous = dict(self.previous)
        return twin


class NewTerm(Windows):
    """A value, or combination of values, neither known beforehand nor seen since."""

    independent = False

    def __init__(self, options: NewTermOptions) -> None:
        self.fields = options.fields
        self.missing_matters = options.alert_on_missing_field
        self.seen: dict[str, set[Key]] = {
            name(field): {_frozen(value) for value in options.baseline.get(name(field), [])} for field in self.fields
        }

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post; it may be new in several fields, and what was said of an earlier field is carried on."""
        outcomes = []
        notes: dict[str, Any] = {}
        for field in self.fields:
            value = _term(event, field)
            if not value:
                if self.missing_matters:
                    notes = {**notes, "missing_field": field}
                    outcomes.append(_stamped(event, notes))
            elif (term := _frozen(value)) not in self.seen[name(field)]:
                self.seen[name(field)].add(term)
                notes = {**notes, "new_field": field}
                outcomes.append(_stamped(event, notes))
        return outcomes

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self).__new__(type(self))
        twin.fields, twin.missing_matters = self.fields, self.missing_matters
        twin.seen = {field: set(values) for field, values in self.seen.items()}
        return twin


def name(field: str | list[str]) -> str:
    """`topic`, or `topic+region` for a combination."""
    return field if isinstance(field, str) else "+".join(field)


def _term(event: Event, field: str | list[str]) -> Any:
    """The value; a combination is missing as soon as one part is."""
    if isinstance(field, str):
        return event.fields.get(field)
    values = [event.fields.get(part) for part in field]
    return values if all(values) else None


def _frozen(value: Any) -> Key:
    """Something hashable that is equal when the values are."""
    return tuple(_frozen(part) for part in value) if isinstance(value, list | tuple) else hashable(value)


def elements(value: Any) -> list[Any]:
    """The elements of a list-valued field, a single value as one, nothing when it is missing."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]


def _stamped(event: Event, values: dict[str, Any]) -> Outcome:
    return Outcome(event.key, event.at, values, (event.ref,), event.ref)

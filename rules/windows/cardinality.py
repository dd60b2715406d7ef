"""Distinct values of a field within a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from rules.schema import CardinalityOptions
from rules.windows.events import Event, Key, Outcome, Windows, hashable, span


class Cardinality(Windows):
    """More distinct values than `max_cardinality`, or fewer than `min_cardinality` after a full window.

    As in ElastAlert2, old values go only at a tick or when a match is suspected, for all keys at once.
    """

    def __init__(self, options: CardinalityOptions) -> None:
        self.options = options
        self.length = span(options.timeframe)
        # Suspecting one key sweeps them all, which can judge another one's minimum.
        self.independent = options.min_cardinality is None
        self.ticking = not self.independent
        #: Key → value → when it was last seen and with which post.
        self.values: dict[Key, dict[Key, tuple[int, Any]]] = {}
        self.first: dict[Key, int] = {}

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        key = event.key
        values = self.values.setdefault(key, {})
        self.first.setdefault(key, event.at)
        value = event.fields.get(self.options.cardinality_field)
        if value is None:
            return ()
        values[hashable(value)] = (event.at, event.ref)
        if not self._suspicious(key, event.at):
            return ()
        outcomes = self._sweep(event.at)
        if self._suspicious(key, event.at):
            outcomes.append(self._match(key, event.at, event.ref))
        return outcomes

    def tick(self, at: int) -> Sequence[Outcome]:
        """Drop what is older than the window; judge every key's minimum."""
        return self._sweep(at)

    def awake(self) -> bool:
        """Whether a minimum can still be missed."""
        return self.options.min_cardinality is not None and bool(self.first)

    def idle(self, before: int) -> bool:
        """Whether every value has run out and no minimum is watched."""
        newest = max((at for values in self.values.values() for at, _ in values.values()), default=before)
        return self.options.min_cardinality is None and before - newest > self.length

    def _suspicious(self, key: Key, at: int) -> bool:
        distinct = len(self.values[key])
        maximum, minimum = self.options.max_cardinality, self.options.min_cardinality
        if maximum is not None and distinct > maximum:
            return True
        return minimum is not None and distinct < minimum and at - self.first.get(key, at) > self.length

    def _sweep(self, at: int) -> list[Outcome]:
        outcomes = []
        for key, values in self.values.items():
            for value in [value for value, (seen, _) in values.items() if at - seen > self.length]:
                del values[value]
            if self.options.min_cardinality is not None and self._suspicious(key, at):
                outcomes.append(self._match(key, at, None))
        return outcomes

    def _match(self, key: Key, at: int, post: Any) -> Outcome:
        self.first.pop(key, None)
        newest_first = sorted(self.values[key].values(), key=lambda seen: seen[0], reverse=True)
        evidence = tuple(ref for _, ref in newest_first)
        return Outcome(key, at, {"count": len(evidence)}, evidence, post)

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self).__new__(type(self))
        twin.options, twin.length = self.options, self.length
        twin.independent, twin.ticking = self.independent, self.ticking
        twin.values = {key: dict(values) for key, values in self.values.items()}
        twin.first = dict(self.first)
        return twin

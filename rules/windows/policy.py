"""A document after its release: doubts against before, and the same question asked again and again."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

from rules.schema import PolicyOptions
from rules.windows.events import Event, Outcome, Windows, span, ticks

_QUESTION = re.compile(r"[?？]|吗|呢|如何|怎么|怎样|什么时候|何时|是否|能不能|可不可以|哪里|多少")
_WORDS = re.compile(r"[\u4e00-\u9fffa-z0-9]+", re.IGNORECASE)
#: Share of common character pairs from which two questions are the same one.
_SAME = 0.6


class Policy(Windows):
    """Mentions younger than `timeframe`; each kind of finding is said once per `timeframe`."""

    independent = False

    def __init__(self, options: PolicyOptions) -> None:
        self.options = options
        self.release = ticks(options.release)
        self.length = span(options.timeframe)
        self.before = [0, 0]
        self.recent: deque[Event] = deque()
        self.rest_until: dict[str, int] = {}

    def add(self, event: Event) -> Sequence[Outcome]:
        """A mention."""
        if event.at < self.release:
            self.before[0] += 1
            self.before[1] += _is_negative(event)
            return ()
        self.recent.append(event)
        while self.recent[0].at <= event.at - self.length:
            self.recent.popleft()
        return [*self._negative(event), *self._questions(event)]

    def _negative(self, event: Event) -> list[Outcome]:
        mentions = len(self.recent)
        if mentions < self.options.min_mentions or self._rests("negative", event.at):
            return []
        share = 100 * sum(map(_is_negative, self.recent)) / mentions
        earlier = 100 * self.before[1] / self.before[0] if self.before[0] else 0.0
        if share - earlier < self.options.negative_rise:
            return []
        values = {"negative_share": round(share, 1), "negative_share_before": round(earlier, 1), "mentions": mentions}
        return [self._say("negative", event, values, [e for e in self.recent if _is_negative(e)])]

    def _questions(self, event: Event) -> list[Outcome]:
        if not _is_question(event) or self._rests("question", event.at):
            return []
        asked = [earlier for earlier in self.recent if _is_question(earlier) and _same(earlier, event)]
        if len(asked) < self.options.repeated_questions:
            return []
        return [self._say("question", event, {"question": event.fields["title"], "times": len(asked)}, asked)]

    def _rests(self, kind: str, at: int) -> bool:
        return at < self.rest_until.get(kind, at)

    def _say(self, kind: str, event: Event, values: dict[str, Any], evidence: list[Event]) -> Outcome:
        self.rest_until[kind] = event.at + self.length
        carried = {**values, "document": self.options.document, "plan": self.options.plan}
        return Outcome(event.key, event.at, carried, tuple(e.ref for e in reversed(evidence)), event.ref)

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self)(self.options)
        twin.before, twin.recent, twin.rest_until = list(self.before), self.recent.copy(), dict(self.rest_until)
        return twin


def _is_negative(event: Event) -> bool:
    return bool(event.fields.get("sentiment") == "negative")


def _is_question(event: Event) -> bool:
    return bool(_QUESTION.search(event.fields.get("title") or ""))


def _pairs(event: Event) -> set[str]:
    text = "".join(_WORDS.findall(event.fields.get("title") or ""))
    return {text[i : i + 2] for i in range(len(text) - 1)}


def _same(one: Event, other: Event) -> bool:
    """Near-equal wording: at least `_SAME` of the character pairs are common."""
    first, second = _pairs(one), _pairs(other)
    union = first | second
    return bool(union) and len(first & second) / len(union) >= _SAME

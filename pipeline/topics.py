"""The profile's topics: which of them a post is about, how surely, and by which terms.

1. A topic needs one of its terms, one of its `must` terms when it has any, and none of its exclusions.
2. A term weighs by its length; a broad one (`小区`) weighs little; each repetition adds less than the one before.
3. The learned class of the message supports the topics of that class and doubts the others.
4. A sure class no term speaks for still gives its topic, without terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.model import Score
from core.profile import Profile
from pipeline import lexicon

#: Below this a topic is not said; above it a topic is one of at most `MOST`.
THRESHOLD = 0.3
MOST = 4
_SURE_CLASS = 0.85


def _weight(term: str) -> float:
    if term in lexicon.BROAD:
        return 0.45
    return {1: 0.2, 2: 1.0, 3: 1.35}.get(len(term), 1.7)


@dataclass(frozen=True, slots=True)
class _Compiled:
    any: frozenset[str]
    must: frozenset[str]
    exclude: frozenset[str]


class Scheme:
    """The topics of a profile, ready to judge the terms found in a text."""

    def __init__(self, profile: Profile | None) -> None:
        topics = profile.topics if profile is not None else lexicon.default_topics()
        self.exclusions = tuple(
            word.casefold() for word in (profile.exclude if profile is not None else lexicon.default_exclusions())
        )
        self._topics = {
            topic.id: _Compiled(_folded(topic.any), _folded(topic.must), _folded(topic.exclude)) for topic in topics
        }
        self._bound = {topic: compiled for topic, compiled in self._topics.items() if compiled.must or compiled.exclude}
        self._excluded = frozenset(self.exclusions)
        self._speaks = _speakers(self._topics)
        self.weights = {topic.id: topic.weight for topic in topics}
        self.names = {topic.id: topic.name for topic in topics}

    @property
    def terms(self) -> set[str]:
        """Every term that must be looked for."""
        return {term for topic in self._topics.values() for term in topic.any | topic.must | topic.exclude} | set(
            self.exclusions
        )

    def judge(self, found: Mapping[str, float], class7: Mapping[str, float], government: float) -> tuple[Score, ...]:
        """Topics, best first. `class7` are probabilities by label, `government` that it is such a message at all."""
        if not found:
            return self._by_class(class7, government)
        doubt = 0.5 if government < 0.5 and not self._excluded.isdisjoint(found) else 1.0
        spoken: dict[str, list[tuple[float, str]]] = {}
        for term, count in found.items():
            for topic, weight in self._speaks.get(term, ()):
                strength = weight if count == 1.0 else weight * (1 + 0.5 * math.log2(count) if count >= 1 else 0.5)
                spoken.setdefault(topic, []).append((-strength, term))
        scores = []
        for topic, terms in spoken.items():
            strength = -sum([strength for strength, _ in terms])
            score = 1 - math.exp(-0.75 * strength * doubt * _support(topic, class7, government))
            if score >= THRESHOLD and self._allowed(topic, found):
                scores.append((-round(score, 3), topic))
        return tuple(
            [
                Score(id=topic, score=-score, terms=tuple([term for _, term in sorted(spoken[topic])[:6]]))
                for score, topic in sorted(scores)[:MOST]
            ]
        ) or self._by_class(class7, government)

    def _allowed(self, topic: str, found: Mapping[str, float]) -> bool:
        bound = self._bound.get(topic)
        return bound is None or (
            bound.exclude.isdisjoint(found) and (not bound.must or not bound.must.isdisjoint(found))
        )

    def _by_class(self, class7: Mapping[str, float], government: float) -> tuple[Score, ...]:
        if government < 0.5 or not class7:
            return ()
        label = max(class7, key=lambda key: class7[key])
        topic = lexicon.TOPIC_OF_CLASS.get(label, "")
        if class7[label] < _SURE_CLASS or topic not in self.names:
            return ()
        return (Score(id=topic, score=round(0.6 * class7[label], 3)),)


def _speakers(topics: Mapping[str, _Compiled]) -> dict[str, tuple[tuple[str, float], ...]]:
    """term → topics it speaks for and how loud; a term of several topics speaks less for each of them."""
    owners: dict[str, list[str]] = {}
    for topic, compiled in topics.items():
        for term in compiled.any:
            owners.setdefault(term, []).append(topic)
    return {term: tuple((topic, _weight(term) / math.sqrt(len(ids))) for topic in ids) for term, ids in owners.items()}


def _folded(terms: Iterable[str]) -> frozenset[str]:
    return frozenset(term.casefold() for term in terms)


def _support(topic: str, class7: Mapping[str, float], government: float) -> float:
    """1 without an opinion; up to 1.6 when the class agrees, down to 0.6 when another class is sure."""
    classes = lexicon.CLASS_OF_TOPIC.get(topic)
    if not class7 or not classes:
        return 1.0
    agreed = sum([class7.get(label, 0.0) for label in classes])
    return 1.0 + government * (0.6 * agreed - 0.4 * (1 - agreed))

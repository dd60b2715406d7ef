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
from core.profile import Profile, Topic
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
    topic: Topic
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
        self._topics = tuple(
            _Compiled(topic, _folded(topic.any), _folded(topic.must), _folded(topic.exclude)) for topic in topics
        )
        self._by_term: dict[str, list[_Compiled]] = {}
        for compiled in self._topics:
            for term in compiled.any:
                self._by_term.setdefault(term, []).append(compiled)
        self.weights = {topic.id: topic.weight for topic in topics}
        self.names = {topic.id: topic.name for topic in topics}

    @property
    def terms(self) -> set[str]:
        """Every term that must be looked for."""
        return {term for topic in self._topics for term in topic.any | topic.must | topic.exclude} | set(
            self.exclusions
        )

    def judge(self, found: Mapping[str, float], class7: Mapping[str, float], government: float) -> tuple[Score, ...]:
        """Topics, best first. `class7` are probabilities by label, `government` that it is such a message at all."""
        doubt = 0.5 if any(word in found for word in self.exclusions) and government < 0.5 else 1.0
        scores = []
        for compiled in self._candidates(found):
            terms = [term for term in found if term in compiled.any]
            strength = sum(
                self._share(term) * _weight(term) * (1 + 0.5 * math.log2(found[term])) if found[term] >= 1 else 0.3
                for term in terms
            )
            strength *= _support(compiled.topic.id, class7, government) * doubt
            score = 1 - math.exp(-0.75 * strength)
            if score >= THRESHOLD:
                scores.append(
                    Score(
                        id=compiled.topic.id,
                        score=round(score, 3),
                        terms=tuple(sorted(terms, key=_weight, reverse=True)[:6]),
                    )
                )
        scores.sort(key=lambda score: (-score.score, score.id))
        return tuple(scores[:MOST]) or self._by_class(class7, government)

    def _candidates(self, found: Mapping[str, float]) -> Iterable[_Compiled]:
        seen: dict[str, _Compiled] = {}
        for term in found:
            for compiled in self._by_term.get(term, ()):
                seen[compiled.topic.id] = compiled
        for compiled in seen.values():
            if not any(term in found for term in compiled.exclude) and (
                not compiled.must or any(term in found for term in compiled.must)
            ):
                yield compiled

    def _share(self, term: str) -> float:
        """A term of several topics speaks less for each of them."""
        return 1 / math.sqrt(len(self._by_term[term]))

    def _by_class(self, class7: Mapping[str, float], government: float) -> tuple[Score, ...]:
        if government < 0.5 or not class7:
            return ()
        label = max(class7, key=lambda key: class7[key])
        topic = lexicon.TOPIC_OF_CLASS.get(label, "")
        if class7[label] < _SURE_CLASS or topic not in self.names:
            return ()
        return (Score(id=topic, score=round(0.6 * class7[label], 3)),)


def _folded(terms: Iterable[str]) -> frozenset[str]:
    return frozenset(term.casefold() for term in terms)


def _support(topic: str, class7: Mapping[str, float], government: float) -> float:
    """1 without an opinion; up to 1.6 when the class agrees, down to 0.6 when another class is sure."""
    classes = lexicon.CLASS_OF_TOPIC.get(topic)
    if not class7 or not classes:
        return 1.0
    agreed = sum(class7.get(label, 0.0) for label in classes)
    return 1.0 + government * (0.6 * agreed - 0.4 * (1 - agreed))

"""One pass over a text finds every term of topics, flags and institutions: longest first, none inside another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import ahocorasick_rs

from core.profile import Department, Profile
from pipeline import lexicon


@dataclass(frozen=True, slots=True)
class Found:
    """What one text holds. `title_ends`: where the title stops."""

    #: term → how often; terms in the title count twice.
    topics: dict[str, float] = field(default_factory=dict)
    flags: dict[str, set[str]] = field(default_factory=dict)
    institutions: dict[str, int] = field(default_factory=dict)
    central_media: bool = False


class Terms:
    """The automaton of one profile."""

    def __init__(self, profile: Profile | None, topic_terms: Iterable[str]) -> None:
        self._topics = {term.casefold() for term in topic_terms if term}
        self._flags: dict[str, list[str]] = defaultdict(list)
        for flag, terms in lexicon.FLAGS.items():
            for term in terms.split():
                self._flags[term].append(flag)
        self._media = frozenset(lexicon.CENTRAL_MEDIA.split())
        self._institutions = {name: name for name in lexicon.INSTITUTIONS.split()}
        for unit in profile.departments if profile else ():
            self._institutions |= dict.fromkeys(_names(unit), unit.name)
        denials = set(lexicon.FLAG_DENIALS.split())
        names = (
            self._topics | self._flags.keys() | self._media | {name.casefold() for name in self._institutions} | denials
        )
        self._names = sorted(names)
        self._automaton = ahocorasick_rs.AhoCorasick(self._names, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)
        self._inner = {name: self._within(name) for name in self._names if name not in denials}

    def _within(self, name: str) -> tuple[str, ...]:
        """An institution may carry a topic's or a flag's term inside: `教育局` is also about schools. Topics do not nest."""
        if name in self._topics or name in self._flags:
            return ()
        return tuple(term for term in self._topics if term in name and len(term) * 3 >= len(name) * 2)

    def find(self, text: str, title_ends: int) -> Found:
        """All terms of a case-folded, simplified text."""
        found = Found()
        central = False
        for index, start, _end in self._automaton.find_matches_as_indexes(text):
            name = self._names[index]
            if name in self._topics:
                found.topics[name] = found.topics.get(name, 0.0) + (2.0 if start < title_ends else 1.0)
            for flag in self._flags.get(name, ()):
                found.flags.setdefault(flag, set()).add(name)
            if institution := self._institutions.get(name):
                found.institutions[institution] = found.institutions.get(institution, 0) + 1
            central = central or name in self._media
            for term in self._inner.get(name, ()):
                found.topics[term] = found.topics.get(term, 0.0) + 0.5
        return found if not central else Found(found.topics, found.flags, found.institutions, central_media=True)


def _names(unit: Department) -> Iterable[str]:
    return (name for name in (unit.name, unit.short, *unit.aliases) if len(name) >= 2)

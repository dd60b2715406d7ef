"""One pass over a text finds every term of topics, flags and institutions: longest first, none inside another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import ahocorasick_rs

from core.profile import Department, Profile
from pipeline import lexicon


@dataclass(slots=True)
class Found:
    """What one text holds."""

    #: term → how often; a mention in the title counts twice.
    topics: dict[str, float] = field(default_factory=dict)
    flags: dict[str, set[str]] = field(default_factory=dict)
    institutions: dict[str, int] = field(default_factory=dict)
    central_media: bool = False


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a term says."""

    topic: bool
    flags: tuple[str, ...]
    institution: str
    #: Topic terms it carries inside: `教育局` is also about schools.
    inner: tuple[str, ...]
    central_media: bool


class Terms:
    """The automaton of one profile."""

    def __init__(self, profile: Profile | None, topic_terms: Iterable[str]) -> None:
        topics = {term.casefold() for term in topic_terms if term}
        flags: dict[str, list[str]] = defaultdict(list)
        for flag, terms in lexicon.FLAGS.items():
            for term in terms.split():
                flags[term].append(flag)
        media = frozenset(lexicon.CENTRAL_MEDIA.split())
        institutions = {name: name for name in lexicon.INSTITUTIONS.split()}
        for unit in profile.departments if profile else ():
            institutions |= dict.fromkeys(_names(unit), unit.name)
        self._names = sorted(topics | flags.keys() | media | institutions.keys() | set(lexicon.FLAG_DENIALS.split()))
        self._meanings = [
            _Meaning(
                topic=name in topics,
                flags=tuple(flags.get(name, ())),
                institution=institutions.get(name, ""),
                inner=_inside(name, topics) if name in institutions and name not in topics else (),
                central_media=name in media,
            )
            for name in self._names
        ]
        self._automaton = ahocorasick_rs.AhoCorasick(self._names, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)

    def find(self, text: str, title_ends: int) -> Found:
        """All terms of a case-folded, simplified text."""
        found = Found()
        topics = found.topics
        for index, start, _ in self._automaton.find_matches_as_indexes(text):
            meaning, name = self._meanings[index], self._names[index]
            if meaning.topic:
                topics[name] = topics.get(name, 0.0) + (2.0 if start < title_ends else 1.0)
            for flag in meaning.flags:
                found.flags.setdefault(flag, set()).add(name)
            if meaning.institution:
                found.institutions[meaning.institution] = found.institutions.get(meaning.institution, 0) + 1
            for term in meaning.inner:
                topics[term] = topics.get(term, 0.0) + 0.5
            if meaning.central_media:
                found.central_media = True
        return found


def _inside(name: str, topics: Iterable[str]) -> tuple[str, ...]:
    return tuple(term for term in topics if term in name and len(term) * 2 >= len(name))


def _names(unit: Department) -> Iterable[str]:
    return (name.casefold() for name in (unit.name, unit.short, *unit.aliases) if len(name) >= 2)

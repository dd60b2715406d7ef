"""One pass over a batch finds every term of topics, flags and institutions: longest first, none inside another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import ahocorasick_rs

from core.profile import Department, Profile
from pipeline import lexicon

#: Looked for like a term, it tells where a title and a text end: a whole batch is one search.
_END = "\0"


@dataclass(frozen=True, slots=True)
class Found:
    """What one text holds."""

    #: term → how often; a mention in the title counts twice.
    topics: Mapping[str, float] = field(default_factory=dict)
    flags: Mapping[str, set[str]] = field(default_factory=dict)
    institutions: Mapping[str, int] = field(default_factory=dict)
    central_media: bool = False


_NOTHING = Found()


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a term says besides its topics."""

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
        others = flags.keys() | media | institutions.keys()
        self._topics = topics
        self._meanings = {
            name: _Meaning(
                flags=tuple(flags.get(name, ())),
                institution=institutions.get(name, ""),
                inner=_inside(name, topics) if name in institutions and name not in topics else (),
                central_media=name in media,
            )
            for name in others
        }
        self._automaton = ahocorasick_rs.AhoCorasick(
            [_END, *sorted(topics | others | set(lexicon.FLAG_DENIALS.split()))],
            matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
            store_patterns=True,
            implementation=ahocorasick_rs.Implementation.DFA,
        )

    def find(self, texts: Sequence[str], title_ends: Sequence[int]) -> list[Found]:
        """All terms of each case-folded, simplified text; none may hold `\\0`."""
        pieces = [
            f"{text[:end]}{_END}{text[end:]}{_END}" if end else f"{text}{_END}"
            for text, end in zip(texts, title_ends, strict=True)
        ]
        names = self._automaton.find_matches_as_strings("".join(pieces))
        found, start = [], 0
        for title_end in title_ends:
            in_title, end = [], names.index(_END, start)
            if title_end:
                in_title, start = names[start:end], end + 1
                end = names.index(_END, start)
            found.append(self._read(in_title, names[start:end]) if in_title or end > start else _NOTHING)
            start = end + 1
        return found

    def _read(self, in_title: list[str], in_text: list[str]) -> Found:
        topics: dict[str, float] = {}
        flags: dict[str, set[str]] = {}
        institutions: dict[str, int] = {}
        central_media = False
        for names, weight in ((in_title, 2.0), (in_text, 1.0)):
            for name in names:
                if name in self._topics:
                    topics[name] = topics.get(name, 0.0) + weight
                if (meaning := self._meanings.get(name)) is None:
                    continue
                for flag in meaning.flags:
                    flags.setdefault(flag, set()).add(name)
                if meaning.institution:
                    institutions[meaning.institution] = institutions.get(meaning.institution, 0) + 1
                for term in meaning.inner:
                    topics[term] = topics.get(term, 0.0) + 0.5
                central_media |= meaning.central_media
        return Found(topics, flags, institutions, central_media)


def _inside(name: str, topics: Iterable[str]) -> tuple[str, ...]:
    return tuple(term for term in topics if term in name and len(term) * 2 >= len(name))


def _names(unit: Department) -> Iterable[str]:
    return (name.casefold() for name in (unit.name, unit.short, *unit.aliases) if len(name) >= 2)

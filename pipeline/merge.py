"""Near-duplicates share a story, stories about one matter share an incident; online, with stable ids.

1. The MinHash signature of a post finds the stories that may equal it; the most similar one above a threshold takes it.
2. A new story is compared by its telling terms with the incidents still running; the most similar one above a
   threshold takes it, else it founds an incident whose id is the story's.
3. A story that fits two incidents which are alike joins them: the younger goes on in the older.
4. What changed is handed out as rows; rows other workers wrote are taken in before the next batch.

Terms are words, pairs of characters of the title (names no dictionary knows: `#芳园`) and places (`@A3区`). An
incident that was joined into another one sends its posts there.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import rensa
from numpy.typing import NDArray

from core.model import TaggedPost
from pipeline.clean import simplified, without_reposts
from pipeline.keywords import Keywords
from pipeline.rarity import usual_pairs, usual_words
from storage.stories import IncidentState, Story

PERMUTATIONS, BANDS, SEED = 128, 32, 42
#: Estimated Jaccard similarity of character 3-grams from which two posts are one story.
SAME_STORY = 0.5
#: Cosine from which a story belongs to an incident, of all terms and of the words alone.
SAME_INCIDENT, SAME_WORDS = 0.25, 0.2
#: Cosine from which two incidents one story fits are joined.
SAME_MATTER = 0.3
#: A story in another place is this much less similar.
ELSEWHERE = 0.3
#: An incident silent for so long is half as similar: the same words are then more often another matter.
FADES = timedelta(days=120)
#: Stories and incidents not seen for so long take no more posts.
STORY_RUNS, INCIDENT_RUNS = timedelta(days=30), timedelta(days=90)
#: Those of a single post only so long: nine in ten stay alone, and all of them are kept in memory.
LONE_RUNS = timedelta(days=3)
HALF_LIFE = timedelta(hours=6)
_READ = 1000
_TERMS, _CENTRE_TERMS = 40, 50
#: Below this rarity a word or a pair of characters tells nothing; a place weighs as much as a rare word.
_COMMON_WORD, _COMMON_PAIR, _PAIR_WEIGHT, _PLACE_WEIGHT = 2.0, 4.5, 1.5, 3.0
_UNKNOWN_WORD, _UNKNOWN_PAIR = 9.5, 7.0
_MARKS = ("#", "@")
#: Published message boards anonymise places this way.
_DISTRICT = re.compile(r"[A-Z]\d{1,2}(?:区|县|市)")
_NOT_A_NAME = re.compile(r"[A-Z]\d{0,2}[区县市]|西地省|[^\u4e00-\u9fa5A-Za-z0-9]+")
_NOT_LETTERS = re.compile(r"[\W_]+")

Signature = NDArray[np.uint32]
#: Odd numbers that make one of a band's parts and of its place.
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
_BAND = np.arange(BANDS, dtype=np.uint64) * np.uint64(0x85EBCA77C2B2AE63)


def signatures(texts: Sequence[str]) -> list[Signature]:
    """MinHash signatures of the texts' own words."""
    grams = []
    for text in texts:
        letters = _NOT_LETTERS.sub("", simplified(without_reposts(text)[:_READ]).lower()) or text[:_READ]
        grams.append([letters[i : i + 3] for i in range(max(1, len(letters) - 2))])
    digests = rensa.RMinHash.digests_from_token_sets(grams, num_perm=PERMUTATIONS, seed=SEED)
    return [np.array(digest, dtype=np.uint32) for digest in digests]


def similarity(left: Signature, right: Signature) -> float:
    """Estimated Jaccard similarity."""
    return int(np.count_nonzero(left == right)) / PERMUTATIONS


def heat_now(heat: float, at: datetime, now: datetime) -> float:
    """Posts weighted by age: each counts half after every `HALF_LIFE`."""
    return float(heat * 0.5 ** (max(timedelta(), now - at) / HALF_LIFE))


@dataclass(frozen=True, slots=True)
class Marks:
    """What placing a post reads of it."""

    signature: Signature
    #: Telling terms; None while a running story seems to take the post, which asks for no terms.
    terms: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows to be saved in the transaction that stores the batch."""

    stories: tuple[Story, ...]
    incidents: tuple[IncidentState, ...]


class Stories:
    """Running stories, found by bands of their signatures."""

    def __init__(self) -> None:
        self.rows: dict[str, Story] = {}
        #: Band → its story, or its stories; one table and plain numbers, for every story stands in it 32 times.
        self._bands: dict[int, str | tuple[str, ...]] = {}

    def put(self, row: Story) -> None:
        """Add a story, or its newer state."""
        if row.id not in self.rows:
            for band in _bands(row.signature):
                held = self._held(band)
                self._bands[band] = (*held, row.id) if held else row.id
        self.rows[row.id] = row

    def _held(self, band: int) -> tuple[str, ...]:
        held = self._bands.get(band, ())
        return (held,) if isinstance(held, str) else held

    def like(self, signature: Signature, at: datetime) -> Story | None:
        """The most similar running story; the oldest of equals."""
        near: set[str] = set()
        for held in filter(None, map(self._bands.get, _bands(signature.tobytes()))):
            near.update((held,) if isinstance(held, str) else held)
        best: tuple[float, str] | None = None
        for story in near:
            row = self.rows[story]
            if abs(at - row.last_seen_at) > STORY_RUNS:
                continue
            score = similarity(signature, np.frombuffer(row.signature, dtype="<u4"))
            if score >= SAME_STORY and (best is None or (-score, story) < best):
                best = (-score, story)
        return self.rows[best[1]] if best else None

    def forget(self, before: datetime, lone_before: datetime) -> None:
        """Drop stories last seen before, those nobody repeated sooner; memory stays bounded."""
        for row in [row for row in self.rows.values() if _is_over(row, before, lone_before)]:
            for band in _bands(row.signature):
                left = tuple(story for story in self._held(band) if story != row.id)
                if left:
                    self._bands[band] = left
                else:
                    del self._bands[band]
            del self.rows[row.id]


def _bands(signature: bytes) -> list[int]:
    """A number for each band; those of two bands may be equal by chance, for similarity is judged after."""
    rows = np.frombuffer(signature, "<u4").reshape(BANDS, -1)
    mixed: list[int] = (rows @ _MIX[: rows.shape[1]] ^ _BAND).tolist()
    return mixed


def _is_over(row: Story | IncidentState, before: datetime, lone_before: datetime) -> bool:
    return row.last_seen_at < (lone_before if row.size == 1 else before)


class Incidents:
    """Running incidents, found by the terms of their centres."""

    def __init__(self) -> None:
        self.rows: dict[str, IncidentState] = {}
        self._by_term: dict[str, set[str]] = defaultdict(set)
        #: Length of each centre, and of its words alone.
        self._lengths: dict[str, tuple[float, float]] = {}

    def put(self, row: IncidentState) -> None:
        """Add an incident, or its newer state."""
        old = self.rows.get(row.id)
        if old is not None and old.centre is row.centre:
            self.rows[row.id] = row
            return
        words = {term for term in row.centre if not term.startswith(_MARKS)}
        self._unlist(row.id, {term for term in old.centre if term not in words} if old else ())
        for term in words:
            self._by_term[term].add(row.id)
        self._lengths[row.id] = _length(row.centre), _length(_words(row.centre))
        self.rows[row.id] = row

    def like(self, terms: Mapping[str, float], at: datetime) -> list[IncidentState]:
        """Running incidents a story with these terms fits, the most similar first, the oldest of equals."""
        length = _length(terms)
        found = []
        marks = {term: weight for term, weight in terms.items() if term.startswith(_MARKS)}
        for incident, words in self._alike_in_words(_words(terms)).items():
            row = self.rows[incident]
            dot = words + sum(weight * row.centre.get(term, 0.0) for term, weight in marks.items())
            score = dot / (length * self._lengths[incident][0])
            if score < SAME_INCIDENT or row.merged_into or abs(at - row.last_seen_at) > INCIDENT_RUNS:
                continue
            score *= ELSEWHERE if _elsewhere(terms, row.centre) else 1.0
            score *= 0.5 ** (abs(at - row.last_seen_at) / FADES)
            if score >= SAME_INCIDENT:
                found.append((-score, row.first_seen_at, incident))
        return [self.rows[incident] for _, _, incident in sorted(found)]

    def _alike_in_words(self, words: Mapping[str, float]) -> dict[str, float]:
        """Incident → scalar product, of those alike enough in words alone.

        Words are taken by rarity. Once the rest cannot make a stranger alike, incidents that share only the rest,
        which are most, are not looked at.
        """
        dots: dict[str, float] = defaultdict(float)
        length = _length(words)
        rest, needed = length * length, (SAME_WORDS * length) ** 2
        for term in sorted(words, key=lambda term: len(self._by_term.get(term, ()))):
            weight, holders = words[term], self._by_term.get(term, set())
            for incident in holders if rest >= needed else dots.keys() & holders:
                dots[incident] += weight * self.rows[incident].centre[term]
            rest -= weight * weight
        least = SAME_WORDS * length
        return {incident: dot for incident, dot in dots.items() if dot >= least * self._lengths[incident][1]}

    def target(self, incident: str) -> str:
        """Where posts of an incident go now that officers joined some."""
        seen = {incident}
        while (row := self.rows.get(incident)) and row.merged_into and row.merged_into not in seen:
            incident = row.merged_into
            seen.add(incident)
        return incident

    def forget(self, before: datetime, lone_before: datetime) -> None:
        """Drop incidents last seen before, those of one post sooner."""
        for row in [row for row in self.rows.values() if _is_over(row, before, lone_before)]:
            self._unlist(row.id, row.centre)
            del self.rows[row.id], self._lengths[row.id]

    def _unlist(self, incident: str, terms: Iterable[str]) -> None:
        for term in terms:
            if (holders := self._by_term.get(term)) is not None:
                holders.discard(incident)
                if not holders:
                    del self._by_term[term]


def _words(terms: Mapping[str, float]) -> dict[str, float]:
    return {term: weight for term, weight in terms.items() if not term.startswith(_MARKS)}


def _elsewhere(left: Mapping[str, float], right: Mapping[str, float]) -> bool:
    """Both name places and none is the same."""
    here, there = ({term for term in terms if term.startswith("@")} for terms in (left, right))
    return bool(here) and bool(there) and here.isdisjoint(there)


def _cosine(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    return sum(weight * right[term] for term, weight in left.items() if term in right) / (
        _length(left) * _length(right)
    )


def _length(terms: Mapping[str, float]) -> float:
    return math.sqrt(sum(weight * weight for weight in terms.values())) or 1.0


class Merger:
    """Places posts into stories and incidents; what changed waits in `changes`."""

    def __init__(
        self, stories: Iterable[Story] = (), incidents: Iterable[IncidentState] = (), words: Keywords | None = None
    ) -> None:
        self._stories, self._incidents = Stories(), Incidents()
        self._words = words or Keywords()
        self._changed_stories: set[str] = set()
        self._changed_incidents: set[str] = set()
        self.learn(stories, incidents)

    def learn(self, stories: Iterable[Story], incidents: Iterable[IncidentState]) -> None:
        """Take in rows from the database: at start, and what other workers saved since."""
        for incident in incidents:
            self._incidents.put(incident)
        for story in stories:
            self._stories.put(story)

    def marks(self, batch: Sequence[TaggedPost]) -> list[Marks]:
        """What `place` reads of the posts: the costly part, which may be done while another worker places."""
        found = zip(batch, signatures([_whole(tagged) for tagged in batch]), strict=True)
        return [
            Marks(mark, None if self._stories.like(mark, tagged.post.published_at) else self.terms(tagged))
            for tagged, mark in found
        ]

    def place(self, batch: Sequence[TaggedPost], marks: Sequence[Marks] | None = None) -> list[TaggedPost]:
        """The posts with story and incident filled; a post that already has its story keeps it."""
        return [
            tagged if tagged.story else self._place(tagged, mark)
            for tagged, mark in zip(batch, marks or self.marks(batch), strict=True)
        ]

    def changes(self) -> Changes:
        """Rows changed since the last call."""
        changed = Changes(
            tuple(self._stories.rows[story] for story in sorted(self._changed_stories)),
            tuple(self._incidents.rows[incident] for incident in sorted(self._changed_incidents)),
        )
        self._changed_stories, self._changed_incidents = set(), set()
        return changed

    def forget(self, now: datetime) -> None:
        """Let go of what takes no more posts."""
        self._stories.forget(now - STORY_RUNS, now - LONE_RUNS)
        self._incidents.forget(now - INCIDENT_RUNS, now - LONE_RUNS)

    def _place(self, tagged: TaggedPost, mark: Marks) -> TaggedPost:
        story = self._stories.like(mark.signature, tagged.post.published_at)
        if story is None:
            story = self._found_story(tagged, mark)
        else:
            story = replace(
                story,
                size=story.size + 1,
                incident=self._incidents.target(story.incident),
                last_seen_at=max(story.last_seen_at, tagged.post.published_at),
            )
        self._stories.put(story)
        self._changed_stories.add(story.id)
        self._count(story.incident, tagged)
        return replace(tagged, story=story.id, incident=story.incident)

    def _found_story(self, tagged: TaggedPost, mark: Marks) -> Story:
        post = tagged.post
        terms = self.terms(tagged) if mark.terms is None else mark.terms
        incident = self._fitting(terms, post.published_at) or _new_incident(tagged)
        self._grow(incident, terms)
        return Story(
            id=post.id,
            incident=incident.id,
            title=headline(post.title, post.text),
            signature=mark.signature.astype("<u4").tobytes(),
            first_seen_at=post.published_at,
            last_seen_at=post.published_at,
        )

    def _fitting(self, terms: Mapping[str, float], at: datetime) -> IncidentState | None:
        """The incident a story belongs to, after joining those it shows to be one."""
        fitting = self._incidents.like(terms, at)
        if not fitting:
            return None
        best = fitting[0]
        for other in fitting[1:3]:
            if _cosine(best.centre, other.centre) >= SAME_MATTER:
                best = self._join(*sorted((best, other), key=lambda row: (row.first_seen_at, row.id)))
        return best

    def _join(self, older: IncidentState, younger: IncidentState) -> IncidentState:
        """The younger incident goes on in the older one."""
        at = max(older.heat_at, younger.heat_at)
        heat = heat_now(older.heat, older.heat_at, at) + heat_now(younger.heat, younger.heat_at, at)
        centre = Counter(dict(older.centre))
        centre.update(younger.centre)
        joined = replace(
            older,
            last_seen_at=max(older.last_seen_at, younger.last_seen_at),
            size=older.size + younger.size,
            sources=tuple(sorted({*older.sources, *younger.sources})),
            centre=_heaviest(centre, _CENTRE_TERMS),
            heat=heat,
            heat_at=at,
            peak=max(older.peak, younger.peak, heat),
        )
        self._incidents.put(joined)
        self._incidents.put(replace(younger, merged_into=older.id, centre={}))
        self._changed_incidents |= {older.id, younger.id}
        return joined

    def _grow(self, incident: IncidentState, terms: Mapping[str, float]) -> None:
        """Add a story's terms to the centre and keep the heaviest."""
        length = _length(terms)
        centre = defaultdict(float, incident.centre)
        for term, weight in terms.items():
            centre[term] += weight / length
        self._incidents.put(replace(incident, centre=_heaviest(centre, _CENTRE_TERMS)))

    def _count(self, incident: str, tagged: TaggedPost) -> None:
        row, post = self._incidents.rows[incident], tagged.post
        at = max(row.heat_at, post.published_at)
        heat = heat_now(row.heat, row.heat_at, at) + 0.5 ** ((at - post.published_at) / HALF_LIFE)
        self._incidents.put(
            replace(
                row,
                size=row.size + 1,
                sources=tuple(sorted({*row.sources, post.source})),
                first_seen_at=min(row.first_seen_at, post.published_at),
                last_seen_at=max(row.last_seen_at, post.published_at),
                heat=heat,
                heat_at=at,
                peak=max(row.peak, heat),
            )
        )
        self._changed_incidents.add(incident)

    def target(self, incident: str) -> str:
        """The incident whose posts these are by now; another one when the given one was joined into it."""
        return self._incidents.target(incident)

    def terms(self, tagged: TaggedPost) -> dict[str, float]:
        """What tells the matter: rare words, those of the title more; pairs of the title's characters; places."""
        post = tagged.post
        title = simplified(headline(post.title, post.text)).lower()
        text = simplified(without_reposts(post.text)[:400]).lower()
        counts = Counter(self._words.words(text))
        for word in self._words.words(title):
            counts[word] += 2
        rarity = usual_words()
        terms = {
            word: math.sqrt(count) * max(0.0, rarity.get(word, _UNKNOWN_WORD) - _COMMON_WORD)
            for word, count in counts.items()
        }
        early = _pairs(text[:200])
        for pair in _pairs(title):
            weight = _PAIR_WEIGHT * max(0.0, usual_pairs().get(pair, _UNKNOWN_PAIR) - _COMMON_PAIR)
            terms[f"#{pair}"] = weight * (1.5 if pair in early else 1.0)
        places = {
            *_DISTRICT.findall(post.title + post.text[:400]),
            *(region.rsplit("/", 1)[-1] for region in tagged.tags.regions[:2]),
        }
        terms |= dict.fromkeys((f"@{place}" for place in places), _PLACE_WEIGHT)
        return _heaviest(terms, _TERMS)


def _pairs(text: str) -> set[str]:
    """Neighbouring characters, not across punctuation and placeholders of places."""
    parts = _NOT_A_NAME.sub(" ", text.upper()).lower().split()
    return {part[start : start + 2] for part in parts for start in range(len(part) - 1)}


def _heaviest(terms: Mapping[str, float], most: int) -> dict[str, float]:
    """The heaviest terms, each string once in memory however many incidents share it."""
    heavy = sorted(
        ((term, weight) for term, weight in terms.items() if weight > 0), key=lambda item: (-item[1], item[0])
    )
    return {sys.intern(term): weight for term, weight in heavy[:most]}


def _whole(tagged: TaggedPost) -> str:
    post = tagged.post
    return post.text if not post.title or post.text.startswith(post.title) else f"{post.title}。{post.text}"


def headline(title: str, text: str) -> str:
    """The title, or the first sentence of a post that has none; at most 60 characters."""
    first = title or re.split(r"(?<=[。！？!?\n])", without_reposts(text).strip(), maxsplit=1)[0]
    return first.strip()[:60]


def _new_incident(tagged: TaggedPost) -> IncidentState:
    post = tagged.post
    return IncidentState(
        id=post.id,
        title=headline(post.title, post.text),
        first_seen_at=post.published_at,
        last_seen_at=post.published_at,
        heat_at=post.published_at,
    )

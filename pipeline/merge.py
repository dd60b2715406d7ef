"""Near-duplicates share a story, stories about one matter share an incident; online, with stable ids.

1. The MinHash signature of a post finds the stories that may equal it; the most similar one above a threshold takes it.
2. A new story is compared by its telling terms with the incidents still running; the most similar one above a
   threshold takes it, else it founds an incident whose id is the story's.
3. What changed is handed out as rows; rows other workers wrote are taken in before the next batch.

An incident an officer joined into another one sends its posts there.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import rensa
from numpy.typing import NDArray

from core.model import TaggedPost
from pipeline.clean import simplified, without_reposts
from pipeline.keywords import Keywords, usual_words
from storage.stories import IncidentState, Story

PERMUTATIONS, BANDS, SEED = 128, 32, 42
#: Estimated Jaccard similarity of character 3-grams from which two posts are one story.
SAME_STORY = 0.5
#: Cosine from which a story belongs to an incident.
SAME_INCIDENT = 0.3
#: Stories and incidents not seen for so long take no more posts.
STORY_RUNS, INCIDENT_RUNS = timedelta(days=30), timedelta(days=90)
HALF_LIFE = timedelta(hours=6)
_READ = 1000
_CENTRE_TERMS = 40
_LEAST_SHARED = 2
_UNKNOWN = 9.5
_NOT_LETTERS = re.compile(r"[\W_]+")

Signature = NDArray[np.uint32]


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
    return float(np.count_nonzero(np.equal(left, right)) / PERMUTATIONS)


def heat_now(heat: float, at: datetime, now: datetime) -> float:
    """Posts weighted by age: each counts half after every `HALF_LIFE`."""
    return heat * 0.5 ** (max(timedelta(), now - at) / HALF_LIFE)


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows to be saved in the transaction that stores the batch."""

    stories: tuple[Story, ...]
    incidents: tuple[IncidentState, ...]


class Stories:
    """Running stories, found by bands of their signatures."""

    def __init__(self) -> None:
        self.rows: dict[str, Story] = {}
        self._signatures: dict[str, Signature] = {}
        self._bands: list[dict[bytes, list[str]]] = [defaultdict(list) for _ in range(BANDS)]

    def put(self, row: Story) -> None:
        """Add a story, or its newer state."""
        if row.id not in self.rows:
            signature = np.frombuffer(row.signature, dtype="<u4")
            self._signatures[row.id] = signature
            for band, piece in zip(self._bands, _pieces(signature), strict=True):
                band[piece].append(row.id)
        self.rows[row.id] = row

    def like(self, signature: Signature, at: datetime) -> Story | None:
        """The most similar running story; the oldest of equals."""
        near = {
            story for band, piece in zip(self._bands, _pieces(signature), strict=True) for story in band.get(piece, ())
        }
        best: tuple[float, str] | None = None
        for story in near:
            if abs(at - self.rows[story].last_seen_at) > STORY_RUNS:
                continue
            score = similarity(signature, self._signatures[story])
            if score >= SAME_STORY and (best is None or (-score, story) < best):
                best = (-score, story)
        return self.rows[best[1]] if best else None

    def forget(self, before: datetime) -> None:
        """Drop stories last seen before; memory stays bounded."""
        for story in [row.id for row in self.rows.values() if row.last_seen_at < before]:
            for band, piece in zip(self._bands, _pieces(self._signatures.pop(story)), strict=True):
                band[piece].remove(story)
                if not band[piece]:
                    del band[piece]
            del self.rows[story]


def _pieces(signature: Signature) -> list[bytes]:
    raw, width = signature.tobytes(), 4 * PERMUTATIONS // BANDS
    return [raw[first : first + width] for first in range(0, len(raw), width)]


class Incidents:
    """Running incidents, found by the terms of their centres."""

    def __init__(self) -> None:
        self.rows: dict[str, IncidentState] = {}
        self._by_term: dict[str, set[str]] = defaultdict(set)

    def put(self, row: IncidentState) -> None:
        """Add an incident, or its newer state."""
        old = self.rows.get(row.id)
        for term in old.centre.keys() - row.centre.keys() if old else ():
            self._by_term[term].discard(row.id)
        for term in row.centre:
            self._by_term[term].add(row.id)
        self.rows[row.id] = row

    def like(self, terms: Mapping[str, float], at: datetime) -> IncidentState | None:
        """The running incident with the largest cosine, the oldest of equals."""
        dots: dict[str, float] = defaultdict(float)
        shared: Counter[str] = Counter()
        for term, weight in terms.items():
            for incident in self._by_term.get(term, ()):
                dots[incident] += weight * self.rows[incident].centre[term]
                shared[incident] += 1
        length = _length(terms)
        best: tuple[float, str] | None = None
        for incident, dot in dots.items():
            row = self.rows[incident]
            if shared[incident] < _LEAST_SHARED or row.merged_into or abs(at - row.last_seen_at) > INCIDENT_RUNS:
                continue
            score = dot / (length * _length(row.centre))
            if score >= SAME_INCIDENT and (best is None or (-score, incident) < best):
                best = (-score, incident)
        return self.rows[best[1]] if best else None

    def target(self, incident: str) -> str:
        """Where posts of an incident go now that officers joined some."""
        seen = {incident}
        while (row := self.rows.get(incident)) and row.merged_into and row.merged_into not in seen:
            incident = row.merged_into
            seen.add(incident)
        return incident

    def forget(self, before: datetime) -> None:
        """Drop incidents last seen before."""
        for row in [row for row in self.rows.values() if row.last_seen_at < before]:
            for term in row.centre:
                self._by_term[term].discard(row.id)
            del self.rows[row.id]


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

    def place(self, batch: Sequence[TaggedPost]) -> list[TaggedPost]:
        """The posts with story and incident filled; a post that already has its story keeps it."""
        marks = signatures([_whole(tagged) for tagged in batch])
        return [
            tagged if tagged.story else self._place(tagged, mark) for tagged, mark in zip(batch, marks, strict=True)
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
        self._stories.forget(now - STORY_RUNS)
        self._incidents.forget(now - INCIDENT_RUNS)

    def _place(self, tagged: TaggedPost, mark: Signature) -> TaggedPost:
        story = self._stories.like(mark, tagged.post.published_at)
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

    def _found_story(self, tagged: TaggedPost, mark: Signature) -> Story:
        post = tagged.post
        terms = self.terms(tagged)
        incident = self._incidents.like(terms, post.published_at)
        self._grow(incident or _new_incident(tagged), terms)
        return Story(
            id=post.id,
            incident=incident.id if incident else post.id,
            title=headline(post.title, post.text),
            signature=mark.astype("<u4").tobytes(),
            first_seen_at=post.published_at,
            last_seen_at=post.published_at,
            size=1,
        )

    def _grow(self, incident: IncidentState, terms: Mapping[str, float]) -> None:
        """Add a story's terms to the centre and keep the heaviest."""
        length = _length(terms)
        centre = defaultdict(float, incident.centre)
        for term, weight in terms.items():
            centre[term] += weight / length
        kept = sorted(centre.items(), key=lambda item: (-item[1], item[0]))[:_CENTRE_TERMS]
        self._incidents.put(replace(incident, centre=dict(kept)))

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

    def terms(self, tagged: TaggedPost) -> dict[str, float]:
        """What tells the matter: rare words, those of the title twice, the place, the topic."""
        rarity = usual_words()
        title = self._words.words(simplified(tagged.post.title).lower())
        counts = Counter(self._words.words(simplified(without_reposts(tagged.post.text)[:400]).lower()))
        for word in title:
            counts[word] += 2
        weighed = {word: math.sqrt(count) * max(0.5, rarity.get(word, _UNKNOWN) - 2) for word, count in counts.items()}
        for region in tagged.tags.regions[:2]:
            weighed[f"@{region.rsplit('/', 1)[-1]}"] = 5.0
        return dict(sorted(weighed.items(), key=lambda item: (-item[1], item[0]))[:24])


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

"""Near-duplicates share a story, stories about one matter share an incident; online, with stable ids.

1. The MinHash signature of a post finds the stories that may equal it; the most similar one above a threshold takes it.
2. A new story belongs to a running incident when it says the incident's name – the rare pairs of characters in the
   titles: an estate, a school, a road –, speaks of the same matter – words that tell one of the seven classes of
   messages from another –, and does so soon enough; the best one takes it, else it founds an incident with its id.
3. A story that fits two incidents which are alike joins them: the younger goes on in the older.
4. What changed is handed out as rows; rows other workers wrote are taken in before the next batch.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import add

import numpy as np
import rensa
import rjieba
from numpy.typing import NDArray

from core.model import TaggedPost
from pipeline.clean import simplified, without_reposts
from pipeline.rarity import matters, usual_pairs, usual_words
from pipeline.shelf import WHOLE, Found, Keys, Parts, Shelf
from storage.stories import HALF_LIFE, MESSAGE, IncidentState, Story, Weights, heat_now, joined

PERMUTATIONS, BANDS, SEED = 128, 32, 42
#: Estimated Jaccard similarity of character 3-grams from which two posts are one story.
SAME_STORY = 0.5
#: Least likeness, in name and matter together, of a story to the incident that takes it; least in each.
SAME_INCIDENT, SAME_NAME, SAME_MATTER = 0.5, 0.2, 0.18
#: So many pairs of the name a story must say: a single one may be the seam of two words, 山公 of any hill's 公园.
_LEAST_PAIRS = 2
#: In parts of the incident's name and of the story's.
_LEAST_NAME = round(2 * SAME_NAME * WHOLE)
#: The same matter counts no more than this: complaints of one kind are alike everywhere, only the name differs.
_MATTER_COUNTS = 0.4
#: The probabilities of the seven classes must have so much in common.
_SAME_CLASS = 0.17
#: Likeness of two incidents one story fits from which they are joined.
_ALIKE = 0.55
#: A story in another place is this much less like.
_ELSEWHERE = 0.3
#: The name of an incident of so many posts is what they share: pairs with this part of the commonest one's weight.
_MANY, _SHARED = 4, 0.15
#: A story must be this much more like such an incident.
_SURER = 0.02
#: An incident silent for so long is less like by one.
_FADES = timedelta(days=240)
#: Stories and incidents not seen for so long take no more posts.
STORY_RUNS, INCIDENT_RUNS = timedelta(days=30), timedelta(days=180)
#: Those of a single post only so long: nine in ten stay alone, and all of them are kept in memory.
LONE_RUNS = timedelta(days=3)
#: The incident of a single message to an office: complaints about one matter come weeks apart.
MESSAGE_RUNS = timedelta(days=30)
_READ = 1000
#: A centre keeps so many pairs and so many words.
_KEPT = 50
#: Marks pairs of names in a row.
_NAME = "#"
#: Centres of so many incidents stay read: posts of a day are compared with a few again and again.
_READ_CENTRES = 1000
#: Below this rarity a pair of characters is no name; a name of this rarity in all is a whole one.
_NAMELESS, _WHOLE_NAME = 4.5, 8.0
_UNKNOWN_WORD, _UNKNOWN_PAIR = 9.5, 7.0
#: A word of the title rarer than this that tells less of the class belongs to the name and is no matter: 江山, 湖湾.
_NAME_IS_RARE, _NAME_TELLS = 6.0, 0.65
#: Read of a text: what the matter is, and which names it says.
_READ_TERMS, _READ_NAMES = 400, 250
#: Published message boards anonymise places this way.
_DISTRICT = re.compile(r"[A-Z]\d{1,2}(?:区|县|市)")
_NOT_A_NAME = re.compile(r"[A-Z]\d{0,2}[区县市]|西地省|[^\u4e00-\u9fa5A-Za-z0-9]+")
_NOT_LETTERS = re.compile(r"[\W_]+")

Signature = NDArray[np.uint32]
#: Odd numbers that make one of a band's parts and of its place.
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
_BAND = np.arange(BANDS, dtype=np.uint64) * np.uint64(0x85EBCA77C2B2AE63)
#: One band more in common counts as much as any other, and a post brings nothing of its own.
_EVEN, _NOTHING = np.ones(BANDS, np.uint16), np.zeros(BANDS, np.uint16)


def signatures(texts: Sequence[str]) -> list[Signature]:
    """MinHash signatures of the texts' own words."""
    grams = []
    for text in texts:
        letters = _NOT_LETTERS.sub("", simplified(without_reposts(text)[:_READ]).lower()) or text[:_READ]
        grams.append([letters[i : i + 3] for i in range(max(1, len(letters) - 2))])
    digests = rensa.RMinHash.digests_from_token_sets(grams, num_perm=PERMUTATIONS, seed=SEED)
    return list(np.array(digests, dtype=np.uint32))


def _bands(signatures: Sequence[Signature]) -> list[Keys]:
    """A number for each band; those of two bands may be equal by chance, for similarity is judged after."""
    rows = np.stack(signatures).reshape(len(signatures), BANDS, -1)
    return list(((rows @ _MIX[: rows.shape[2]] ^ _BAND) >> np.uint64(32)).astype(np.uint32))


def similarity(left: Signature, right: Signature) -> float:
    """Estimated Jaccard similarity."""
    return int(np.count_nonzero(left == right)) / PERMUTATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """What the stories of an incident have in common: the sums of what each one has."""

    #: Rare pairs of the titles' characters; the whole name of a story sums up to 1.
    names: Mapping[str, float]
    #: Words of the matter; those of a story are a vector of length 1.
    matter: Mapping[str, float]
    places: frozenset[str]
    #: Probabilities of the seven classes; empty for what is no message to an office.
    classes: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What tells the incident of a story."""

    #: Rare pairs the title and the beginning of the text say, and their parts of the title's name.
    said: Sequence[str]
    own: Parts
    #: Of an incident the story would found.
    centre: Centre


@dataclass(frozen=True, slots=True)
class Marks:
    """What placing a post reads of it."""

    signature: Signature
    bands: Keys
    #: None while a running story seems to take the post, which asks for no terms.
    terms: Terms | None
    #: What was found of running stories and incidents.
    stories: Found
    incidents: Found | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows to be saved in the transaction that stores the batch."""

    stories: tuple[Story, ...]
    incidents: tuple[IncidentState, ...]


class Stories(Shelf[Story]):
    """Running stories, found by bands of their signatures."""

    def put(self, rows: Sequence[Story]) -> None:
        """Add stories, or their newer states."""
        known = [row for row in rows if self.get(row.id)]
        for row in known:
            self.replace(row)
        if fresh := [row for row in rows if not self.get(row.id)]:
            self.file(fresh, [(bands, _EVEN) for bands in _bands([_signature(row) for row in fresh])])

    def like(self, signature: Signature, bands: Keys, at: datetime, known: Found | None = None) -> Story | None:
        """The most similar running story; the oldest of equals."""
        best: tuple[float, str] | None = None
        for row, _ in self.find(bands, _NOTHING, 1, known):
            if abs(at - row.last_seen_at) > STORY_RUNS:
                continue
            score = similarity(signature, _signature(row))
            if score >= SAME_STORY and (best is None or (-score, row.id) < best):
                best = (-score, row.id)
        return self.get(best[1]) if best else None

    def forget(self, now: datetime) -> None:
        """Drop stories that take no more posts, those nobody repeated sooner; memory stays bounded."""
        self.tidy(lambda row: now - row.last_seen_at <= (STORY_RUNS if row.size > 1 else LONE_RUNS))


def _signature(row: Story) -> Signature:
    return np.frombuffer(row.signature, dtype="<u4")


class Incidents(Shelf[IncidentState]):
    """Running incidents, found by the names of their centres."""

    def put(self, rows: Sequence[IncidentState]) -> None:
        """Add incidents, or their newer states."""
        fresh = []
        for row in rows:
            old = self.get(row.id)
            if old and old.centre == row.centre and (old.size < _MANY) == (row.size < _MANY):
                self.replace(row)
            else:
                fresh.append(row)
        self.file(fresh, [_name(_shared(row)) for row in fresh])

    def like(self, terms: Terms, at: datetime, known: Found | None = None) -> list[IncidentState]:
        """Running incidents a story with these terms fits, the most like first, the oldest of equals."""
        found = []
        # How much of its name the story says, and of the story's name the incident; the mean.
        for row, both in self.find(_keys(terms.said), terms.own, _LEAST_NAME, known):
            name = both / (2 * WHOLE)
            silent = abs(at - row.last_seen_at)
            most = name + _MATTER_COUNTS - silent / _FADES
            least = SAME_INCIDENT if row.size < _MANY else SAME_INCIDENT + _SURER
            if row.merged_into or silent > INCIDENT_RUNS or most < least:
                continue
            centre = _read(row.centre)
            score = _likeness(terms.centre, centre, name) - silent / _FADES
            if score >= least and len(centre.names.keys() & terms.said) >= _LEAST_PAIRS:
                found.append((-score, row.first_seen_at, row.id, row))
        return [row for *_, row in sorted(found)]

    def target(self, incident: str) -> str:
        """Where posts of an incident go now that officers joined some."""
        seen = {incident}
        while (row := self.get(incident)) and row.merged_into and row.merged_into not in seen:
            incident = row.merged_into
            seen.add(incident)
        return incident

    def forget(self, now: datetime) -> None:
        """Drop incidents that take no more posts, those of one post sooner."""
        self.tidy(lambda row: now - row.last_seen_at <= _runs(row))


def _runs(row: IncidentState) -> timedelta:
    if row.size > 1:
        return INCIDENT_RUNS
    return MESSAGE_RUNS if MESSAGE in row.centre else LONE_RUNS


def _shared(row: IncidentState) -> Mapping[str, float]:
    """Pairs of an incident's name; of one with many posts those that several say."""
    names = row.centre.marked(_NAME)
    if row.size < _MANY:
        return names
    least = _SHARED * max(names.values(), default=0.0)
    return {pair: weight for pair, weight in names.items() if weight >= least}


def _name(names: Mapping[str, float]) -> tuple[Keys, Parts]:
    """Pairs of characters as numbers, which names' characters fit in, with their parts of the whole name."""
    scale = WHOLE / max(1.0, sum(names.values()))
    return _keys(names), np.array([round(weight * scale) for weight in names.values()], np.uint16)


def _keys(pairs: Iterable[str]) -> Keys:
    return np.frombuffer("".join(pairs).encode("utf-16-le"), "<u4")


def _alike(one: Centre, other: Centre) -> bool:
    """Two incidents have name and matter in common."""
    common = one.names.keys() & other.names.keys()
    name = (
        sum(sum(map(names.__getitem__, common)) / (sum(names.values()) or 1.0) for names in (one.names, other.names))
        / 2
    )
    matter = _product(one, other) / (_length(one.matter) * _length(other.matter))
    return min(name - SAME_NAME, matter - SAME_MATTER) >= 0 and name + min(_MATTER_COUNTS, matter) >= _ALIKE


def _likeness(story: Centre, incident: Centre, name: float) -> float:
    """Of a story to an incident with so much of the name in common; 0 where something essential differs."""
    matter = _product(story, incident) / _length(incident.matter)
    if matter < SAME_MATTER or not _one_class(story.classes, incident.classes):
        return 0.0
    elsewhere = story.places and incident.places and story.places.isdisjoint(incident.places)
    return (name + min(_MATTER_COUNTS, matter)) * (_ELSEWHERE if elsewhere else 1.0)


def _one_class(left: Mapping[str, float], right: Mapping[str, float]) -> bool:
    if not left or not right:
        return True
    one, other = sum(left.values()), sum(right.values())
    return sum(min(share / one, right.get(name, 0.0) / other) for name, share in left.items()) >= _SAME_CLASS


def _product(left: Centre, right: Centre) -> float:
    """Of two matters."""
    return sum([left.matter[word] * right.matter[word] for word in left.matter.keys() & right.matter.keys()])


def _length(words: Mapping[str, float]) -> float:
    return math.sqrt(sum(weight * weight for weight in words.values())) or 1.0


def _heaviest(terms: Mapping[str, float]) -> Mapping[str, float]:
    return dict(sorted(terms.items(), key=lambda item: (-item[1], item[0]))[:_KEPT])


def _sum(left: Centre, right: Centre) -> Centre:
    return Centre(
        names=_heaviest(_added(left.names, right.names)),
        matter=_heaviest(_added(left.matter, right.matter)),
        places=left.places | right.places,
        classes=_added(left.classes, right.classes),
    )


def _added(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    return {**left, **{term: left.get(term, 0.0) + weight for term, weight in right.items()}}


def _row(centre: Centre) -> Weights:
    """A centre as one table: `#` marks pairs of the name, `@` places, `%` classes."""
    return Weights.of(
        {
            **{f"{_NAME}{pair}": weight for pair, weight in centre.names.items()},
            **centre.matter,
            **{f"@{place}": 1.0 for place in sorted(centre.places)},
            **{f"%{name}": share for name, share in centre.classes.items()},
        }
    )


@functools.lru_cache(_READ_CENTRES)
def _read(row: Weights) -> Centre:
    """The centre of a row."""
    matter: dict[str, float] = {}
    marked: dict[str, dict[str, float]] = {_NAME: {}, "@": {}, "%": {}}
    for term, weight in row.read().items():
        if (part := marked.get(term[:1])) is None:
            matter[term] = weight
        else:
            part[term[1:]] = weight
    return Centre(names=marked[_NAME], matter=matter, places=frozenset(marked["@"]), classes=marked["%"])


class Merger:
    """Places posts into stories and incidents; what changed waits in `changes`."""

    def __init__(self, stories: Iterable[Story] = (), incidents: Iterable[IncidentState] = ()) -> None:
        self._stories, self._incidents = Stories(), Incidents()
        self._changed_stories: set[str] = set()
        self._changed_incidents: set[str] = set()
        self.learn(stories, incidents)

    def learn(self, stories: Iterable[Story], incidents: Iterable[IncidentState]) -> None:
        """Take in rows from the database: at start, and what other workers saved since."""
        self._incidents.put(tuple(incidents))
        self._stories.put(tuple(stories))

    def marks(self, batch: Sequence[TaggedPost]) -> list[Marks]:
        """What `place` reads of the posts: the costly part, which may be done while another worker places."""
        if not batch:
            return []
        self._stories.settle(len(batch))
        self._incidents.settle(len(batch))
        found = signatures([_whole(tagged) for tagged in batch])
        bands = _bands(found)
        near = self._stories.look_up([(own, _NOTHING) for own in bands], 1)
        terms = [
            None if self._stories.like(signature, own, tagged.post.published_at, known) else terms_of(tagged)
            for tagged, signature, own, known in zip(batch, found, bands, near, strict=True)
        ]
        named = iter(self._incidents.look_up([(_keys(said.said), said.own) for said in terms if said], _LEAST_NAME))
        return [
            Marks(signature, own, said, known, next(named) if said else None)
            for signature, own, said, known in zip(found, bands, terms, near, strict=True)
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
            tuple(self._stories[story] for story in sorted(self._changed_stories)),
            tuple(self._incidents[incident] for incident in sorted(self._changed_incidents)),
        )
        self._changed_stories, self._changed_incidents = set(), set()
        return changed

    def forget(self, now: datetime) -> None:
        """Let go of what takes no more posts."""
        self._stories.forget(now)
        self._incidents.forget(now)

    def _place(self, tagged: TaggedPost, mark: Marks) -> TaggedPost:
        at = tagged.post.published_at
        story = self._stories.like(mark.signature, mark.bands, at, mark.stories)
        if story is None:
            incident = self._of_new_story(tagged, mark.terms or terms_of(tagged), mark.incidents)
            story = _new_story(tagged, incident.id, mark.signature)
            self._stories.file([story], [(mark.bands, _EVEN)])
        else:
            incident = self._incidents[self._incidents.target(story.incident)]
            story = replace(story, size=story.size + 1, incident=incident.id, last_seen_at=max(story.last_seen_at, at))
            self._stories.replace(story)
        self._changed_stories.add(story.id)
        self._incidents.put([_counted(incident, tagged)])
        self._changed_incidents.add(incident.id)
        return replace(tagged, story=story.id, incident=incident.id)

    def _of_new_story(self, tagged: TaggedPost, terms: Terms, known: Found | None) -> IncidentState:
        """The incident a new story belongs to, grown by its terms, after joining those it shows to be one."""
        fitting = self._incidents.like(terms, tagged.post.published_at, known)
        if not fitting:
            return _new_incident(tagged, _row(terms.centre))
        best = fitting[0]
        for other in fitting[1:3]:
            if _alike(_read(best.centre), _read(other.centre)):
                best = self._join(*sorted((best, other), key=lambda row: (row.first_seen_at, row.id)))
        return replace(best, centre=_row(_sum(_read(best.centre), terms.centre)))

    def _join(self, older: IncidentState, younger: IncidentState) -> IncidentState:
        """The younger incident goes on in the older one."""
        both = replace(joined(older, younger), centre=_row(_sum(_read(older.centre), _read(younger.centre))))
        self._incidents.put([both, replace(younger, merged_into=older.id, centre=Weights())])
        self._changed_incidents |= {older.id, younger.id}
        return both

    def target(self, incident: str) -> str:
        """The incident whose posts these are by now; another one when the given one was joined into it."""
        return self._incidents.target(incident)


def terms_of(tagged: TaggedPost) -> Terms:
    """What tells the incident of a post that founds a story."""
    post = tagged.post
    text = simplified(without_reposts(post.text)[:_READ_TERMS]).lower()
    title = _without_placeholders(simplified(headline(post.title, post.text)))
    words = rjieba.cut(title, True)
    regions = [region.rsplit("/", 1)[-1] for region in tagged.tags.regions[:2]]
    names = _heaviest(_names(title, words))
    centre = Centre(
        names=names,
        matter=_heaviest(_matter(words, rjieba.cut(text, True), names)),
        places=frozenset((*_DISTRICT.findall(post.title + post.text[:_READ_TERMS]), *regions)),
        classes={score.id: score.score for score in tagged.tags.class7},
    )
    said = {*_pairs(title), *_pairs(_without_placeholders(text[:_READ_NAMES]))} - _nameless()
    others = said - names.keys()
    own = np.concatenate((_name(names)[1], np.zeros(len(others), np.uint16)))
    return Terms(said=(*names, *others), own=own, centre=centre)


def _without_placeholders(text: str) -> str:
    """Stretches of letters, a space between, without placeholders of places."""
    return _NOT_A_NAME.sub(" ", text.upper()).lower()


def _pairs(text: str) -> Iterable[str]:
    return map(add, text, text[1:])


@functools.cache
def _nameless() -> frozenset[str]:
    """Pairs that are part of no name."""
    return frozenset(pair for pair, rarity in usual_pairs().items() if rarity <= _NAMELESS)


def _names(title: str, words: Iterable[str]) -> dict[str, float]:
    """Pairs with their part of a name; a pair is as rare as the rarest word it touches, at most."""
    usual, pairs = usual_words(), usual_pairs()
    rarities: list[float] = []
    for word in words:
        rarity = usual.get(word, _UNKNOWN_WORD) if len(word) > 1 else 0.0
        rarities += [rarity] * len(word)
    found: dict[str, float] = {}
    for pair, left, right in zip(_pairs(title), rarities, rarities[1:], strict=False):
        rarity = min(pairs.get(pair, _UNKNOWN_PAIR), max(left, right))
        if rarity > _NAMELESS and " " not in pair:
            found[pair] = max(found.get(pair, 0.0), rarity - _NAMELESS)
    whole = max(_WHOLE_NAME, sum(found.values()))
    return {pair: weight / whole for pair, weight in found.items()}


def _matter(title: Iterable[str], text: Iterable[str], names: Mapping[str, float]) -> dict[str, float]:
    """Words that tell the matter and not the name, those of the title thrice; a vector of length 1."""
    telling = matters()
    counts = Counter(filter(telling.__contains__, text))
    for word in filter(telling.__contains__, title):
        counts[word] += 2
    weights = {word: math.sqrt(count) * telling[word] for word, count in counts.items() if not _of_name(word, names)}
    length = _length(weights)
    return {word: weight / length for word, weight in weights.items()}


def _of_name(word: str, names: Mapping[str, float]) -> bool:
    """A word that tells a matter belongs to the name just as well, and would count twice."""
    return (
        any(pair in names for pair in _pairs(word))
        and matters()[word] < _NAME_TELLS
        and usual_words().get(word, _UNKNOWN_WORD) > _NAME_IS_RARE
    )


def _whole(tagged: TaggedPost) -> str:
    post = tagged.post
    return post.text if not post.title or post.text.startswith(post.title) else f"{post.title}。{post.text}"


def headline(title: str, text: str) -> str:
    """The title, or the first sentence of a post that has none; at most 60 characters."""
    first = title or re.split(r"(?<=[。！？!?\n])", without_reposts(text).strip(), maxsplit=1)[0]
    return first.strip()[:60]


def _new_story(tagged: TaggedPost, incident: str, signature: Signature) -> Story:
    post = tagged.post
    return Story(
        id=post.id,
        incident=incident,
        title=headline(post.title, post.text),
        signature=signature.astype("<u4").tobytes(),
        first_seen_at=post.published_at,
        last_seen_at=post.published_at,
    )


def _new_incident(tagged: TaggedPost, centre: Weights) -> IncidentState:
    post = tagged.post
    return IncidentState(
        id=post.id,
        title=headline(post.title, post.text),
        first_seen_at=post.published_at,
        last_seen_at=post.published_at,
        centre=centre,
        heat_at=post.published_at,
    )


def _counted(row: IncidentState, tagged: TaggedPost) -> IncidentState:
    """The incident with one post more."""
    post = tagged.post
    at = max(row.heat_at, post.published_at)
    heat = heat_now(row.heat, row.heat_at, at) + 0.5 ** ((at - post.published_at) / HALF_LIFE)
    return replace(
        row,
        size=row.size + 1,
        sources=row.sources if post.source in row.sources else tuple(sorted({*row.sources, post.source})),
        first_seen_at=min(row.first_seen_at, post.published_at),
        last_seen_at=max(row.last_seen_at, post.published_at),
        heat=heat,
        heat_at=at,
        peak=max(row.peak, heat),
    )

"""Tags: everything Caifeng understands of a post, as a pure function of its text and the models.

1. The analysis form: title and text, simplified, cut to what the models read.
2. The heads read the whole batch at once.
3. Terms, places, keywords; the sums of topics and risk.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.model import Engagement, Mood, Post, Score, Sentiment, Tags
from core.profile import Profile
from pipeline import heads, lexicon, risk
from pipeline.clean import simplified
from pipeline.keywords import Keywords
from pipeline.places import Places
from pipeline.terms import Found, Terms
from pipeline.topics import Scheme

#: Analysed of a post: its head and tail.
_HEAD, _TAIL = 1600, 400
#: The winner's probability under which the models doubt (the tenth least sure; see the card).
_SURE_MOOD, _SURE_CLASS = 0.55, 0.69
_MOODS = (Mood.NEGATIVE, Mood.NEUTRAL, Mood.POSITIVE)

#: A post as the models read it, without `\0`, and where its title ends.
_Form = tuple[str, int]
_Value = TypeVar("_Value", Score, Sentiment, Tags)
MoodReader = Callable[[Sequence[str]], NDArray[np.float32]]


def _form(title: str, text: str) -> _Form:
    if title and text.startswith(title):
        title = ""
    text = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    return simplified(f"{title}。{text}" if title else text).replace("\0", " "), len(title)


class Tagger:
    """Tags posts for one profile; without one: the default topics and the national places."""

    def __init__(
        self, profile: Profile | None = None, media_tiers: Mapping[str, str] | None = None, sentiment: str = "linear"
    ) -> None:
        self._heads = heads.load()
        self._media_tiers = dict(media_tiers or {})
        self._scheme = Scheme(profile)
        self._terms = Terms(profile, self._scheme.terms)
        self._places = Places(profile)
        self._keywords = Keywords(_own_words(profile))
        self._moods = _mood_reader(sentiment)
        self.version = self._heads.version if self._moods is None else f"{self._heads.version}+{sentiment}"

    def tag(self, posts: Sequence[Post]) -> list[Tags]:
        """Tags of each post, in order."""
        forms = [_form(post.title, post.text) for post in posts]
        tiers = [self._media_tiers.get(post.source, "") for post in posts]
        return self._tags(forms, tiers, [post.engagement for post in posts])

    def tag_texts(self, texts: Sequence[tuple[str, str]]) -> list[Tags]:
        """Tags of (title, text) pairs that are no stored posts."""
        return self._tags([_form(title, text) for title, text in texts], [""] * len(texts), [Engagement()] * len(texts))

    def _tags(self, forms: Sequence[_Form], tiers: Sequence[str], engagements: Sequence[Engagement]) -> list[Tags]:
        """Stage by stage over the whole batch: each stage's tables stay in the processor's cache."""
        if not forms:
            return []
        texts, title_ends = zip(*forms, strict=True)
        folded = [text.lower() for text in texts]
        learned = self._heads.read(texts)
        moods = learned.moods if self._moods is None else self._moods(texts)
        doubtless = (moods.max(axis=1) >= _SURE_MOOD) & (
            (learned.government < 0.5) | (learned.classes.max(axis=1) >= _SURE_CLASS)
        )
        sentiments, class7 = _sentiments(moods), _classes(learned)
        found = self._terms.find(folded, title_ends)
        topics = [
            self._scheme.judge(terms.topics, {score.id: score.score for score in classes}, government)
            if terms.topics or classes
            else ()
            for terms, classes, government in zip(found, class7, learned.government.tolist(), strict=True)
        ]
        flags = [_flags(terms, tier) for terms, tier in zip(found, tiers, strict=True)]
        risks = [
            risk.assess(*row, self._scheme.weights, self._scheme.names)
            for row in zip(sentiments, flags, topics, engagements, strict=True)
        ]
        return _values(
            Tags,
            topics=topics,
            class7=class7,
            sentiment=sentiments,
            regions=self._places.find(texts),
            institutions=[_most_named(terms.institutions) if terms.institutions else () for terms in found],
            flags=flags,
            keywords=[self._keywords.find(text) for text in folded],
            risk=[points for points, _ in risks],
            risk_reasons=[reasons for _, reasons in risks],
            confident=doubtless.tolist(),
            model_version=[self.version] * len(texts),
        )


def _values(kind: type[_Value], **columns: Sequence[object]) -> list[_Value]:
    """Values of a frozen class from the columns of all its fields: one by one, `__init__` takes three times as long."""
    fields = [field.name for field in dataclasses.fields(kind)]
    values = [object.__new__(kind) for _ in columns[fields[0]]]
    for field in fields:
        put = getattr(kind, field).__set__
        collections.deque(itertools.starmap(put, zip(values, columns[field], strict=True)), maxlen=0)
    return values


def _classes(learned: heads.Reading) -> list[tuple[Score, ...]]:
    """The classes of what may be a matter of government, best first."""
    rows = np.flatnonzero(learned.government >= heads.GATE)
    chances = learned.classes[rows].astype(float).round(4)
    order = np.argsort(-chances, axis=1, kind="stable")
    scores = _values(
        Score,
        id=np.array(heads.CLASSES, object)[order].ravel().tolist(),
        score=chances[np.arange(len(rows))[:, None], order].ravel().tolist(),
        terms=[()] * order.size,
    )
    found: list[tuple[Score, ...]] = [()] * len(learned.government)
    for number, row in enumerate(rows.tolist()):
        found[row] = tuple(scores[len(heads.CLASSES) * number : len(heads.CLASSES) * (number + 1)])
    return found


def _most_named(institutions: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(institutions, key=institutions.__getitem__, reverse=True)[:6])


def _sentiments(moods: NDArray[np.float32]) -> list[Sentiment]:
    negative, neutral, positive = moods.T.astype(float).round(4).tolist()
    labels = [_MOODS[best] for best in moods.argmax(axis=1).tolist()]
    return _values(Sentiment, label=labels, negative=negative, neutral=neutral, positive=positive)


def _flags(found: Found, tier: str) -> tuple[str, ...]:
    if not found.flags and not tier and not found.central_media:
        return ()
    flags = [flag for flag, terms in found.flags.items() if len(terms) >= lexicon.FLAG_NEEDS.get(flag, 1)]
    if tier == "central" or found.central_media:
        flags.append("media_central")
    elif tier == "provincial":
        flags.append("media_provincial")
    return tuple(flag for flag in lexicon.FLAG_NAMES if flag in flags)


def _own_words(profile: Profile | None) -> list[str]:
    if profile is None:
        return []
    places = [name for region in profile.regions for name in (region.name, *region.aliases)]
    units = [name for unit in profile.departments for name in (unit.short, *unit.aliases)]
    return places + units


def _mood_reader(sentiment: str) -> MoodReader | None:
    """None: the learned head. Raises ValueError for a name that is neither."""
    if sentiment == "linear":
        return None
    if sentiment == "snownlp":
        from pipeline.snow import moods

        return moods
    raise ValueError(f"sentiment {sentiment!r}: write linear or snownlp")

"""Tags: everything Caifeng understands of a post, as a pure function of its text and the models.

1. The analysis form: title and text, simplified, cut to what the models read.
2. The heads read the whole batch at once.
3. Terms, places, keywords; the sums of topics and risk.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

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
#: Below this the gate says: no matter of government.
_GATE = 0.02
#: The winner's probability under which the models doubt (the tenth least sure; see the card).
_SURE_MOOD, _SURE_CLASS = 0.55, 0.65
_MOODS = (Mood.NEGATIVE, Mood.NEUTRAL, Mood.POSITIVE)

#: A post as the models read it, without `\0`, and where its title ends.
_Form = tuple[str, int]
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
        rows = zip(
            tiers,
            engagements,
            doubtless.tolist(),
            _sentiments(moods),
            learned.classes.astype(float).round(4).tolist(),
            learned.government.tolist(),
            self._terms.find(folded, title_ends),
            self._places.find(texts),
            [self._keywords.find(text) for text in folded],
            strict=True,
        )
        return [self._one(*row) for row in rows]

    def _one(
        self,
        tier: str,
        engagement: Engagement,
        confident: bool,
        sentiment: Sentiment,
        classes: list[float],
        government: float,
        found: Found,
        regions: tuple[str, ...],
        keywords: tuple[str, ...],
    ) -> Tags:
        class7 = dict(zip(heads.CLASSES, classes, strict=True)) if government >= _GATE else {}
        topics = self._scheme.judge(found.topics, class7, government) if found.topics or class7 else ()
        flags = _flags(found, tier)
        points, reasons = risk.assess(sentiment, flags, topics, self._scheme.weights, self._scheme.names, engagement)
        return Tags(
            topics=topics,
            class7=_scores(class7) if class7 else (),
            sentiment=sentiment,
            regions=regions,
            institutions=_most_named(found.institutions) if found.institutions else (),
            flags=flags,
            keywords=keywords,
            risk=points,
            risk_reasons=reasons,
            confident=confident,
            model_version=self.version,
        )


def _scores(class7: Mapping[str, float]) -> tuple[Score, ...]:
    return tuple([_score(label, class7[label]) for label in sorted(class7, key=class7.__getitem__, reverse=True)])


@functools.lru_cache(1024)
def _score(label: str, score: float) -> Score:
    """Most classes of a message are faint, and many just as faint as in another message."""
    return Score(id=label, score=score)


def _most_named(institutions: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(institutions, key=institutions.__getitem__, reverse=True)[:6])


def _sentiments(moods: NDArray[np.float32]) -> list[Sentiment]:
    best = moods.argmax(axis=1).tolist()
    return [
        Sentiment(label=_MOODS[label], negative=negative, neutral=neutral, positive=positive)
        for label, (negative, neutral, positive) in zip(best, moods.astype(float).round(4).tolist(), strict=True)
    ]


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

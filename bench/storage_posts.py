"""Synthetic posts: words of jieba's dictionary by their own frequency, 300 stock phrases, thirty busy days."""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jieba
import numpy

from core.model import Engagement, Mood, Post, Precision, Score, Sentiment, TaggedPost, Tags

END = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = 30

_KINDS = ("news", "government", "forum", "board", "hotline", "microblog", "wechat", "video")
_FLAGS = ("casualty", "collective", "rumor_suspect", "call_for_help", "policy_related")


class Town:
    """Draws posts; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self.luck = random.Random(seed)
        self.dice = numpy.random.default_rng(seed)
        rows = [line.split() for line in Path(jieba.__file__).with_name("dict.txt").read_text("utf-8").splitlines()]
        self.words = [row[0] for row in rows]
        self.weights = numpy.cumsum([float(row[1]) for row in rows])
        self.phrases = ["".join(self.drawn(3)) for _ in range(300)]
        self.phrase_weights = list(itertools.accumulate(1 / rank for rank in range(1, 301)))
        self.keywords = self.words[:20000]
        self.topics = [f"topic{number}" for number in range(20)]
        self.regions = [f"青禾省/安泰市/临河县/镇{town}/村{town}{village}" for town in range(8) for village in range(5)]

    def posts(self, count: int, *, first: int = 0) -> Iterator[TaggedPost]:
        """Posts in the order they are crawled: mostly by time, one in twenty up to two days late."""
        for number in range(first, first + count):
            yield self.post(number, (number - first) / count)

    def post(self, number: int, progress: float) -> TaggedPost:
        """One post at a share of the thirty days; evenings are busier."""
        luck = self.luck
        day, hour = divmod(progress * DAYS * 24, 24)
        seen = END - timedelta(days=DAYS) + timedelta(days=day, hours=hour + 4 * math.sin(hour / 24 * 2 * math.pi))
        at = seen - timedelta(seconds=luck.expovariate(1 / 900) if luck.random() < 0.95 else luck.uniform(0, 172800))
        text = self.text(luck.randint(40, 230))
        mood = luck.choices(list(Mood), (3, 5, 2))[0]
        key = hashlib.sha256(f"bench{number}".encode()).hexdigest()
        place = luck.choice(self.regions)
        return TaggedPost(
            post=Post(
                id=f"{seen:%Y%m}-{key[:24]}",
                source=f"source{luck.randrange(12)}",
                kind=luck.choice(_KINDS),
                url=f"https://example.org/t/{number}",
                title=text[: luck.randint(8, 24)],
                text=text,
                language="zh-Hans",
                published_at=at.replace(microsecond=0),
                precision=Precision.SECOND,
                first_seen_at=seen.replace(microsecond=0),
                author_hash=key[24:48],
                author_label="石**禾",
                engagement=Engagement(views=luck.randrange(5000), comments=luck.randrange(50)),
                content_hash=key[:32],
            ),
            tags=Tags(
                topics=tuple(
                    Score(id=topic, score=0.8) for topic in luck.sample(self.topics, luck.choice((0, 1, 1, 2)))
                ),
                class7=(Score(id="劳动和社会保障", score=0.7),),
                sentiment=Sentiment(label=mood, negative=0.5, neutral=0.3, positive=0.2),
                regions=(place,),
                institutions=(),
                flags=tuple(luck.sample(_FLAGS, luck.choice((0, 0, 0, 1)))),
                keywords=tuple(dict.fromkeys(luck.choices(self.keywords, k=5))),
                risk=luck.randrange(101),
                risk_reasons=("情感负面 +20", "危害标记 collective +25"),
                confident=True,
                model_version="2026.11",
            ),
            story=f"{seen:%Y%m}-{key[:24]}" if luck.random() < 0.8 else f"{seen:%Y%m}-story{number // 50}",
            incident=f"{seen:%Y%m}-incident{number // 30}",
        )

    def text(self, words: int) -> str:
        """Words with commas, and one stock phrase."""
        parts = self.drawn(words)
        parts[self.luck.randrange(words)] = self.luck.choices(self.phrases, cum_weights=self.phrase_weights)[0]
        return "".join(f"{word}，" if place % 9 == 8 else word for place, word in enumerate(parts))

    def drawn(self, count: int) -> list[str]:
        """Words by their frequency."""
        places = numpy.searchsorted(self.weights, self.dice.random(count) * self.weights[-1], side="right")
        return [self.words[place] for place in places.tolist()]

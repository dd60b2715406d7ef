"""The suggested level: 0–100 points with their reasons, and floors no arithmetic goes below. A person decides.

No norm gives a number (../shared/domain.md §0.3); the weights are our own proposal, the same as §4 of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.model import Mood, TaggedPost
from core.profile import Level, Profile

#: Points a part can give.
MEDIA, SPREAD, NEGATIVE, HARM, TOPIC = 30, 25, 10, 25, 10
_MEDIA_POINTS = {"media_central": 30, "media_provincial": 20}
#: Local newsrooms and government sites; below the provincial tier.
_PRESS_KINDS = frozenset({"news", "government"})
_LOCAL_PRESS_POINTS = 10
_HARM_POINTS = {
    "casualty": 25,
    "collective": 15,
    "minor_involved": 10,
    "call_for_help": 8,
    "rumor_suspect": 5,
}
FLAG_NAMES: Mapping[str, str] = {
    "casualty": "伤亡或就医",
    "collective": "聚集",
    "minor_involved": "未成年人",
    "call_for_help": "求助",
    "rumor_suspect": "疑似谣言",
    "media_central": "中央媒体",
    "media_provincial": "省级媒体",
    "policy_related": "涉政策",
}
#: Standard deviations above the baseline that give all points of the spread.
FULL_SPREAD = 6.0
#: A level never suggested below this rank, by flag; `instruction` is a leader's 批示.
_FLOORS = {"casualty": 2, "media_central": 2, "media_provincial": 3, "collective": 3, "instruction": 3}
_FLOOR_WORDS = {**FLAG_NAMES, "instruction": "领导批示"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Posts of the last period against what is usual for one."""

    current: float
    usual: float
    #: What was compared, in Chinese.
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is known of a matter when its level is suggested."""

    flags: frozenset[str]
    #: A newsroom or government site carries it.
    press: bool
    spread: Spread
    negative: int
    posts: int
    topic: str
    instructed: bool = False
    #: Level a rule asks for at least.
    severity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One addend of the score; `of` 0 marks a floor."""

    part: str
    points: int
    of: int
    why: str

    def as_row(self) -> dict[str, Any]:
        """The form kept at the alert."""
        return {"part": self.part, "points": self.points, "of": self.of, "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A level for a person to decide on."""

    score: int
    level: str
    #: Addends, then the floors that hold.
    parts: tuple[Part, ...]


def suggest(picture: Picture, profile: Profile) -> Suggestion:
    """Add up the five parts, find the level of the sum, then lift it to the floors."""
    parts = [_media(picture), _spread(picture), _negative(picture), _harm(picture), _topic(picture, profile)]
    score = sum(part.points for part in parts)
    reached = _level_of(score, profile)
    floors = _floors(picture, profile)
    level = min([reached, *(floor for floor, _ in floors)], key=lambda level: level.rank)
    return Suggestion(score=score, level=level.id, parts=(*parts, *(part for _, part in floors)))


def picture(
    posts: Sequence[TaggedPost],
    values: Mapping[str, Any],
    *,
    topic: str,
    now: datetime,
    flags: frozenset[str] = frozenset(),
    severity: str | None = None,
    instructed: bool = False,
) -> Picture:
    """Put together what posts and a finding's counts say; `flags` are those known from before."""
    return Picture(
        flags=flags | {flag for tagged in posts for flag in tagged.tags.flags},
        press=any(tagged.post.kind in _PRESS_KINDS for tagged in posts),
        spread=spread(posts, values, now),
        negative=sum(tagged.tags.sentiment.label is Mood.NEGATIVE for tagged in posts),
        posts=len(posts),
        topic=topic,
        severity=severity,
        instructed=instructed,
    )


def spread(posts: Sequence[TaggedPost], values: Mapping[str, Any], now: datetime) -> Spread:
    """The finding's own comparison when it has one, else the last hour against the twelve before it."""
    if isinstance(values.get("baseline"), int | float) and isinstance(values.get("count"), int | float):
        return Spread(
            current=float(values["count"]),
            usual=float(values["baseline"]),
            words=f"{values['count']} 帖，同期均值 {values['baseline']:g} 帖",
        )
    if isinstance(values.get("spike_count"), int | float):
        reference = float(values.get("reference_count") or 0)
        return Spread(
            current=float(values["spike_count"]),
            usual=reference,
            words=f"本期 {values['spike_count']:g} 帖，前期 {reference:g} 帖",
        )
    hour = sum(now - timedelta(hours=1) < tagged.post.published_at <= now for tagged in posts)
    before = sum(now - timedelta(hours=13) < tagged.post.published_at <= now - timedelta(hours=1) for tagged in posts)
    return Spread(
        current=hour, usual=before / 12, words=f"近 1 小时 {hour} 帖，此前 12 小时均每小时 {before / 12:.1f} 帖"
    )


def deviations(found: Spread) -> float:
    """How many standard deviations above the usual; counts scatter as their root does (Poisson)."""
    return (found.current - found.usual) / math.sqrt(max(found.usual, 1.0))


def _media(picture: Picture) -> Part:
    for flag, points in _MEDIA_POINTS.items():
        if flag in picture.flags:
            return Part(part="媒体层级", points=points, of=MEDIA, why=f"{FLAG_NAMES[flag]}已报道")
    if picture.press:
        return Part(part="媒体层级", points=_LOCAL_PRESS_POINTS, of=MEDIA, why="本地媒体或政府网站已刊载")
    return Part(part="媒体层级", points=0, of=MEDIA, why="未见媒体报道")


def _spread(picture: Picture) -> Part:
    above = deviations(picture.spread)
    points = round(SPREAD * min(max(above, 0.0) / FULL_SPREAD, 1.0))
    return Part(part="传播强度", points=points, of=SPREAD, why=f"{picture.spread.words}，高出 {above:.1f} 个标准差")


def _negative(picture: Picture) -> Part:
    share = picture.negative / picture.posts if picture.posts else 0.0
    why = f"{picture.negative} / {picture.posts} 帖为负面" if picture.posts else "无可判读的帖文"
    return Part(part="负面占比", points=round(NEGATIVE * share), of=NEGATIVE, why=why)


def _harm(picture: Picture) -> Part:
    found = [flag for flag in _HARM_POINTS if flag in picture.flags]
    points = min(sum(_HARM_POINTS[flag] for flag in found), HARM)
    return Part(
        part="危害标记", points=points, of=HARM, why="、".join(FLAG_NAMES[flag] for flag in found) or "没有危害标记"
    )


def _topic(picture: Picture, profile: Profile) -> Part:
    topic = profile.topic(picture.topic)
    if topic is None:
        return Part(part="话题权重", points=0, of=TOPIC, why="未识别话题")
    return Part(part="话题权重", points=min(topic.weight, TOPIC), of=TOPIC, why=topic.name)


def _level_of(score: int, profile: Profile) -> Level:
    by_gravity = sorted(profile.levels, key=lambda level: level.rank)
    return next((level for level in by_gravity if score >= level.score), by_gravity[-1])


def _floors(picture: Picture, profile: Profile) -> list[tuple[Level, Part]]:
    """Levels the suggestion may not fall below, gravest first."""
    marks = {*picture.flags, *(["instruction"] if picture.instructed else [])}
    floors = []
    for mark, wanted in _FLOORS.items():
        if mark in marks:
            level = _at_least(wanted, profile)
            floors.append((level, _floor(f"含“{_FLOOR_WORDS[mark]}”，不低于{_name(level)}")))
    asked = profile.level(picture.severity or "")
    if asked is not None:
        floors.append((asked, _floor(f"规则规定不低于{_name(asked)}")))
    return sorted(floors, key=lambda floor: floor[0].rank)


def _at_least(rank: int, profile: Profile) -> Level:
    """The level of that rank, or the next graver one a profile with fewer levels has."""
    graver = [level for level in profile.levels if level.rank <= rank]
    return max(graver, key=lambda level: level.rank) if graver else min(profile.levels, key=lambda level: level.rank)


def _floor(why: str) -> Part:
    return Part(part="下限", points=0, of=0, why=why)


def _name(level: Level) -> str:
    return f"{level.id} 级（{level.name}）"

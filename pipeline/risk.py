"""How much a post deserves a person's eye, 0–100, as a sum whose every addend is said in Chinese.

Shares follow the level suggestion of the domain notes: media 30, harm 25, spread 25, mood 10, topic 10; the figures are ours and
the profile's topic weights and the rules stand above them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.model import Engagement, Score, Sentiment
from pipeline.lexicon import FLAG_NAMES

_FLAG_POINTS = {
    "casualty": 25,
    "collective": 18,
    "media_central": 30,
    "media_provincial": 20,
    "call_for_help": 8,
    "minor_involved": 7,
    "rumor_suspect": 6,
    "policy_related": 3,
}
_HARM_MOST = 40


def _spread(engagement: Engagement) -> int:
    """Up to 25 points; ten times the shares and comments add eight."""
    reach = (
        3 * (engagement.shares or 0)
        + 2 * (engagement.comments or 0)
        + (engagement.likes or 0)
        + (engagement.views or 0) / 50
    )
    return min(25, round(8 * math.log10(1 + reach / 10))) if reach else 0


def _harm(flags: Sequence[str]) -> list[tuple[str, int]]:
    """Media by their tier; all other flags together up to `_HARM_MOST`, the worst first."""
    reasons = []
    left = _HARM_MOST
    for flag in sorted(flags, key=lambda flag: -_FLAG_POINTS.get(flag, 0)):
        points = _FLAG_POINTS.get(flag, 0)
        if flag.startswith("media"):
            reasons.append((f"媒体层级 {FLAG_NAMES[flag]}", points))
        else:
            points = min(points, left)
            left -= points
            reasons.append((f"危害标记 {FLAG_NAMES.get(flag, flag)}", points))
    return reasons


def assess(
    sentiment: Sentiment,
    flags: Sequence[str],
    topics: Sequence[Score],
    engagement: Engagement,
    weights: dict[str, int],
    names: dict[str, str],
) -> tuple[int, tuple[str, ...]]:
    """Points and reasons; `weights` and `names` are by topic id."""
    reasons = _harm(flags) if flags else []
    if sentiment.negative > 0.3:
        reasons.append(("负面情感", round(20 * (sentiment.negative - 0.3) / 0.7)))
    if topics:
        heaviest, points = topics[0], 0.0
        for topic in topics:
            weight = topic.score * weights.get(topic.id, 5)
            if weight > points:
                heaviest, points = topic, weight
        reasons.append((f"话题 {names.get(heaviest.id, heaviest.id)}", round(1.5 * points)))
    if spread := _spread(engagement):
        reasons.append(("传播量", spread))
    if not reasons:
        return 0, ()
    total, said = 0, []
    for reason, points in reasons:
        if points > 0:
            total += points
            said.append(f"{reason} +{points}")
    return min(100, total), tuple(said)

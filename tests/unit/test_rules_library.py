"""The library: enough rules, each with a reason, tests that pass, and a level."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from caifeng import profile
from rules.checking import faults
from rules.schema import Rule

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
LIBRARY = profile.library()
TOPICS = [
    "epidemic",
    "health",
    "finance",
    "wages",
    "environment",
    "food_drug",
    "education",
    "safety",
    "security",
    "social_security",
    "elderly",
    "rural",
    "service",
    "policy",
    "emergency",
    "land",
    "housing",
    "urban",
    "transport",
    "utilities",
    "cadre",
]


def test_there_are_at_least_forty_rules_with_ids_of_their_own() -> None:
    assert len({rule.id for rule in LIBRARY}) == len(LIBRARY) >= 40


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_is_watched(topic: str) -> None:
    assert any(f"topic:{topic}" in rule.query for rule in LIBRARY)


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.id)
def test_every_rule_says_why_and_passes_its_own_tests(rule: Rule) -> None:
    assert rule.title
    assert rule.why
    assert rule.severity in {"I", "II", "III", "IV"}
    assert rule.tests
    assert faults(rule, NOON) == []

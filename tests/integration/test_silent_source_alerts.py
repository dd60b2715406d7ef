"""A source that falls silent by its own rhythm reaches the rule that raises the alert, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caifeng.facts import RowFacts
from core.model import Finding
from crawlers import history, states
from crawlers.models import SourceState
from rules.reasons import reason
from rules.runner import Runner
from rules.schema import parse
from rules.windows.facts import silent
from storage.sqlite import SqliteStore
from tests.fixtures.collect import a_source

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
RULE = parse({"id": "silent", "type": "silent_source", "realert": 0})


@pytest.fixture
def facts(tmp_path: Path) -> RowFacts:
    """Of a source that had something new every hour for three weeks, until noon."""
    rhythm = history.History(until=NOON - 21 * 24 * HOUR)
    rhythm = history.observe(rhythm, new_at=[NOON - back * HOUR for back in range(1, 21 * 24 + 1)], now=NOON)
    states.ensure([a_source()], NOON)
    SourceState.objects.update(last_ok_at=NOON + 24 * HOUR, last_new_at=NOON, history=rhythm.as_json())
    return RowFacts(SqliteStore(tmp_path / "posts.sqlite3"), lambda: [a_source()])


def test_a_silence_is_a_finding_once(facts: RowFacts) -> None:
    told: list[Finding] = []
    runner = Runner([RULE], facts=facts)

    for minute in (0, 2, 4):
        runner.step(NOON + 8 * HOUR + timedelta(minutes=minute), lambda finding, rule: told.append(finding))

    assert [finding.key for finding in told] == ["news"]


def test_a_silence_is_told_by_the_sources_name(facts: RowFacts) -> None:
    now = NOON + 8 * HOUR

    (outcome,) = silent(RULE.options, facts.silences(now), now)  # type: ignore[arg-type]  # options of any type

    assert reason(RULE, outcome).startswith("县政府网已 8 小时没有新内容")


def test_a_usual_gap_is_none(facts: RowFacts) -> None:
    now = NOON + 2 * HOUR

    assert silent(RULE.options, facts.silences(now), now) == []  # type: ignore[arg-type]  # options of any type

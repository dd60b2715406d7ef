"""Chinese by rules: rises, falls, none, from zero, first and empty weeks; unknown is never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from briefings import drafting, periods
from briefings.compose import phrases
from briefings.document import Document, from_json, text_lines
from briefings.facts import Facts
from briefings.figures import Figure, Ground, Kind, Operation, derived
from core.errors import ConfigError
from core.legible import legible
from core.model import TaggedPost
from storage.sqlite import SqliteStore
from tests.fixtures import brief_week as week
from tests.fixtures.console_client import county


def facts(now: int, before: int, *, comparable: bool = True) -> Facts:
    """A total and the one before."""
    counts = {key: count(key, value) for key, value in (("total", now), ("total.before", before))}
    moved = derived("total.change", "", Operation.CHANGE, tuple(counts.values()))
    return Facts(
        profile=county(),
        period=periods.week(week.WEEK, week.NOW),
        now=week.NOW,
        figures={**counts, "total.change": moved},
        comparable=comparable,
    )


def count(key: str, value: int) -> Figure:
    """A count of posts."""
    return Figure(key=key, label=key, value=value, text=f"{value:,}", ground=Ground(kind=Kind.POSTS))


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (110, 100, "环比增加10.0%"),
        (90, 100, "环比下降10.0%"),
        (100, 100, "与上周持平"),
        (10001, 10000, "与上周基本持平"),
        (5, 0, "上周为0条"),
        (0, 0, "上周同样没有"),
        (0, 40, "环比下降100.0%"),
    ],
)
def test_change_is_said_in_words(now: int, before: int, words: str) -> None:
    found = facts(now, before)

    assert said(found, phrases.change(found, "total")) == words


def test_first_week_compares_with_nothing() -> None:
    found = facts(7, 0, comparable=False)

    assert said(found, phrases.change(found, "total")) == "首期监测，暂无可比数据"


def said(found: Facts, runs: phrases.Runs) -> str:
    """Runs as plain text."""
    return "".join(run if isinstance(run, str) else found.figures[run.key].text for run in runs)


def weekly(store: SqliteStore) -> Document:
    """The weekly of a store."""
    return from_json(drafting.draft("weekly", week.WEEK, profile=county(), store=store, now=week.NOW).body)


@pytest.mark.django_db
def test_empty_week_says_so_and_invents_nothing(tmp_path: Path) -> None:
    text = "\n".join(text_lines(weekly(SqliteStore(tmp_path / "p.sqlite3"))))

    assert "未监测到涉我县帖文" in text
    assert "请同时核对信源运行情况" in text
    assert "期内没有形成热点事件" in text
    assert "%" not in text


@pytest.mark.django_db
def test_week_without_due_deadlines_has_no_rate(tmp_path: Path) -> None:
    text = "\n".join(text_lines(weekly(SqliteStore(tmp_path / "p.sqlite3"))))

    assert "期内没有到期的办理时限" in text


@pytest.mark.django_db
def test_running_week_is_compared_with_the_same_part_of_the_last(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "p.sqlite3")
    moments = (
        week.MONDAY + timedelta(hours=1),
        week.MONDAY + timedelta(days=7, hours=1),
        week.MONDAY + timedelta(days=3),
    )
    store.upsert([a_post(at, moment) for at, moment in enumerate(moments)])

    briefing = drafting.draft("weekly", "current", profile=county(), store=store, now=week.NOW)

    figures = from_json(briefing.body).figures
    assert (figures["total"].value, briefing.ref) == (1, "weekly-2026-W47")
    assert "与上周同期持平" in "\n".join(text_lines(from_json(briefing.body)))


def a_post(number: int, at: object) -> TaggedPost:
    """A post of a moment."""
    import random

    return week.a_post(number, at, random.Random(number))  # type: ignore[arg-type]  # a moment


@pytest.mark.parametrize("name", ["2026-W54", "2026-47", "next", "2027-W01", ""])
def test_wrong_week_is_refused_in_words(name: str) -> None:
    with pytest.raises(ConfigError):
        periods.week(name, week.NOW)


def test_legible_drops_what_cannot_be_seen_and_keeps_the_rest() -> None:
    assert legible("a\x00b\x0bc\u202ed\n\te￿😀👨\u200d👩𠮷") == "ab cd e😀👨\u200d👩𠮷"


KINDS: Mapping[str, str] = {"flash": "关于第", "follow_up": "关于第", "special": "关于路灯", "circular": "关于11月"}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["flash", "follow_up", "special", "circular", "daily", "monthly", "handover"])
def test_every_kind_is_composed_from_a_week(kind: str, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "p.sqlite3")
    store.upsert(list(week.posts(90)))
    week.incidents()
    number = week.alerts(8, county())[5].number
    subjects = {
        "flash": number,
        "follow_up": number,
        "special": "incident-3",
        "circular": "2026-11",
        "daily": "2026-11-10",
    }
    subject = {**subjects, "monthly": "2026-11", "handover": "current"}[kind]

    document = from_json(drafting.draft(kind, subject, profile=county(), store=store, now=week.NOW).body)

    assert document.title.startswith(KINDS.get(kind, ""))
    assert set(document.used()) <= set(document.figures)
    assert replace(document, figures={}).blocks


@pytest.mark.django_db
def test_unverified_is_written_as_unverified(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "p.sqlite3")
    number = week.alerts(1, county())[0].number

    document = from_json(drafting.draft("flash", number, profile=county(), store=store, now=week.NOW).body)

    text = "\n".join(text_lines(document))
    assert "真实情况待核" in text
    assert "内容真实性以核查为准" in text

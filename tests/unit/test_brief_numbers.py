"""Every number of a briefing equals one counted independently from the rows, and counts the same again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import statistics
from alerts.models import Alert
from briefings import document as documents
from briefings import drafting, periods, trace
from briefings.document import Document
from briefings.figures import Figure, Ground, Kind, Operation, derived
from core.clock import SHANGHAI
from core.model import TaggedPost
from storage.models import Incident
from storage.sqlite import SqliteStore
from tests.fixtures import brief_week as week
from tests.fixtures.console_client import county

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[tuple[SqliteStore, list[TaggedPost], Document]]:
    """A store with a week, the posts as they were written, and the briefing."""
    store, posts = SqliteStore(tmp_path / "posts.sqlite3"), list(week.posts(600))
    store.upsert(posts)
    week.incidents()
    week.alerts(60, county())
    briefing = drafting.draft("weekly", week.WEEK, profile=county(), store=store, now=week.NOW)
    yield store, posts, documents.from_json(briefing.body)
    store.close()


def in_week(posts: list[TaggedPost]) -> list[TaggedPost]:
    """Posts of the week, by their own times and not by any query."""
    days = [post.post.published_at.astimezone(SHANGHAI).date().isoformat() for post in posts]
    return [post for post, day in zip(posts, days, strict=True) if "2026-11-09" <= day <= "2026-11-15"]


def independent(key: str, posts: list[TaggedPost]) -> int | None:
    """Count by hand what a key of a count of posts means; None for keys of another sort."""
    mine = in_week(posts)
    match key.split("."):
        case ["total"]:
            return len(mine)
        case ["total", "before"]:
            return len(posts) - len(mine)
        case ["mood", mood]:
            return sum(post.tags.sentiment.label == mood for post in mine)
        case ["kind", kind]:
            return sum(post.post.kind == kind for post in mine)
        case ["topic", topic]:
            return sum(topic in {score.id for score in post.tags.topics} for post in mine)
        case ["day", day, mood]:
            of_day = [p for p in mine if f"{p.post.published_at.astimezone(SHANGHAI):%Y-%m-%d}" == day]
            return sum(post.tags.sentiment.label == mood for post in of_day)
    return None


def test_counts_of_posts_equal_counting_by_hand(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    _, posts, document = rows

    found = {key: figure.value for key, figure in document.figures.items() if independent(key, posts) is not None}

    assert len(found) >= 35
    assert found == {key: independent(key, posts) for key in found}


def test_every_number_counts_the_same_again(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    store, _, document = rows

    again = {
        key: trace.recount(document.figures, figure, store=store, now=week.NOW)
        for key, figure in document.figures.items()
    }

    assert again == {key: figure.value for key, figure in document.figures.items()}


def test_counts_of_alerts_equal_those_of_the_statistics(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    figures, period = rows[2].figures, periods.week(week.WEEK, week.NOW)
    flow = statistics.flow(period.start, period.end)
    rate = statistics.on_time(statistics.judged(period.start, period.end))

    names = ("detected", "dismissed", "dispatched", "responded", "closed", "left")
    assert {name: figures[f"flow.{name}"].value for name in names} == {name: getattr(flow, name) for name in names}
    assert (figures["flow.on_time"].value, figures["flow.judged"].value) == (rate.part, rate.whole)


def test_rates_of_units_equal_those_of_the_statistics(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    figures, period = rows[2].figures, periods.week(week.WEEK, week.NOW)
    by_unit = {row.unit: row.on_time for row in statistics.by_unit(period.start, period.end)}

    found = {unit: figures[f"unit.{unit}.rate"].value for unit in by_unit}

    expected = {unit: None if rate.share is None else 100 * rate.share for unit, rate in by_unit.items()}
    assert found == {unit: value if value is None else pytest.approx(value) for unit, value in expected.items()}


def test_places_count_a_post_of_two_villages_once(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    _, posts, document = rows
    figure = document.figures["place.1"]
    town = figure.label.removeprefix("涉").removesuffix("帖文数")

    by_hand = sum(any(town in path.split("/") for path in post.tags.regions) for post in in_week(posts))

    assert figure.value == by_hand


def test_incidents_that_became_one_are_one_hotspot(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    store, posts, _ = rows
    Incident.objects.filter(id="incident-1").update(merged_into="incident-0")

    again = drafting.draft("weekly", week.WEEK, profile=county(), store=store, now=week.NOW)

    figures = documents.from_json(again.body).figures
    assert figures["incident.1.total"].value == sum(
        post.incident in ("incident-0", "incident-1") for post in in_week(posts)
    )
    assert 'incident:"incident-1"' in figures["incident.1.total"].ground.query


def test_number_leads_to_the_rows_behind_it(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    store, posts, document = rows

    found = trace.trace(document, "mood.negative", store=store, now=week.NOW, limit=1000)

    negative = {post.post.id for post in in_week(posts) if post.tags.sentiment.label == "negative"}
    assert ({row.id for row in found.rows}, found.agrees) == (negative, True)


def test_trace_says_when_rows_came_later(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    store, _, document = rows
    store.upsert([next(week.posts(1, seed=3))])
    Alert.objects.all().update(detected_at=week.NOW)

    found = trace.trace(document, "flow.detected", store=store, now=week.NOW)

    assert (found.agrees, found.now_value, found.figure.value) == (False, 0, 60)


def test_every_shown_number_is_a_figure(rows: tuple[SqliteStore, list[TaggedPost], Document]) -> None:
    document = rows[2]

    loose = [
        run for run in document.paragraphs() if run.key == "overview.mood" for run in run.runs if isinstance(run, str)
    ]

    assert not any(sign.isdigit() for words in loose for sign in words)


@given(part=st.integers(0, 10**7), whole=st.integers(0, 10**7))
def test_share_is_unknown_only_without_a_whole(part: int, whole: int) -> None:
    share = derived("x", "", Operation.SHARE, (a_count("a", part), a_count("b", whole)))

    assert share.value == (None if whole == 0 else pytest.approx(100 * part / whole))
    assert (share.text == "—") == (whole == 0)


def a_count(key: str, value: int) -> Figure:
    """A count of posts."""
    return Figure(key=key, label=key, value=value, text=f"{value:,}", ground=Ground(kind=Kind.POSTS, query=""))

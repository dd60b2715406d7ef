"""The demo's town tells the same story in every process, and its pages hold it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from caifeng.demo.chronicle import posts
from caifeng.demo.town import Town

BEGAN = datetime(2026, 11, 20, 4, tzinfo=UTC)


def test_what_was_published_never_changes_as_time_goes_on() -> None:
    early = posts(BEGAN, BEGAN + timedelta(minutes=5))
    late = posts(BEGAN, BEGAN + timedelta(hours=2))

    assert [post for post in late if post.at <= BEGAN + timedelta(minutes=5)] == early


def test_a_matter_brews_within_the_first_half_minute() -> None:
    fresh = [post for post in posts(BEGAN, BEGAN + timedelta(seconds=30)) if post.at >= BEGAN]

    assert sum("石澜镇中心小学" in post.title + post.text for post in fresh) >= 4


def test_there_is_a_week_to_speak_of() -> None:
    history = [post for post in posts(BEGAN, BEGAN) if post.at < BEGAN]

    assert len(history) > 100
    assert min(post.at for post in history) == BEGAN - timedelta(days=6)


@pytest.fixture
def town() -> Iterator[Town]:
    server = Town(0, BEGAN, clock=lambda: BEGAN + timedelta(minutes=2))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "path", ["/", "/news/", "/forum/", "/board/", "/feed.xml", "/hotline/export.json", "/robots.txt"]
)
def test_every_site_answers(town: Town, path: str) -> None:
    assert httpx.get(town.address + path).status_code == 200


def test_an_index_leads_to_its_articles(town: Town) -> None:
    newest = town.published("forum")[0]

    page = httpx.get(f"{town.address}/forum/{newest.number}.html").text

    assert newest.title in httpx.get(f"{town.address}/forum/").text
    assert newest.text in page


def test_the_export_holds_the_hotlines_tickets(town: Town) -> None:
    rows = json.loads(httpx.get(f"{town.address}/hotline/export.json").text)["rows"]

    assert [row["ticket"] for row in rows] == [f"CC{post.number}" for post in town.published("hotline")[:20]]


def test_an_unknown_page_is_not_found(town: Town) -> None:
    assert httpx.get(f"{town.address}/forum/1.html").status_code == 404

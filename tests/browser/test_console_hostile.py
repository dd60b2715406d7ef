"""What hostile people post is shown and never run: every payload through title, text, author, source, note and more."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter, Site
from tests.fixtures.console_hostile import PAYLOADS

pytestmark = pytest.mark.browser
SEED = "hostile"

#: Signs that a text became code or markup: our own hit, a foreign script, an event handler, an inline style or frame.
DAMAGE = """() => ({
  ran: window.__hit || 0,
  scripts: [...document.scripts].filter(script => !script.src.startsWith(location.origin + "/static/")).length,
  handlers: [...document.querySelectorAll("*")].filter(element => element.getAttributeNames()
      .some(name => name.startsWith("on") || name === "style" || name === "srcdoc" || name.startsWith("hx-on"))).length,
  frames: document.querySelectorAll("iframe, object, embed, base, math, marquee, plaintext, meta[http-equiv]").length,
  main: document.querySelectorAll("main").length,
  foot: document.querySelectorAll("#help").length,
})"""
SOUND = {"ran": 0, "scripts": 0, "handlers": 0, "frames": 0, "main": 1, "foot": 1}


def visit(page: Page, site: Site, path: str, heard: list[str]) -> dict[str, int]:
    """Open a page and look for damage."""
    page.goto(site.url + path)
    found: dict[str, int] = page.evaluate(DAMAGE)
    return found


def test_there_are_at_least_150_payloads() -> None:
    assert len(set(PAYLOADS)) >= 150


def test_no_payload_runs_or_breaks_a_page(enter: Enter, site: Site) -> None:
    page = enter("admin")
    heard: list[str] = []
    page.on("dialog", lambda dialog: heard.append(dialog.message) or dialog.dismiss())  # type: ignore[func-returns-value]  # both are wanted
    page.on("console", lambda said: heard.append(said.text) if "Content Security Policy" in said.text else None)
    pages = -(-len(PAYLOADS) // 50)
    paths = ["/", "/wall/", "/handover/", "/receipts/", "/trends/", "/posts/?q=停水"]
    paths += [f"/audit/?page={number}" for number in range(1, 2 * pages + 1)]
    paths += [f"/incidents/?page={number}" for number in range(1, -(-len(PAYLOADS) // 30) + 1)]
    paths += [f"/alerts/2026-{number:04d}/" for number in range(1, len(PAYLOADS), 9)]
    paths += [f"/incidents/xss-{number}/" for number in range(1, len(PAYLOADS), 23)]

    damage = {path: visit(page, site, path, heard) for path in paths}

    wall = {**SOUND, "foot": 0}
    assert {path: found for path, found in damage.items() if found != (wall if path == "/wall/" else SOUND)} == {}
    assert heard == []


def test_every_payload_stands_in_the_feed_as_text(enter: Enter, site: Site) -> None:
    page = enter("shenzhihe")
    while page.locator(".more").count():
        loaded = page.locator(".row").count()
        page.locator(".more").scroll_into_view_if_needed()
        expect(page.locator(".row")).not_to_have_count(loaded)

    assert page.locator(".row").count() == len(PAYLOADS)
    assert page.evaluate(DAMAGE) == SOUND


def test_every_post_found_is_text(enter: Enter, site: Site) -> None:
    page = enter("shenzhihe")
    page.goto(f"{site.url}/posts/?q=停水")
    shown = page.locator("article.post").count()
    while page.locator(".pager a").count():
        assert page.evaluate(DAMAGE) == SOUND
        page.goto(f"{site.url}/posts/{page.locator('.pager a').get_attribute('href')}")
        shown += page.locator("article.post").count()

    assert shown == len(PAYLOADS)
    assert page.evaluate(DAMAGE) == SOUND


def test_a_hostile_search_is_shown_as_it_was_typed(enter: Enter, site: Site) -> None:
    page = enter("shenzhihe")

    for payload in PAYLOADS[::11]:
        page.goto(f"{site.url}/posts/?q={quote(payload.encode('utf-8', 'replace'))}")
        assert page.evaluate(DAMAGE) == SOUND
        kept = "".join(letter for letter in payload if letter not in "\0\r\n")  # a text field keeps no line break
        assert page.input_value("#q").split() == kept.split()

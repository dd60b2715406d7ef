"""A weekly from its draft to its publication in a real browser, and the looks of its page on the way."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter, Site
from tests.browser.test_console_screens import LOOKS, errors_of, violations

pytestmark = pytest.mark.browser


@pytest.fixture
def draft(enter: Enter) -> Page:
    """This week's issue, composed (again) by the duty lead."""
    page = enter("guhuaiqing", "/briefings/")
    page.click("button:has-text('本周周报')")
    page.locator(".sheet").wait_for()
    return page


@pytest.mark.parametrize("look", LOOKS)
def test_the_sheet_its_numbers_and_its_editing_have_no_violation(
    look: str, draft: Page, enter: Enter, site: Site
) -> None:
    page = enter("guhuaiqing", **LOOKS[look])
    heard, found = errors_of(page), {}
    for asked in ("", "?figure=total", "?edit=overview.mood"):
        page.goto(draft.url.partition("?")[0] + asked)
        found[asked] = violations(page)
        found[f"{asked} sideways"] = page.evaluate("document.documentElement.scrollWidth > innerWidth") or []

    assert {asked: said for asked, said in found.items() if said} == {}
    assert heard == []


def test_a_clicked_number_shows_what_stands_behind_it(draft: Page) -> None:
    number = draft.locator(".sheet a.num").first
    words = number.text_content() or ""

    number.click()

    expect(draft.locator("#ground .big-number b")).to_have_text(words)
    expect(draft.locator("#ground")).to_contain_text("现在重算一致")
    expect(draft.locator(".sheet a.num-on").first).to_have_text(words)


def test_a_weekly_goes_from_draft_to_publication(draft: Page, enter: Enter) -> None:
    draft.locator(".edit-par").first.click()
    text = draft.locator("#par-text")
    text.fill(f"{text.input_value()}请各单位注意。")
    draft.click("#editing button:has-text('保存')")
    expect(draft.locator(".sheet .edited")).to_contain_text("请各单位注意。")

    for label in ("送审", "审核通过"):
        draft.click(f".brief-acts button:has-text('{label}')")
        expect(draft.locator(".said")).to_contain_text(f"已{label}")
    leader = enter("leader", urlsplit(draft.url).path)
    leader.click(".brief-acts button:has-text('签发')")
    expect(leader.locator(".said")).to_contain_text("已签发")
    draft.reload()
    draft.click(".brief-acts button:has-text('发布')")

    expect(draft.locator(".brief-side")).to_contain_text("校验值")
    with draft.expect_download() as coming:
        draft.click(".brief-acts a:has-text('PDF')")
    assert coming.value.path().read_bytes().startswith(b"%PDF-")

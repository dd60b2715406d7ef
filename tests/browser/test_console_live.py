"""The live line: every tab hears everything, a lost line is seen and heard, and the list never jumps."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter, Site, Stir

pytestmark = pytest.mark.browser

#: Keeps every event a tab gets, and stands in for the browser's notifications.
LISTEN = """
window.__got = [];
document.addEventListener("caifeng:alert", (event) => window.__got.push(event.detail.id));
window.__notes = [];
window.Notification = class { constructor(title, options) { window.__notes.push([title, options]); } };
window.Notification.permission = "granted";
window.Notification.requestPermission = async () => "granted";
"""


def listening(page: Page) -> Page:
    """A page that keeps what it hears from now on."""
    page.add_init_script(LISTEN)
    page.reload()
    expect(page.locator("[data-line]")).to_have_text("已连接", timeout=20000)
    return page


def heard(page: Page, event: int) -> None:
    """Wait until the tab got the event."""
    page.wait_for_function("id => window.__got.includes(id)", arg=event, timeout=20000)


def test_news_is_counted_and_never_moves_the_list(enter: Enter, stir: Stir) -> None:
    page = listening(enter())
    before = page.locator(".row h3").all_text_contents()

    event, _ = stir.do("open 望禾乡新到的告警")
    heard(page, event)

    expect(page.locator("[data-pending]")).to_contain_text("新到 1 条，未插入列表")
    assert page.locator(".row h3").all_text_contents() == before
    page.keyboard.press("v")
    expect(page.locator(".row h3:has-text('望禾乡新到的告警')")).to_have_count(1)


def test_a_hidden_tab_receives_and_counts_in_its_title(enter: Enter, stir: Stir) -> None:
    page = listening(enter())
    other = page.context.new_page()
    other.bring_to_front()
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")

    events = [stir.do(f"open 后台标签页第 {at} 条")[0] for at in range(3)]

    for event in events:
        heard(page, event)
    assert page.title().startswith("(3) ")


def test_what_the_page_shows_already_is_not_heard_again(enter: Enter, stir: Stir) -> None:
    shown, _ = stir.do("open 开页之前的告警")
    page = listening(enter())

    event, _ = stir.do("open 开页之后的告警")
    heard(page, event)

    assert page.locator(".row h3:has-text('开页之前的告警')").count() == 1
    assert shown not in page.evaluate("window.__got")


def test_twelve_tabs_of_one_browser_all_hear_over_one_connection(enter: Enter, site: Site, stir: Stir) -> None:
    first = enter()
    first.context.add_init_script(LISTEN)
    tabs = [first, *(first.context.new_page() for _ in range(11))]
    for tab in tabs:
        tab.goto(site.url)
    for tab in tabs:
        expect(tab.locator("[data-line]")).to_have_text("已连接", timeout=30000)

    events = [stir.do(f"note 2026-0001 第 {at} 条")[0] for at in range(3)]

    for tab in tabs:
        for event in events:
            heard(tab, event)


def test_a_restarted_server_loses_nothing_and_repeats_nothing(enter: Enter, site: Site, stir: Stir) -> None:
    page = listening(enter())
    first, _ = stir.do("note 2026-0002 停机前")
    heard(page, first)

    site.stop()
    while_away = [stir.do(f"note 2026-0002 停机中 {at}")[0] for at in range(3)]
    site.start()

    for event in while_away:
        heard(page, event)
    got = page.evaluate("window.__got")
    assert got == sorted(set(got))
    assert set(while_away) <= set(got)


def test_a_lost_line_is_shown_and_sounds_after_twenty_seconds(enter: Enter, site: Site) -> None:
    page = listening(enter())
    page.click("[data-stand]")
    expect(page.locator("[data-sound]")).to_have_text("开")
    before = page.evaluate("window.__beeps")

    site.stop()
    expect(page.locator("#line")).to_have_class("line line-off", timeout=30000)
    expect(page.locator("#banner")).to_contain_text("数据中断，正在重连", timeout=10000)
    page.wait_for_function("before => window.__beeps > before", arg=before, timeout=40000)
    site.start()

    expect(page.locator("[data-line]")).to_have_text("已连接", timeout=30000)


def test_a_new_alert_sounds_once_whatever_the_number_of_tabs(enter: Enter, site: Site, stir: Stir) -> None:
    page = listening(enter())
    second = page.context.new_page()
    second.add_init_script(LISTEN)
    second.goto(site.url)
    for tab in (page, second):
        tab.bring_to_front()
        tab.click("[data-stand]")
        expect(tab.locator("[data-sound]")).to_have_text("开")
    before = sum(tab.evaluate("window.__beeps") for tab in (page, second))

    event, _ = stir.do("open 只响一次的告警")
    for tab in (page, second):
        heard(tab, event)
    page.wait_for_timeout(1500)

    assert sum(tab.evaluate("window.__beeps") for tab in (page, second)) == before + 1
    assert sum(len(tab.evaluate("window.__notes")) for tab in (page, second)) == 1


def test_mute_is_silent_and_says_how_long(enter: Enter, stir: Stir) -> None:
    page = listening(enter())
    page.click("[data-stand]")
    page.keyboard.press("m")
    expect(page.locator("[data-sound]")).to_have_text("已静音，剩 15分")
    before = page.evaluate("window.__beeps")

    event, _ = stir.do("open 静音时的告警")
    heard(page, event)
    page.wait_for_timeout(1000)

    assert page.evaluate("window.__beeps") == before


def test_a_department_hears_only_of_its_own(enter: Enter, stir: Stir) -> None:
    own, foreign = "2026-0002", "2026-0001"  # 县市场监管局 leads the first
    page = listening(enter("market"))

    other, _ = stir.do(f"note {foreign} 与本单位无关")
    event, _ = stir.do(f"note {own} 与本单位有关")
    heard(page, event)

    assert other not in page.evaluate("window.__got")


def test_without_https_the_page_says_that_notifications_cannot_be(enter: Enter) -> None:
    page = enter()
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    page.reload()

    expect(page.locator("[data-notify]")).to_have_text("不可用：非 HTTPS")

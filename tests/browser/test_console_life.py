"""The whole life of an alert in a real browser, by mouse and by keyboard."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter, Site, number_of, state_of

pytestmark = pytest.mark.browser


def pick(page: Page, title: str) -> None:
    """Select a row by the mouse."""
    page.click(f".row:has-text('{title}')")
    expect(page.locator("#peek h2")).to_contain_text(title)


def walk_to(page: Page, title: str) -> None:
    """Select a row by the keyboard alone."""
    for _ in range(40):
        if title in (page.locator(".row-sel h3").text_content() or ""):
            break
        page.keyboard.press("j")
    expect(page.locator("#peek h2")).to_contain_text(title)


def test_an_alert_lives_its_whole_life_by_mouse(enter: Enter, site: Site) -> None:
    page, title = enter("guhuaiqing"), "网传采北路路面塌陷"
    number = number_of(site, title)
    pick(page, title)

    page.click("#peek button:has-text('确认定级')")
    page.check("#act-form input[value=II]")
    page.fill("#act-form textarea", "多人目击")
    page.click("#act-form button:has-text('确认定级')")
    expect(page.locator("#peek .id .tag")).to_have_text("待指派")
    assert state_of(site, number) == "assessed"

    page.click("#peek .acts button:has-text('指派')")
    page.select_option("#act-form select[name=lead]", "market_regulation")
    page.check("#act-form input[name=co][value=transport_bureau]")
    page.click("#act-form button:has-text('指派')")
    expect(page.locator("#peek .id .tag")).to_have_text("待签收")

    department = enter("market")
    pick(department, title)
    department.click("#peek button:has-text('签收')")
    expect(department.locator("#peek .id .tag")).to_have_text("已签收")
    department.click("#peek button:has-text('核查初报')")
    department.fill("#act-form textarea", "现场已围挡，无人员受伤。")
    department.click("#act-form button:has-text('核查初报')")
    expect(department.locator("#peek .id .tag")).to_have_text("处置中")

    page.goto(f"{site.url}/alerts/{number}/")
    page.click(".more-acts button:has-text('会商')")
    page.fill("#act-form textarea[name=nature]", "道路塌陷，原因待查")
    page.click("#act-form button:has-text('会商')")
    expect(page.locator(".three")).to_contain_text("道路塌陷")
    page.click(".more-acts button:has-text('拟写口径')")
    page.fill("#act-form textarea", "塌陷处已围挡，〔伤亡情况 待核〕。")
    page.click("#act-form button:has-text('拟写口径')")
    expect(page.locator(".todo")).to_have_text("〔伤亡情况 待核〕")
    expect(page.locator("#why-respond")).to_contain_text("1 处待核")
    page.click(".more-acts button:has-text('拟写口径')")
    page.fill("#act-form textarea", "塌陷处已围挡，无人员受伤。")
    page.click("#act-form button:has-text('拟写口径')")
    expect(page.locator("section:has(#h-co)")).to_contain_text("口径第 2 稿")
    page.click(".more-acts button:has-text('核定口径')")
    expect(page.locator("#course")).to_contain_text("核定口径")
    page.click(".more-acts button:has-text('批示')")
    page.fill("#act-form input[name=leader]", "分管副县长")
    page.fill("#act-form textarea", "抓紧修复。")
    page.click("#act-form button:has-text('批示')")
    expect(page.locator("section:has(#h-ps)")).to_contain_text("抓紧修复。")
    for label in ("快报", "催办"):
        page.click(f".more-acts button:has-text('{label}')")
        page.fill("#act-form textarea", "已知悉。")
        page.click(f"#act-form button:has-text('{label}')")
        expect(page.locator("#course")).to_contain_text(label)
    page.click(".actbar button:has-text('回应')")
    page.fill("#act-form textarea", "塌陷处已围挡，预计明日修复。")
    page.fill("#act-form input[name=channel]", "政务新媒体")
    page.click("#act-form button:has-text('回应')")
    expect(page.locator(".attrs .tag").first).to_have_text("已回应")
    page.click(".more-acts button:has-text('核查报告'), .actbar button:has-text('核查报告')")
    page.fill("#act-form textarea", "雨水冲刷所致。")
    page.click("#act-form button:has-text('核查报告')")
    expect(page.locator("#course")).to_contain_text("雨水冲刷所致")
    page.click(".actbar button:has-text('办结')")
    page.click("#act-form button:has-text('办结')")
    expect(page.locator(".attrs .tag").first).to_have_text("已办结")

    assert state_of(site, number) == "closed"
    expect(page.locator("#course")).to_contain_text("记录链校验通过")


@pytest.mark.slow
def test_an_alert_is_taken_on_by_keyboard_alone(enter: Enter, site: Site) -> None:
    page, title = enter("zhushuyan"), "夜间焚烧秸秆"
    number = number_of(site, title)
    walk_to(page, title)

    page.keyboard.press("g")
    page.locator("#act-form select[name=lead]").wait_for()
    page.select_option("#act-form select[name=lead]", "town_wanghe")
    page.locator("#act-form button:has-text('指派')").press("Enter")
    expect(page.locator("#peek .id .tag")).to_have_text("待签收")
    page.keyboard.press("a")
    expect(page.locator("#peek .id .tag")).to_have_text("已签收")
    page.keyboard.press("h")
    page.locator("#act-form textarea").wait_for()
    page.keyboard.type("已到场劝止。")
    page.locator("#act-form button.btn-p").press("Enter")
    expect(page.locator("#peek .id .tag")).to_have_text("处置中")
    page.keyboard.press("n")
    page.locator("#act-form textarea").wait_for()
    page.keyboard.type("夜间复查一次。")
    page.locator("#act-form button.btn-p").press("Enter")
    expect(page.locator("#peek .tl")).to_contain_text("夜间复查一次")
    page.keyboard.press("p")
    page.locator("#act-form textarea").wait_for()
    page.keyboard.type("已依法处理。")
    page.locator("#act-form button.btn-p").press("Enter")
    expect(page.locator("#peek .id .tag")).to_have_text("已回应")

    assert state_of(site, number) == "responded"


def test_a_key_counts_from_the_moment_a_preview_appears(enter: Enter) -> None:
    page = enter("shenzhihe")
    page.evaluate(
        """document.querySelector("#peek").addEventListener("htmx:afterSwap", () => queueMicrotask(
            () => document.querySelector("#peek [data-key=N]").click()), {once: true})"""
    )

    page.keyboard.press("j")

    expect(page.locator("#act-form h2")).to_contain_text("备注")


def test_the_row_is_renewed_where_it_stands(enter: Enter, site: Site) -> None:
    page, title = enter("zhushuyan"), "锦澜小区业主"
    pick(page, title)
    order = page.locator(".row h3").all_text_contents()

    page.keyboard.press("a")

    expect(page.locator(".row-sel .state")).to_have_text("已签收")
    assert page.locator(".row h3").all_text_contents() == order


def test_keys_do_nothing_while_a_word_is_composed_or_typed(enter: Enter) -> None:
    page = enter()
    first = page.locator(".row-sel h3").text_content()

    page.evaluate(
        """document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "j", isComposing: true, bubbles: true}))"""
    )
    page.fill("[data-search]", "")
    page.locator("[data-search]").press("j")

    assert page.locator(".row-sel h3").text_content() == first


def test_slash_and_question_mark_lead_to_search_and_help(enter: Enter) -> None:
    page = enter()

    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")

    expect(page.locator("[data-search]")).to_be_focused()


def test_a_refused_action_says_why_and_keeps_what_was_typed(enter: Enter, site: Site) -> None:
    page, title = enter("shenzhihe"), "滨河步道路灯"
    number = number_of(site, title)
    pick(page, title)
    page.keyboard.press("e")
    expect(page.locator("#banner")).to_contain_text("须先有公开回应和核查报告")

    page.goto(f"{site.url}/alerts/{number}/")
    page.click(".more-acts button:has-text('调整级别')")
    page.check("#act-form input[value=IV]")
    page.fill("#act-form textarea", "影响不大")
    page.click("#act-form button:has-text('调整级别')")

    expect(page.locator("#act-form .fault")).to_have_text("级别没有变化")
    expect(page.locator("#act-form textarea")).to_have_value("影响不大")


def test_a_conflict_shows_who_was_faster_and_keeps_what_was_typed(enter: Enter, site: Site) -> None:
    mine, theirs, title = enter("shenzhihe"), enter("guhuaiqing"), "客运班线取消"
    number = number_of(site, title)
    mine.goto(f"{site.url}/alerts/{number}/")
    mine.click(".more-acts button:has-text('备注')")
    mine.fill("#act-form textarea", "已联系客运站")
    theirs.goto(f"{site.url}/alerts/{number}/")
    theirs.click(".more-acts button:has-text('备注')")
    theirs.fill("#act-form textarea", "已约谈")
    theirs.click("#act-form button:has-text('备注')")
    expect(theirs.locator("#course")).to_contain_text("已约谈")

    mine.click("#act-form button:has-text('备注')")

    expect(mine.locator("#act-form .fault")).to_contain_text("已备注")
    expect(mine.locator("#act-form textarea")).to_have_value("已联系客运站")
    mine.click("#act-form button:has-text('备注')")
    expect(mine.locator("#course")).to_contain_text("已联系客运站")


def test_a_bulk_action_counts_success_and_failure(enter: Enter, site: Site) -> None:
    page = enter("shenzhihe")
    for title in ("夜市烧烤摊", "老旧小区停水", "高龄津贴"):
        pick(page, title)
        page.keyboard.press("x")
    expect(page.locator("#bulk")).to_contain_text("已选 3 条")

    page.click("#bulk button:has-text('签收')")
    page.click("#bulk-form button.btn-p")

    expect(page.locator("#bulk-form b")).to_have_text("成功 1，失败 2")
    expect(page.locator("#bulk-form li").first).to_contain_text("已签收")
    assert state_of(site, number_of(site, "夜市烧烤摊")) == "acknowledged"


def test_what_was_typed_survives_an_expired_login(enter: Enter, site: Site) -> None:
    page, title = enter("shenzhihe"), "生活垃圾焚烧厂"
    number = number_of(site, title)
    page.goto(f"{site.url}/alerts/{number}/")
    page.click(".more-acts button:has-text('备注')")
    page.fill("#act-form textarea", "写了很久的备注")
    page.context.clear_cookies()

    page.click("#act-form button.btn-p")
    expect(page.locator("#banner")).to_contain_text("登录已到期，已填内容已保留")
    page.click("#banner a")
    page.fill("#id_username", "shenzhihe")
    page.fill("#id_password", "a-long-test-password")
    page.click("form button")
    page.click(".more-acts button:has-text('备注')")

    expect(page.locator("#act-form textarea")).to_have_value("写了很久的备注")


def test_the_session_warns_before_it_ends_and_can_be_kept(enter: Enter, site: Site) -> None:
    page = enter("auditor")
    soon = (datetime.now(UTC) + timedelta(seconds=200)).strftime("%Y-%m-%d %H:%M:%S")
    with sqlite3.connect(site.home / "workflow.sqlite3", timeout=30) as database:
        database.execute("update django_session set expire_date = ?", (soon,))

    page.reload()
    expect(page.locator("#banner")).to_contain_text("登录 4 分钟后到期，已填内容会保留")
    page.click("#banner button")

    expect(page.locator("#banner")).to_be_hidden()
    longest = site.ask("select max(expire_date) from django_session")[0][0]
    assert str(longest) > soon


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_and_can_be_turned(scheme: str, enter: Enter) -> None:
    page = enter("shenzhihe", color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.click(".me summary")
    page.click("[data-theme-toggle]")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != ground

"""Every screen in every look: accessible, without sideways scrolling, without an error in the browser's console."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter, Site

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
SCREENS = (
    "/",
    "/?tab=over",
    "/?tab=done&q=没有这个",
    "/alerts/2026-0002/",
    "/alerts/2026-0009/",
    "/incidents/",
    "/incidents/sj-0002/",
    "/posts/?q=肚子疼",
    "/posts/?q=(停水 AND",
    "/trends/",
    "/handover/",
    "/sources/",
    "/rules/",
    "/rules/school-sickness/",
    "/roster/",
    "/setup/",
    "/setup/roster/",
    "/setup/roster/1/",
    "/receipts/?q=县市场监管局",
    "/audit/?verify=1",
    "/users/",
    "/account/",
    "/briefings/",
    "/ledger/",
    "/wall/",
)
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "mobile": {"viewport": {"width": 390, "height": 844}},
}
#: WCAG 2.0 to 2.2 A and AA, and axe's best practices.
RUN = """async () => (await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
    "best-practice"]})).violations.map(found => found.id + ": " + found.nodes.slice(0, 3).map(node => node.html.slice(0, 120)
    + " " + (node.any[0]?.message || "")).join(" | "))"""


def violations(page: Page) -> list[str]:
    """What axe finds, in words. The policy forbids adding scripts, so it is evaluated."""
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(RUN)
    return found


def errors_of(page: Page) -> list[str]:
    """Collects what the browser complains of; a page that says 404 or 422 on purpose is none."""
    heard: list[str] = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
    return heard


@pytest.mark.parametrize("look", LOOKS)
def test_no_screen_has_a_violation(look: str, enter: Enter, site: Site) -> None:
    page = enter("admin", **LOOKS[look])
    heard = errors_of(page)
    found = {}

    for screen in SCREENS:
        page.goto(site.url + screen)
        found[screen] = violations(page)

    assert {screen: said for screen, said in found.items() if said} == {}
    assert [said for said in heard if "422" not in said] == []


def test_no_screen_scrolls_sideways_on_a_telephone(enter: Enter, site: Site) -> None:
    page = enter("admin", viewport={"width": 390, "height": 844})
    wide = {}

    for screen in [screen for screen in SCREENS if screen != "/wall/"]:
        page.goto(site.url + screen)
        wide[screen] = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert {screen: by for screen, by in wide.items() if by > 0} == {}


def test_forms_dialogs_and_faults_have_no_violation(enter: Enter, site: Site) -> None:
    page = enter("guhuaiqing")
    found = {}
    page.click(".row:has-text('网传采北路路面塌陷')")
    expect(page.locator("#peek h2")).to_contain_text("网传采北路")
    for label in ("确认定级", "排除", "备注"):
        page.click(f"#peek .acts button:has-text('{label}')")
        page.locator(f"#act-form h2:has-text('{label}')").wait_for()
        found[label] = violations(page)
    page.fill("#act-form textarea", " ")
    page.click("#act-form button.btn-p")
    page.locator("#act-form .fault").first.wait_for()
    found["fault"] = violations(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    found["help"] = violations(page)
    page.keyboard.press("Escape")
    page.goto(f"{site.url}/alerts/2026-0002/")
    for label in ("指派", "会商", "拟写口径", "批示", "并入", "暂停计时", "调整级别"):
        page.locator(f".actbar button:has-text('{label}'), .more-acts button:has-text('{label}')").first.click()
        page.locator(f"#act-form h2:has-text('{label}')").wait_for()
        found[label] = violations(page)

    assert {name: said for name, said in found.items() if said} == {}


def test_login_and_refusals_have_no_violation(enter: Enter, site: Site) -> None:
    page = enter("leader")
    found = {}
    for path in ("/users/", "/act/no-such-token"):
        page.goto(site.url + path)
        found[path] = violations(page)
    page.context.clear_cookies()
    page.goto(f"{site.url}/login")
    found["login"] = violations(page)
    page.fill("#id_username", "leader")
    page.fill("#id_password", "wrong")
    page.click("form button")
    page.locator(".fault").wait_for()
    found["wrong"] = violations(page)

    assert {name: said for name, said in found.items() if said} == {}

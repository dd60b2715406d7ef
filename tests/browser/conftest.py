"""A real browser against a real server over a seeded night: uvicorn on loopback, Debian's Chromium."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.fixtures.console_password import PASSWORD

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("CAIFENG_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
#: Patience of an expectation; a busy machine is slow, a broken page never comes.
expect.set_options(timeout=20000)


@dataclass(slots=True)
class Site:
    """A running console."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    #: What it is filled with: night or hostile.
    seed: str = "night"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Look into its workflow database."""
        with sqlite3.connect(self.home / "workflow.sqlite3", timeout=30) as database:
            return database.execute(sql, values).fetchall()

    def stop(self) -> None:
        """End it as an operator would."""
        self.process.terminate()
        self.process.wait(20)

    def start(self) -> None:
        """Start it (again) over the same home and port."""
        self.process = _serve(self.home, self.port, self.seed)
        _wait(self)


def _serve(home: Path, port: int, seed: str) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "browser")))
    environment = {**os.environ, "CAIFENG_HOME": str(home), "CAIFENG_PORT": str(port), "PYTHONPATH": paths}
    environment["CAIFENG_TEST_SEED"] = seed
    command = [sys.executable, "-m", "uvicorn", "console_site:application", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen([*command, "--timeout-graceful-shutdown", "1"], env=environment, stdout=log, stderr=log)


def _wait(site: Site) -> None:
    """Until it answers; a server that died is said with its log."""
    for _ in range(600):
        if site.process.poll() is not None:
            break
        try:
            httpx.get(f"{site.url}/login", timeout=5, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError((site.home / "server.log").read_text()[-3000:])


def a_site(home: Path, seed: str = "night") -> Site:
    """Start a console over a fresh home."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    site = Site(home=home, port=port, process=_serve(home, port, seed), seed=seed)
    _wait(site)
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Site]:
    """One console per module; a module's SEED says what it is filled with."""
    running = a_site(tmp_path_factory.mktemp("site"), seed=getattr(request.module, "SEED", "night"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a module: its event loop must be gone before another file touches the database."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield chromium
        chromium.close()


Enter = Callable[..., Page]


@pytest.fixture
def enter(browser: Browser, site: Site) -> Iterator[Enter]:
    """Log somebody in: `enter("shenzhihe")` gives a page on the desk; keywords go to the browser context."""
    contexts: list[BrowserContext] = []

    def open_desk(login: str = "shenzhihe", path: str = "/", **options: object) -> Page:
        values = {"viewport": {"width": 1440, "height": 900}, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
        context = browser.new_context(**(values | options))  # type: ignore[arg-type]  # any option of the browser
        context.set_default_timeout(15000)
        contexts.append(context)
        page = context.new_page()
        log_in(page, site, login, path)
        return page

    yield open_desk
    for context in contexts:
        context.close()


def log_in(page: Page, site: Site, login: str, path: str = "/") -> None:
    """Through the form, as people do."""
    page.goto(f"{site.url}/login?next={path}")
    page.fill("#id_username", login)
    page.fill("#id_password", PASSWORD)
    page.click("form button")
    page.wait_for_load_state("load")


def number_of(site: Site, title: str) -> str:
    """The number of the alert whose title begins so."""
    rows = site.ask("select number from alerts_alert where title like ? order by id limit 1", f"{title}%")
    return str(rows[0][0])


def state_of(site: Site, number: str) -> str:
    """Where an alert stands in the database."""
    return str(site.ask("select state from alerts_alert where number = ?", number)[0][0])


@dataclass(slots=True)
class Stir:
    """Something happens while people watch."""

    process: subprocess.Popen[str]

    def do(self, command: str) -> tuple[int, float]:
        """Run one command of `console_stir`; the id of its event and when it was committed."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        event, _, at = self.process.stdout.readline().partition(" ")
        return int(event), float(at)


@pytest.fixture(scope="module")
def stir(site: Site) -> Iterator[Stir]:
    """A second process over the site's home."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "browser")))
    environment = {**os.environ, "CAIFENG_HOME": str(site.home), "PYTHONPATH": paths}
    command = [sys.executable, "-m", "console_stir"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield Stir(process=process)
        process.terminate()

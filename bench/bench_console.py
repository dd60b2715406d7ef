"""Bars of the duty desk: 10,000 open alerts, 200 live clients, a restart, 12 tabs.

Run as `python -m bench.bench_console`; needs Debian's Chromium. Prints each bar with what was measured, the load of
the machine, and the ratio against the naive way of the same run.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, Site, Stir, a_site, log_in
from tests.fixtures.console_password import PASSWORD

ALERTS, CLIENTS, EVENTS, ACTIONS, TABS = 10_000, 200, 20, 20, 12
ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Listener:
    """One live client: event id → when it came."""

    got: dict[int, float] = field(default_factory=dict)
    connected_at: float = 0.0
    last: int = 0


def bar(name: str, wanted: str, measured: str, ratio: str = "") -> None:
    """One line of the report."""
    load = os.getloadavg()[0]
    print(f"{name:<44} bar {wanted:<12} measured {measured:<34} {ratio:<40} load {load:.1f}", flush=True)


def p95(values: list[float]) -> float:
    """The 95th of a hundred."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


@contextmanager
def stirring(site: Site) -> Iterator[Stir]:
    """A second process that makes things happen."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "browser")))
    environment = {**os.environ, "CAIFENG_HOME": str(site.home), "PYTHONPATH": paths}
    with subprocess.Popen(
        [sys.executable, "-m", "console_stir"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield Stir(process=process)
        process.terminate()


def fill(site: Site) -> None:
    """Many open alerts with eight clocks each, written beside the running console."""
    code = f"""
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from alerts.models import Alert, Deadline
now = timezone.now()
rows = [Alert(number=f"2025-{{n:05d}}", title=f"第 {{n}} 条告警，居民反映停水未通知", state="handling", rule=f"bulk{{n}}",
    key="", reason="试验", level=("I", "II", "III", "IV")[n % 4], suggested_level="III", jurisdiction="采川县/石澜镇",
    lead_unit="housing_bureau", post_count=5, source_count=2, detected_at=now - timedelta(minutes=n % 3000),
    dispatched_at=now, assessed_at=now) for n in range({ALERTS})]
Alert.objects.bulk_create(rows, batch_size=500)
stages = ("acknowledge", "flash_report", "first_feedback", "authoritative_info", "public_response",
    "verification_report", "closure", "press_conference")
Deadline.objects.bulk_create([Deadline(alert=alert, stage=stage, started_at=now - timedelta(hours=1), basis="试验",
    due_at=now + timedelta(minutes=(alert.pk * 7 + place * 61) % 5000 + 1)) for alert in rows
    for place, stage in enumerate(stages)], batch_size=2000)
"""
    environment = {**os.environ, "CAIFENG_HOME": str(site.home), "DJANGO_SETTINGS_MODULE": "caifeng.settings"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)


def logged_in(site: Site) -> httpx.Client:
    """A client with a session, no browser."""
    client = httpx.Client(base_url=site.url, timeout=60, trust_env=False, follow_redirects=True)
    client.get("/login")
    token = next(value for name, value in client.cookies.items() if "csrf" in name)
    sent = {"username": "shenzhihe", "password": PASSWORD, "csrfmiddlewaretoken": token}
    client.post("/login", data=sent).raise_for_status()
    return client


def first_paint(page: Page, site: Site) -> float:
    """Milliseconds to the first contentful paint of the desk."""
    page.goto(site.url, wait_until="load")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    painted: float = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return painted


def measure_paint(page: Page, site: Site) -> None:
    """FCP and size of the desk with many open alerts, against rendering them all."""
    client = logged_in(site)
    times = [first_paint(page, site) for _ in range(7)]
    size = len(client.get("/").content) / 1024
    started = time.perf_counter()
    client.get("/desk/rows?tab=open")
    one = time.perf_counter() - started
    started, url, pages = time.perf_counter(), "/desk/rows?tab=open", 0
    while url and pages < 12:
        body = client.get(url).text
        pages += 1
        url = body.partition('data-next="')[2].partition('"')[0].replace("&amp;", "&")
    whole = (time.perf_counter() - started) / pages * (ALERTS / 60)
    bar(
        f"first contentful paint, {ALERTS} open alerts",
        "< 800 ms",
        f"median {statistics.median(times):.0f}, worst {max(times):.0f} ms",
    )
    bar("HTML of the desk", "< 60 KB", f"{size:.0f} KB")
    bar("one page of rows", "-", f"{one * 1000:.0f} ms", f"all rows at once would take {whole / one:.0f}× as long")


def measure_actions(page: Page, site: Site) -> None:
    """From the click to the changed row: a note by the keyboard."""
    times = []
    for at in range(ACTIONS):
        page.goto(site.url)
        page.locator(".row-sel").wait_for()
        page.keyboard.press("n")
        page.locator("#act-form textarea").fill(f"第 {at} 次")
        button = page.locator("#act-form button.btn-p")
        times.append(
            button.evaluate(
                """button => new Promise(done => {
                    const from = performance.now();
                    new MutationObserver((_, watcher) => {
                        if (document.querySelector("#peek [data-acted]")) { watcher.disconnect(); done(performance.now() - from); }
                    }).observe(document.querySelector("#peek"), {childList: true, subtree: true});
                    button.click();
                })"""
            )
        )
    bar("action → DOM", "p95 < 300 ms", f"median {statistics.median(times):.0f}, p95 {p95(times):.0f} ms")


async def listen(site: Site, cookie: str, listener: Listener, stop: asyncio.Event) -> None:
    """Hold the line like a browser: reconnect a second after it broke, and ask for what was missed."""
    while not stop.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        except OSError:
            await asyncio.sleep(0.2)
            continue
        last = f"?last={listener.last}" if listener.last else ""
        writer.write(f"GET /live{last} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nCookie: {cookie}\r\n\r\n".encode())
        await _hear(reader, listener, stop)
        writer.close()
        if not stop.is_set():
            await asyncio.sleep(1)


async def _hear(reader: asyncio.StreamReader, listener: Listener, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            line = await asyncio.wait_for(reader.readline(), 0.5)
        except TimeoutError:
            continue
        except OSError:
            return
        if not line:
            return
        if line.startswith(b"event: hello"):
            listener.connected_at = time.time()
        if line.startswith(b"id: "):
            listener.last = int(line[4:])
            listener.got.setdefault(listener.last, time.time())


async def crowd(site: Site, cookie: str, work: Callable[[list[Listener]], None]) -> list[Listener]:
    """Many clients on the line while `work` runs in a thread."""
    listeners, stop = [Listener() for _ in range(CLIENTS)], asyncio.Event()
    tasks = [asyncio.create_task(listen(site, cookie, listener, stop)) for listener in listeners]
    while not all(listener.connected_at for listener in listeners):
        await asyncio.sleep(0.05)
    await asyncio.to_thread(work, listeners)
    stop.set()
    await asyncio.gather(*tasks)
    return listeners


def wait_for(listeners: list[Listener], events: list[int], seconds: float) -> None:
    """Until everybody has everything, or the time is over."""
    end = time.time() + seconds
    while time.time() < end and not all(listener.got.keys() >= set(events) for listener in listeners):
        time.sleep(0.05)


def measure_crowd(site: Site, stir: Stir) -> None:
    """Delivery to many clients, then the same over a restart."""
    client = logged_in(site)
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    sent: list[tuple[int, float]] = []

    def fan_out(listeners: list[Listener]) -> None:
        for at in range(EVENTS):
            sent.append(stir.do(f"note 2026-0001 第 {at} 条"))
            time.sleep(0.2)
        wait_for(listeners, [event for event, _ in sent], 20)

    listeners = asyncio.run(crowd(site, cookie, fan_out))
    delays = [
        1000 * (listener.got[event] - at) for listener in listeners for event, at in sent if event in listener.got
    ]
    whole = CLIENTS * EVENTS
    bar(f"{CLIENTS} clients × {EVENTS} events", "all", f"{len(delays)} of {whole}")
    polled = 2500 / max(1.0, statistics.median(delays))
    bar(
        f"delay at {CLIENTS} clients",
        "p95 < 150 ms",
        f"median {statistics.median(delays):.0f}, p95 {p95(delays):.0f} ms",
        f"polling every 5 s: {polled:.0f}× the median",
    )

    away: list[int] = []
    back: list[float] = []

    def restart(listeners: list[Listener]) -> None:
        first, _ = stir.do("note 2026-0001 重启前")
        wait_for(listeners, [first], 10)
        site.stop()
        away.extend(stir.do(f"note 2026-0001 停机中 {at}")[0] for at in range(5))
        site.start()
        up = time.time()
        wait_for(listeners, away, 30)
        back.extend(listener.connected_at - up for listener in listeners)

    listeners = asyncio.run(crowd(site, cookie, restart))
    lost = sum(event not in listener.got for listener in listeners for event in away)
    bar("restart: reconnect", "< 5 s", f"median {statistics.median(back):.1f}, worst {max(back):.1f} s")
    bar("restart: events lost", "0", f"{lost} of {len(away) * CLIENTS}")


def measure_tabs(page: Page, site: Site, stir: Stir) -> None:
    """Twelve tabs of one browser."""
    page.context.add_init_script(
        "window.__got = []; document.addEventListener('caifeng:alert', event => window.__got.push(event.detail.id));"
    )
    tabs = [page.context.new_page() for _ in range(TABS)]
    for tab in tabs:
        tab.goto(site.url)
        tab.wait_for_function("document.querySelector('[data-line]').textContent === '已连接'")
    event, _ = stir.do("note 2026-0001 十二个标签页")
    live = 0
    for tab in tabs:
        tab.wait_for_function("id => window.__got.includes(id)", arg=event, timeout=10000)
        live += 1
    bar("tabs of one browser, all live", str(TABS), str(live), "one connection each: the 7th would not open")


def measure_browser(site: Site, stir: Stir) -> None:
    """What a person in front of the desk waits for."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        page = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN").new_page()
        log_in(page, site, "shenzhihe")
        measure_paint(page, site)
        measure_actions(page, site)
        measure_tabs(page, site, stir)
        chromium.close()


def main() -> None:
    """Everything, on one console."""
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-") as folder:
        site = a_site(Path(folder))
        fill(site)
        with stirring(site) as stir:
            measure_browser(site, stir)
            measure_crowd(site, stir)
        site.stop()


if __name__ == "__main__":
    main()

"""Deadlines and the desk under load: the sweep over 100,000 open clocks, due → acted, finding → channel.

`python -m bench.bench_alerts [--deadlines N] [--seconds N]`, on SQLite with synchronous=FULL as installations have it,
and on PostgreSQL where its binaries are found. Ratios are of one run on one machine, against the naive way: reading
every open clock and asking each whether it is due.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

#: Clocks of one alert, as many as level II starts.
CLOCKS = 8


def in_child(function: str, url: str, **options: Any) -> dict[str, float]:
    """Run one of the measures in a process with its own database; SQLite in a fresh home without a URL."""
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-") as home:
        environment = {**os.environ, "CAIFENG_HOME": home, "DJANGO_SETTINGS_MODULE": "caifeng.settings"}
        environment.pop("CAIFENG_DATABASE_URL", None)
        if url:
            environment["CAIFENG_DATABASE_URL"] = url
        command = [sys.executable, "-m", "bench.bench_alerts", "--child", function, "--options", json.dumps(options)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr[-3000:])
        found: dict[str, float] = json.loads(done.stdout)
        return found


def ready() -> None:
    """Django on an empty database."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("flush", verbosity=0, interactive=False)


def fill(deadlines: int, now: datetime) -> None:
    """Alerts with open clocks, none due within the hour."""
    from alerts.deadlines import STAGES
    from alerts.models import Alert, Deadline

    alerts = Alert.objects.bulk_create(
        (
            Alert(number=f"2025-{number:04d}", title="t", rule="r", key=str(number), reason="r", level="II",
                  suggested_level="II", state="dispatched", detected_at=now)
            for number in range(deadlines // CLOCKS)
        ),
        batch_size=5000,
    )  # fmt: skip
    Deadline.objects.bulk_create(
        (
            Deadline(
                alert=alert,
                stage=STAGES[clock],
                level="II",
                started_at=now,
                due_at=now + timedelta(hours=2, seconds=alert.pk % 3600),
                basis="2 小时",
                next_step_at=now + timedelta(hours=1, seconds=alert.pk % 3600),
            )
            for alert in alerts
            for clock in range(CLOCKS)
        ),
        batch_size=5000,
    )


def idle(deadlines: int) -> dict[str, float]:
    """A sweep that finds nothing due, and the naive way; milliseconds, median of fifty and of three."""
    ready()
    from alerts import clocks, sweep
    from alerts.models import Deadline
    from tests.fixtures.desk import COUNTY

    now = datetime.now(UTC)
    fill(deadlines, now)
    swept = [_milliseconds(lambda: sweep.sweep(COUNTY, now)) for _ in range(50)]

    def naive() -> int:
        open_clocks = Deadline.objects.filter(met_at=None, cancelled_at=None, paused_at=None)
        return sum(any(step.at <= now for step in clocks.steps(row, COUNTY)) for row in open_clocks.iterator())

    return {"sweep": statistics.median(swept), "worst": max(swept), "naive": _milliseconds(naive)}


def _milliseconds(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) * 1000


def acted(deadlines: int, seconds: int, per_second: int) -> dict[str, float]:
    """Clocks run out at a rate among the open ones; a sweeper with its usual rest. Seconds from due to committed."""
    ready()
    from alerts import sweep
    from alerts.models import AlertEvent, Deadline
    from tests.fixtures.desk import COUNTY

    now = datetime.now(UTC)
    fill(deadlines, now)
    rows = list(Deadline.objects.filter(stage="acknowledge")[: seconds * per_second])
    start, due = datetime.now(UTC) + timedelta(seconds=5), {}
    for number, row in enumerate(rows):
        row.due_at = row.next_step_at = due[row.alert_id] = start + timedelta(seconds=number / per_second)
        row.escalated_percent = 80
    Deadline.objects.bulk_update(rows, ["due_at", "next_step_at", "escalated_percent"])
    waits: list[float] = []
    known: set[int] = set()
    while len(waits) < len(due):
        if sweep.sweep(COUNTY, datetime.now(UTC)):
            done = datetime.now(UTC)
            fresh = set(AlertEvent.objects.filter(actor=sweep.ACTOR).values_list("alert_id", flat=True)) - known
            waits += [(done - due[alert]).total_seconds() for alert in fresh]
            known |= fresh
        else:
            time.sleep(0.5)
    return _quantiles(waits)


def told(seconds: int, per_second: int) -> dict[str, float]:
    """Posts match at a rate and each is a finding; the runner and the sender are processes with their usual rests.

    Seconds from the match recorded to its message taken by the channel, and milliseconds of processor time a finding.
    """
    ready()
    from django.conf import settings
    from django.db import connections

    from alerts.outbox import Sender

    connections.close_all()
    reading, writing = os.pipe()
    finished = settings.HOME / "finished"
    child = os.fork()
    if child == 0:
        sender = Sender({"slack": Timed(writing)}, "bench")
        while sender.step(datetime.now(UTC)) or not finished.exists():
            time.sleep(0.3)
        os._exit(0)
    os.close(writing)
    processor = time.process_time()
    _find(seconds * per_second, per_second)
    processor = time.process_time() - processor
    finished.touch()
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        waits = [float(line) for line in pipe]
    return _quantiles(waits) | {"processor": processor / (seconds * per_second) * 1000}


def _find(count: int, per_second: int) -> None:
    """The work role's second half: matches are recorded, the runner finds and opens alerts."""
    from django.db import transaction

    from alerts import desk
    from rules import journal
    from rules.matcher import Hit
    from rules.runner import Runner
    from rules.schema import parse
    from tests.fixtures.county import a_post
    from tests.fixtures.desk import COUNTY

    rule = parse({"id": "any", "type": "any", "query_key": "region", "realert": 0})
    runner, posts, start = Runner([rule]), {}, time.time()

    def record(number: int) -> tuple[Any, list[Hit]]:
        tagged = a_post(f"202611-{number:024x}", at=datetime.now(UTC))
        tagged = replace(tagged, post=replace(tagged.post, title=f"{start + number / per_second:.6f}"))
        posts[tagged.post.id] = tagged
        return tagged, [Hit(rule=rule.id, version=rule.version, key=str(number))]

    def step(now: datetime) -> int:
        telling = cache(partial(desk.telling_at, COUNTY, now))

        def open_alert(finding: Any, rule: Any) -> None:
            desk.open_or_join(
                finding, rule_title=rule.title, severity=None, owner_hint=None, profile=COUNTY, now=now, telling=telling,
                posts=[posts[post] for post in finding.evidence],
            )  # fmt: skip

        due = min(count, int((time.time() - start) * per_second))
        with transaction.atomic():
            found = journal.record([record(number) for number in range(len(posts), due)], now)
        runner.step(now, open_alert)
        return found

    while len(posts) < count:
        if not step(datetime.now(UTC)):
            time.sleep(0.5)


class Timed:
    """A channel that writes down how old a message is when it takes it; the end of the title is its birth."""

    def __init__(self, writing: int) -> None:
        self._writing = writing

    def send(self, message: Any) -> str:
        """Taken, and timed."""
        os.write(self._writing, f"{time.time() - float(message.title.rpartition('：')[2]):.6f}\n".encode())
        return str(message.id)


def late(alerts: int) -> dict[str, float]:
    """Clocks that ran out while nothing swept: seconds until all are acted on, and how often each was."""
    ready()
    from alerts import sweep
    from alerts.models import AlertEvent, Deadline
    from tests.fixtures.desk import COUNTY

    now = datetime.now(UTC)
    fill(alerts * CLOCKS, now - timedelta(days=1))
    Deadline.objects.exclude(stage="acknowledge").update(next_step_at=None)
    began = time.perf_counter()
    count = sweep.sweep(COUNTY, now)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "acted": count, "again": sweep.sweep(COUNTY, now), "events": AlertEvent.objects.count()}


def _quantiles(waits: list[float]) -> dict[str, float]:
    ordered = sorted(waits)
    return {"count": len(ordered), "p50": ordered[len(ordered) // 2], "p99": ordered[int(len(ordered) * 0.99)]}


CHILDREN: dict[str, Callable[..., dict[str, float]]] = {"idle": idle, "acted": acted, "told": told, "late": late}


def report(name: str, bar: str, measured: str, met: bool, note: str = "") -> None:
    """One bar."""
    print(f"{name:52} bar {bar:10} {measured:14} {'met' if met else 'NOT met':8} {note}", flush=True)


def measure(database: str, url: str, deadlines: int, seconds: int) -> None:
    """All bars on one database."""
    found = in_child("idle", url, deadlines=deadlines)
    report(f"{database}, sweep of {deadlines:,} open deadlines", "≤ 50 ms", f"{found['sweep']:.1f} ms", found["sweep"] <= 50, f"{found['naive'] / found['sweep']:,.0f}× faster than naive ({found['naive']:,.0f} ms), worst {found['worst']:.1f} ms")  # fmt: skip
    found = in_child("acted", url, deadlines=deadlines, seconds=seconds, per_second=10)
    report(f"{database}, due → acted at 10/s, p99", "≤ 1 s", f"{found['p99']:.3f} s", found["p99"] <= 1, f"p50 {found['p50']:.3f} s of {found['count']:.0f}")  # fmt: skip
    found = in_child("late", url, alerts=100)
    once = found["acted"] == found["events"] == 100 and not found["again"]
    report(f"{database}, 100 passed while down", "≤ 5 s, once", f"{found['seconds']:.2f} s", found["seconds"] <= 5 and once, f"acted {found['acted']:.0f}, again {found['again']:.0f}")  # fmt: skip
    found = in_child("told", url, seconds=seconds, per_second=50)
    report(f"{database}, finding → channel at 50/s, p99", "≤ 2 s", f"{found['p99']:.3f} s", found["p99"] <= 2, f"p50 {found['p50']:.3f} s of {found['count']:.0f} messages; {found['processor']:.1f} ms of processor a finding")  # fmt: skip


def main() -> None:
    """Print every bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--deadlines", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--child", choices=CHILDREN)
    parser.add_argument("--options", type=json.loads)
    options = parser.parse_args()
    if options.child:
        json.dump(CHILDREN[options.child](**options.options), sys.stdout)
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    measure("SQLite", "", options.deadlines, options.seconds)
    from tests.servers import postgresql

    if not Path("/usr/lib/postgresql").exists():
        print("PostgreSQL: not installed here", flush=True)
        return
    server = postgresql.start()
    try:
        measure("PostgreSQL", server.url, options.deadlines, options.seconds)
    finally:
        server.stop()


if __name__ == "__main__":
    main()

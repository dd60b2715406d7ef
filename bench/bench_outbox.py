"""The outbox under load: claims and acknowledgements, SQLite and PostgreSQL, one sender and four.

`python -m bench.bench_outbox [--messages N] [--claims N]`. The channel answers at once, so what is measured is the
outbox. Ratios are of one run on one machine: against one row a transaction (the naive way), and four senders against
one. A PostgreSQL is started for the run where its binaries are found.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 23, 1, tzinfo=UTC)


def in_child(function: str, url: str, **options: Any) -> Any:
    """Run one of the measures in a process with its own database; SQLite in a fresh home without a URL."""
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-") as home:
        environment = {**os.environ, "CAIFENG_HOME": home, "DJANGO_SETTINGS_MODULE": "caifeng.settings"}
        environment.pop("CAIFENG_DATABASE_URL", None)
        if url:
            environment["CAIFENG_DATABASE_URL"] = url
        command = [sys.executable, "-m", "bench.bench_outbox", "--child", function, "--options", json.dumps(options)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr[-3000:])
        return json.loads(done.stdout)


def ready() -> None:
    """Django on an empty database."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("flush", verbosity=0, interactive=False)


def fill(count: int, *, recipients: int = 200) -> None:
    """Messages that wait."""
    from django.db import connection

    from alerts.models import Notification

    rows = (
        Notification(
            dedupe_key=str(number),
            kind="copy",
            channel="chat",
            recipient=f"C{number % recipients}",
            payload={"title": "新告警", "text": "某工地多人讨薪。" * 5, "number": "2026-0001", "level": "II"},
            urgency=number % 8,
            created_at=START,
            due_at=START,
        )
        for number in range(count)
    )
    Notification.objects.bulk_create(rows, batch_size=2000)
    # A running server has its statistics; a table filled a second ago has not.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


class Instant:
    """A channel that takes everything at once."""

    def send(self, message: Any) -> str:
        """Taken."""
        return str(message.id)


def drain(batch: int) -> int:
    """Send until nothing is left; return how many."""
    from alerts.outbox import Sender

    sender, total = Sender({"chat": Instant()}, f"bench-{os.getpid()}", batch=batch, workers=4), 0
    while settled := sender.step(START):
        total += settled
    return total


def rate(messages: int, batch: int) -> dict[str, float]:
    """Messages a second of one sender, by the clock on the wall and by that of the processor."""
    ready()
    fill(messages)
    began, worked = time.perf_counter(), time.process_time()
    sent = drain(batch)
    assert sent == messages
    return {"wall": sent / (time.perf_counter() - began), "cpu": sent / (time.process_time() - worked)}


def naive(messages: int) -> float:
    """The same rows one at a time: read, mark, send, mark; two transactions a message."""
    ready()
    from alerts.models import Notification

    fill(messages)
    channel, began = Instant(), time.perf_counter()
    while row := Notification.objects.filter(state="pending", due_at__lte=START).order_by("urgency", "due_at").first():
        if Notification.objects.filter(pk=row.pk, state="pending").update(state="sending", lease_owner="naive"):
            provider_id = channel.send(type("M", (), {"id": row.pk}))
            Notification.objects.filter(pk=row.pk).update(state="sent", sent_at=START, provider_id=provider_id)
    return messages / (time.perf_counter() - began)


def together(messages: int, senders: int, batch: int) -> dict[str, float]:
    """Several senders at once: messages a second over all, and rows that were claimed twice."""
    ready()
    from django.db import connections

    from alerts.models import Notification

    fill(messages)
    connections.close_all()
    began = time.perf_counter()
    children = []
    for _ in range(senders):
        child = os.fork()
        if child == 0:
            drain(batch)
            os._exit(0)
        children.append(child)
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    seconds = time.perf_counter() - began
    assert not failed
    twice = Notification.objects.filter(attempts__gt=1).count()
    unsent = Notification.objects.exclude(state="sent").count()
    return {"rate": messages / seconds, "twice": twice, "unsent": unsent}


CHILDREN: dict[str, Callable[..., Any]] = {"rate": rate, "naive": naive, "together": together}


def report(name: str, bar: str, measured: str, met: bool | None, note: str = "") -> None:
    """One bar."""
    mark = {True: "met", False: "NOT met", None: "–"}[met]
    print(f"{name:58} bar {bar:16} {measured:16} {mark:8} {note}", flush=True)


def on_sqlite(messages: int) -> None:
    """SQLite with synchronous=FULL, as installations have it."""
    batched = in_child("rate", "", messages=messages, batch=200)
    one = in_child("rate", "", messages=min(messages, 1000), batch=1)
    slow = in_child("naive", "", messages=min(messages, 1000))
    report("SQLite, one sender", "≥ 1500 msg/s", f"{batched['wall']:,.0f} msg/s", batched["wall"] >= 1500, f"{batched['cpu']:,.0f} a CPU second; {batched['wall'] / slow:.1f}× naive ({slow:,.0f})")  # fmt: skip
    report(
        "SQLite, one sender, one message a step",
        "–",
        f"{one['wall']:,.0f} msg/s",
        None,
        f"{one['wall'] / slow:.1f}× naive",
    )
    two = in_child("together", "", messages=messages, senders=2, batch=200)
    report("SQLite, two senders: claimed twice", "0", f"{two['twice']}", not two["twice"] and not two["unsent"])


def on_postgresql(url: str, messages: int, claims: int) -> None:
    """PostgreSQL with synchronous_commit on."""
    one = in_child("together", url, messages=messages, senders=1, batch=20)
    four = in_child("together", url, messages=messages, senders=4, batch=20)
    ratio = four["rate"] / one["rate"]
    report("PostgreSQL, four senders against one", "≥ 1.4×", f"{ratio:.2f}×", ratio >= 1.4, f"{one['rate']:,.0f} → {four['rate']:,.0f} msg/s")  # fmt: skip
    slow = in_child("naive", url, messages=min(messages, 1000))
    report("PostgreSQL, one sender against naive", "–", f"{one['rate'] / slow:.1f}×", None, f"naive {slow:,.0f} msg/s")
    many = in_child("together", url, messages=claims, senders=4, batch=200)
    report(f"PostgreSQL, {claims:,} messages, four senders: claimed twice", "0", f"{many['twice']}", not many["twice"] and not many["unsent"], f"{many['rate']:,.0f} msg/s")  # fmt: skip


def durable(url: str) -> None:
    """The test server forgets on a power cut; a measured one must not."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = on")
        connection.execute("SELECT pg_reload_conf()")


def main() -> None:
    """Print every bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--claims", type=int, default=100_000)
    parser.add_argument("--child", choices=CHILDREN)
    parser.add_argument("--options", type=json.loads)
    options = parser.parse_args()
    if options.child:
        json.dump(CHILDREN[options.child](**options.options), sys.stdout)
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    on_sqlite(options.messages)
    from tests.servers import postgresql

    if not Path("/usr/lib/postgresql").exists():
        report("PostgreSQL", "–", "not installed here", None)
        return
    server = postgresql.start()
    try:
        durable(server.url)
        on_postgresql(server.url, options.messages, options.claims)
    finally:
        server.stop()


if __name__ == "__main__":
    main()

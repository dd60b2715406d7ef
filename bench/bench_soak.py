"""Hours in small: all roles of one machine at five times a county's load; memory and what became of every post.

A county writes some 10,000 posts a day. `--minutes 30` is the bar; the default is short enough for `make bench`.
Memory is judged from the second fifth of the time on, when models and windows are there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen

import psutil

from bench import house
from bench.house import show

PER_DAY = 5 * 10_000
PAUSE = 5.0
ROLES = ("desk", "crawl", "work")


def watched(processes: Mapping[str, Popen[bytes]], minutes: float) -> tuple[dict[str, list[float]], int]:
    """Feed for so long; resident MB of each role at every look, and how many posts were sent."""
    from storage.inbox import DjangoInbox

    door, texts, sent = DjangoInbox(), house.texts(), 0
    memory: dict[str, list[float]] = {name: [] for name in processes}
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < minutes * 60:
        due, now = int(passed * PER_DAY / 86400) + 1, datetime.now(UTC)
        door.put(house.items(texts, range(sent, due), now), now)
        sent = due
        for name, process in processes.items():
            memory[name].append(psutil.Process(process.pid).memory_info().rss / 1e6)
        time.sleep(PAUSE)
    return memory, sent


def settled(sent: int) -> None:
    """Wait until everything went the whole way, two minutes at most."""
    ends = time.monotonic() + 120
    while house.done() < sent and time.monotonic() < ends:
        time.sleep(0.5)


def growth(sizes: list[float]) -> float:
    """MB between the second and the last fifth."""
    fifth = max(1, len(sizes) // 5)
    return statistics.median(sizes[-fifth:]) - statistics.median(sizes[fifth : 2 * fifth])


def main() -> None:
    """Run and report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=2)
    options.add_argument("--port", type=int, default=18771)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-", ignore_cleanup_errors=True) as folder:
        environment = house.prepare(Path(folder)) | {"CAIFENG_PORT": str(given.port)}
        house.enter(environment)
        from caifeng import bootstrap
        from core.query import Everything

        processes = {name: house.start(environment, name) for name in ROLES}
        try:
            memory, sent = watched(processes, given.minutes)
            settled(sent)
            busy = sum(sum(psutil.Process(one.pid).cpu_times()[:2]) for one in processes.values())
        finally:
            house.end(processes.values())
        stored = bootstrap.post_store().count(Everything())
    sizes = ", ".join(f"{name} {values[-1]:.0f} MB ({growth(values):+.1f})" for name, values in memory.items())
    load = f"load {os.getloadavg()[0]:.1f}"
    show(
        f"soak, {given.minutes:g} minutes at {PER_DAY:,} posts a day: lost",
        "0",
        f"{sent - stored} of {sent:,} ({load})",
    )
    total = sum(growth(values) for values in memory.values())
    show("memory from the second to the last fifth", "< 10 MB", f"{total:+.1f} MB: {sizes}")
    show("processor, start included", "–", f"{busy / (given.minutes * 60):.1%} of a core")


if __name__ == "__main__":
    main()

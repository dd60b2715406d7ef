"""The whole worker: inbox → clean, mask, tag, merge, store, match, windows, alerts, on SQLite, with every library rule.

Real texts, nine microblog posts to one citizen's message, each up to a minute late. One process by its processor
time, against one row at a time in the same run; then two processes on one home by the wall clock.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import house
from bench.house import show

WARM = 256


def one_process(posts: int, folder: Path) -> None:
    """What one core does."""
    house.enter(house.prepare(folder))
    from caifeng import work
    from storage.inbox import DjangoInbox

    now = datetime(2026, 11, 20, 4, tzinfo=UTC)
    clock = (now + timedelta(seconds=60 + step) for step in itertools.count())
    worker, door, texts, numbers = work.worker("bench"), DjangoInbox(), house.texts(), itertools.count()

    def put(count: int) -> None:
        first = next(numbers) * 1_000_000
        door.put(house.items(texts, range(first, first + count), now), now)

    def drain() -> None:
        while worker.step(next(clock)):
            pass

    put(WARM)
    drain()
    put(posts)
    whole = house.rate(drain, posts)
    texts = house.texts(messages_only=True)
    put(posts // 10)
    letters = house.rate(drain, posts // 10)
    work.BATCH = 1
    put(100)
    single = house.rate(drain, 100)
    show("worker, one process, 90/10 microblog/messages", "-", str(whole))
    show("worker, one process, messages only", "-", str(letters))
    show("batches against one row at a time (messages)", "-", f"{letters.cpu / single.cpu:.1f} ×")
    show("peak memory", "-", f"{house.peak_memory():.0f} MB after {worker.counts['posts']:,} posts")


def two_processes(posts: int, folder: Path) -> None:
    """What two cores do: two `caifeng work` on one home."""
    environment = house.prepare(folder)
    house.enter(environment)
    from caifeng import bootstrap
    from core.query import Everything
    from storage.inbox import DjangoInbox

    now = datetime.now(UTC)
    DjangoInbox().put(house.items(house.texts(), range(posts), now - timedelta(minutes=5)), now)
    workers = [house.start(environment, "work") for _ in range(2)]
    seen = [(time.monotonic(), 0)]
    try:
        while seen[-1][1] < posts and time.monotonic() < seen[0][0] + 300:
            time.sleep(0.2)
            seen.append((time.monotonic(), house.done()))
    finally:
        house.end(workers)
    # Both have loaded their models once each had a few batches.
    begun, ended = next(mark for mark in seen if mark[1] >= posts // 5), seen[-1]
    stored = bootstrap.post_store().count(Everything())
    rate = (ended[1] - begun[1]) / (ended[0] - begun[0])
    show("worker, two processes on two cores, one SQLite home", "≥ 600/s", f"{rate:,.0f}/s wall; {stored:,} stored")


def main() -> None:
    """Each part in a process of its own, for each has a home of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--posts", type=int, default=6000)
    options.add_argument("--part", choices=("one_process", "two_processes"))
    given = options.parse_args()
    if given.part:
        with tempfile.TemporaryDirectory(prefix="caifeng-bench-", ignore_cleanup_errors=True) as folder:
            globals()[given.part](given.posts, Path(folder))
        return
    for part in ("one_process", "two_processes"):
        command = [sys.executable, "-m", "bench.bench_work", "--part", part, "--posts", str(given.posts)]
        subprocess.run(command, check=True, timeout=600)


if __name__ == "__main__":
    main()

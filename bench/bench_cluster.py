"""Two workers on a real PostgreSQL and a real Elasticsearch, one machine, killed at random while posts come in.

Posts arrive at a steady rate for `--seconds`. Lag is the age of the oldest post that waits, looked at once a second.
Every `--kill-every` seconds one worker gets a SIGKILL and starts again. At the end every post must stand in the
cluster once and in one story, and no match may be doubled.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen

from bench import house
from bench.house import show

#: Posts of one delivery, as crawls and vendors bring them.
DELIVERY = 100
#: Models are loaded and the JVM is warm after so many.
WARM = 1000
#: As in deploy/compose.yaml. In the 256 MB that tests run with, collecting garbage costs as much as indexing.
HEAP = "1g"


@contextlib.contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Both servers, as the settings that name them."""
    from deploy.elasticsearch import server as elasticsearch
    from tests.servers import postgresql

    database, cluster = postgresql.start(durable=True), elasticsearch.start(heap=HEAP)
    try:
        yield {
            "CAIFENG_DATABASE_URL": database.url,
            "CAIFENG_STORE": "elasticsearch",
            "CAIFENG_ELASTICSEARCH_URL": cluster.url,
            "CAIFENG_SECRET_KEY": "one key for all machines of the cluster",
        }
    finally:
        cluster.stop()
        database.stop()


class Workers:
    """`caifeng work` twice, each in a home of its own, as on two machines."""

    def __init__(self, environments: list[dict[str, str]]) -> None:
        self.environments = environments
        self.running: list[Popen[bytes]] = [house.start(environment, "work") for environment in environments]
        self.kills = 0

    def kill_one(self, chance: random.Random) -> None:
        """Kill one of them and start it again, as systemd does."""
        number = chance.randrange(len(self.running))
        self.running[number].kill()
        self.running[number].wait()
        self.running[number] = house.start(self.environments[number], "work")
        self.kills += 1


def wait_for(posts: int, seconds: float) -> None:
    """Until so many went the whole way. Raises TimeoutError."""
    ends = time.monotonic() + seconds
    while house.done() < posts:
        if time.monotonic() > ends:
            raise TimeoutError(f"{house.done()} of {posts} posts after {seconds} s")
        time.sleep(0.2)


class Feed:
    """Posts at a steady rate."""

    def __init__(self) -> None:
        from storage.inbox import DjangoInbox

        self.door, self.texts, self.sent = DjangoInbox(), house.texts(), 0

    def put(self, count: int) -> None:
        """Deliver posts now."""
        now = datetime.now(UTC)
        self.door.put(house.items(self.texts, range(self.sent, self.sent + count), now), now)
        self.sent += count


def run(given: argparse.Namespace) -> None:
    """Everything, once; each bar as soon as it is known."""
    chance = random.Random(20261122)
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-", ignore_cleanup_errors=True) as folder, servers() as where:
        environments = [house.prepare(Path(folder) / name) | where for name in "ab"]
        house.enter(environments[0])
        feed, workers = Feed(), Workers(environments)
        try:
            feed.put(WARM)
            wait_for(WARM, 180)
            show(
                "2 workers, Elasticsearch + PostgreSQL, backlog",
                "≥ 300/s",
                f"{capacity(feed, given.backlog):,.0f}/s {load()}",
            )
            before, begun = feed.sent, time.monotonic()
            lags = steady(feed, workers, given.rate, given.seconds, given.kill_every, chance)
            wait_for(feed.sent, 400)
            sustained = (feed.sent - before) / (time.monotonic() - begun)
        finally:
            house.end(workers.running)
        show(
            f"the same, {given.rate}/s offered, {workers.kills} kills",
            "≥ 300/s",
            f"{sustained:,.0f}/s sustained {load()}",
        )
        high = sorted(lags)[int(0.95 * len(lags))]
        words = f"{high:.1f} s at p95, median {statistics.median(lags):.1f} s, worst {max(lags):.1f} s"
        show("lag while killed at random", "< 5 s", words)
        losses(feed.sent)


def load() -> str:
    """How busy the machine is."""
    return f"(load {os.getloadavg()[0]:.1f})"


def steady(
    feed: Feed, workers: Workers, rate: int, seconds: int, kill_every: float, chance: random.Random
) -> list[float]:
    """Deliver for `seconds`; lag of each second."""
    from storage import inbox

    begun = time.monotonic()
    lags: list[float] = []
    kill_at, look_at = begun + kill_every, begun
    for number in itertools.count(1):
        now = time.monotonic()
        if now - begun >= seconds:
            return lags
        feed.put(DELIVERY)
        if kill_every and now >= kill_at:
            workers.kill_one(chance)
            kill_at = now + kill_every * chance.uniform(0.5, 1.5)
        if now >= look_at:
            oldest = inbox.waiting()[1]
            lags.append((datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0)
            look_at = now + 1
        time.sleep(max(0.0, begun + number * DELIVERY / rate - time.monotonic()))
    return lags


def capacity(feed: Feed, backlog: int) -> float:
    """Posts a second while a backlog is worked off by both."""
    begun = time.monotonic()
    feed.put(backlog)
    wait_for(feed.sent, 300)
    return backlog / (time.monotonic() - begun)


def losses(sent: int) -> None:
    """Whether every post stands in the cluster once."""
    from caifeng import bootstrap
    from core.query import Everything
    from rules.models import MatchRow
    from storage.models import Story

    store = bootstrap.post_store()
    store.maintain()
    store.client.indices.refresh(index="posts")  # type: ignore[attr-defined]  # the cluster's store
    stored, in_stories = store.count(Everything()), sum(Story.objects.values_list("size", flat=True))
    doubled = MatchRow.objects.count() - len(set(MatchRow.objects.values_list("rule", "version", "post")))
    show("posts lost", "0", f"{sent - stored} of {sent:,}; in stories {in_stories:,}; doubled matches {doubled}")


def main() -> None:
    """Read the options and run."""
    options = argparse.ArgumentParser(description=__doc__)
    # More than the bar: what is offered in a minute takes a little longer, so 300 could never be seen.
    options.add_argument("--rate", type=int, default=320)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--kill-every", type=float, default=10, help="0 for no kills")
    options.add_argument("--backlog", type=int, default=4000)
    run(options.parse_args())


if __name__ == "__main__":
    main()

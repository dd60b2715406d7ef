"""The bars of the SQLite store on synthetic posts, with LIKE and plain scans on the same posts in the same run.

`--quick` takes 20,000 posts, `--million` goes on to 1,000,000. CPU is that of the calling thread: neighbours do
not count. Wall figures are of the machine as it is; the load is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench.storage_crash import survive
from bench.storage_posts import DAYS, END, Town
from core.model import Mood, TaggedPost
from core.ports import Bucket
from core.query import And, Everything, Node, Not, Or, Range, Text
from storage.codec import decode
from storage.moments import microseconds
from storage.normal import matching_form
from storage.query import fields
from storage.sqlite import SqliteStore, schema
from storage.sqlite.packing import unpack
from storage.sqlite.rows import SEQUENCE_BITS, SLOTS, first_key, slot

BATCH = 500
QUERIES = 60
WINDOWS = (1, 7, 30)
HOUR = timedelta(hours=1)


def row(name: str, bar: str, measured: str) -> None:
    """One line of the report."""
    print(f"| {name} | {bar} | {measured} |", flush=True)


def p95(times: Sequence[float]) -> float:
    """95th percentile in milliseconds."""
    return sorted(times)[int(len(times) * 0.95)] * 1000


def timed(
    work: Callable[[Any], object], items: Iterable[Any], clock: Callable[[], float] = time.thread_time
) -> list[float]:
    """Seconds each item took."""
    taken = []
    for item in items:
        started = clock()
        work(item)
        taken.append(clock() - started)
    return taken


def ingest(store: SqliteStore, posts: Iterator[TaggedPost], count: int) -> tuple[float, float]:
    """Write in batches; wall and CPU seconds of the store alone, without drawing the posts."""
    wall = cpu = 0.0
    with tqdm(total=count, desc="ingest", unit="post", file=sys.stderr, disable=None) as bar:
        while batch := list(itertools.islice(posts, BATCH)):
            started, thread = time.perf_counter(), time.thread_time()
            store.upsert(batch)
            wall, cpu = wall + time.perf_counter() - started, cpu + time.thread_time() - thread
            bar.update(len(batch))
    return wall, cpu


class Plain:
    """The naive store: every post's form and record in a table, keyed by time."""

    def __init__(self, path: Path, store: SqliteStore) -> None:
        self.connection = schema.connect(path)
        self.connection.execute("CREATE TABLE plain (key INTEGER PRIMARY KEY, form TEXT, record TEXT)")
        source = schema.connect(store.path)
        found = source.execute("SELECT key, body FROM record ORDER BY key")
        self.connection.execute("BEGIN")
        while rows := found.fetchmany(1000):
            self.connection.executemany(
                "INSERT INTO plain VALUES (?, ?, ?)",
                [(key, fields.body(decode(unpack(body))), unpack(body)) for key, body in rows],
            )
        self.connection.execute("COMMIT")
        source.close()

    def newest(self, condition: str, words: Sequence[str], days: int) -> list[TaggedPost]:
        """Newest 20 by LIKE."""
        low = first_key(microseconds(END - timedelta(days=days)))
        sql = f"SELECT record FROM plain WHERE key >= ? AND {condition} ORDER BY key DESC LIMIT 20"
        found = self.connection.execute(sql, [low, *(f"%{word}%" for word in words)])
        return [decode(record) for (record,) in found]


#: Operator → (tree of the words, the same as LIKE).
OPERATORS: dict[str, tuple[Callable[..., Node], str]] = {
    "AND": (lambda one, two: And((Text(one), Text(two))), "form LIKE ? AND form LIKE ?"),
    "NOT": (lambda one, two: And((Text(one), Not(Text(two)))), "form LIKE ? AND form NOT LIKE ?"),
    "OR": (lambda one, two: Or((Text(one), Text(two))), "(form LIKE ? OR form LIKE ?)"),
    "phrase": (Text, "form LIKE ?"),
}
BARS = {"AND": 50, "NOT": 20, "phrase": 15, "OR": 8}


def disk(store: SqliteStore, total: int) -> str:
    """Pages in use; the file also has free ones, which the next writes take."""
    connection = schema.connect(store.path)
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    connection.close()
    return f"{(pages - free) * size / total / 1000:.2f} kB ({pages * size / total / 1000:.2f} kB with free pages)"


def questions(town: Town, store: SqliteStore, total: int) -> dict[str, list[tuple[str, ...]]]:
    """Words that stand in 0.03 % to 25 % of the posts, rare and frequent ones alike, and stock phrases."""
    luck = random.Random(3)
    drawn = dict.fromkeys(word for word in town.drawn(4000) if 2 <= len(word) <= 4)
    counted = [(store.count(Text(word)) / total, word) for word in itertools.islice(drawn, 400)]
    words = [word for share, word in counted if 0.0003 <= share <= 0.25]
    pairs: list[tuple[str, ...]] = [tuple(luck.sample(words, 2)) for _ in range(QUERIES)]
    phrases: list[tuple[str, ...]] = [
        (matching_form(phrase),) for phrase in luck.choices(town.phrases, cum_weights=town.phrase_weights, k=QUERIES)
    ]
    return {"AND": pairs, "NOT": pairs, "OR": pairs, "phrase": phrases}


def windowed(name: str, asked: Sequence[tuple[str, ...]]) -> list[Node]:
    """The questions of an operator, each within 1, 7 or 30 days."""
    since = [Range("published", low=END - timedelta(days=days)) for days in WINDOWS]
    return [And((OPERATORS[name][0](*words), since[number % 3])) for number, words in enumerate(asked)]


def searches(store: SqliteStore, asked: dict[str, list[tuple[str, ...]]]) -> dict[str, float]:
    """p95 CPU ms of the newest 20 per operator."""
    return {name: p95(timed(store.search, windowed(name, asked[name]))) for name in OPERATORS}


def compare_with_like(store: SqliteStore, plain: Plain, asked: dict[str, list[tuple[str, ...]]]) -> dict[str, float]:
    """Print each operator's ratio; both must find the same posts."""
    ours = searches(store, asked)
    for name, (_, condition) in OPERATORS.items():
        naive = [(condition, words, WINDOWS[number % 3]) for number, words in enumerate(asked[name])]
        theirs = p95(timed(lambda question: plain.newest(*question), naive))
        pairs = zip(windowed(name, asked[name]), naive, strict=True)
        wrong = sum(times(store.search(query).posts) != times(plain.newest(*question)) for query, question in pairs)
        row(
            f"{name}, newest 20, p95 CPU against LIKE",
            f"≥ {BARS[name]}×",
            f"{theirs / ours[name]:.0f}× ({ours[name]:.2f} ms, LIKE {theirs:.1f} ms; {wrong} of {QUERIES} answers differ)",
        )
    return ours


def times(posts: Iterable[TaggedPost]) -> list[int]:
    """Slots of time: within one the naive order differs."""
    return sorted(slot(microseconds(post.post.published_at)) for post in posts)


def histogram(store: SqliteStore) -> None:
    """Hour × sentiment over 7 days, against a scan of the same rows."""
    luck = random.Random(5)
    ends = [END - timedelta(hours=luck.randrange((DAYS - 9) * 24)) for _ in range(QUERIES)]
    week = 7 * 24 * HOUR

    def kept(end: datetime) -> list[Bucket]:
        return store.histogram(Everything(), start=end - week, end=end, step=HOUR, facet="sentiment")

    connection = schema.connect(store.path)
    sql = f"SELECT (key >> {SEQUENCE_BITS}) / {SLOTS}, sentiment, count(*) FROM post WHERE key >= ? AND key < ? GROUP BY 1, 2"

    def scanned(end: datetime) -> list[tuple[int, str, int]]:
        low, high = (first_key(microseconds(moment)) for moment in (end - week, end))
        found: list[tuple[int, str, int]] = connection.execute(sql, (low, high)).fetchall()
        return found

    ours, scan = p95(timed(kept, ends)), p95(timed(scanned, ends))
    row("hour × sentiment over 7 days, p95 CPU", "≤ 5 ms", f"{ours:.2f} ms")
    row("… against a scan", "≥ 10×", f"{scan / ours:.0f}× (scan {scan:.1f} ms)")
    differ = 0
    for end in ends:
        found = sorted((microseconds(bar.start) // 3_600_000_000, bar.value, bar.count) for bar in kept(end))
        differ += found != sorted(scanned(end))
    row("… after random upserts and deletes", "equal to the scan", f"{differ} of {QUERIES} differ")
    connection.close()


def shuffle(store: SqliteStore, count: int) -> None:
    """Change mood and time of random posts and drop the oldest day."""
    luck = random.Random(6)
    posts = list(itertools.islice(store.scan(Everything()), 0, count * 20, 20))
    for start in range(0, len(posts), BATCH):
        store.upsert([_changed(post, luck) for post in posts[start : start + BATCH]])
    store.expire(END - timedelta(days=DAYS - 1))


def _changed(post: TaggedPost, luck: random.Random) -> TaggedPost:
    tags = replace(post.tags, sentiment=replace(post.tags.sentiment, label=luck.choice(list(Mood))))
    at = post.post.published_at + timedelta(minutes=luck.randrange(600))
    return replace(post, tags=tags, post=replace(post.post, published_at=at))


def single_upserts(store: SqliteStore) -> None:
    """One changed post and commit, synced to disk."""
    luck = random.Random(8)
    posts = store.search(Everything(), limit=200).posts
    changed = [[_changed(post, luck)] for _ in range(2) for post in posts]
    wall = timed(store.upsert, changed[: len(posts)], time.perf_counter)
    cpu = timed(store.upsert, changed[len(posts) :])
    row("durable single upsert, p95 wall", "≤ 10 ms", f"{p95(wall):.1f} ms ({p95(cpu):.1f} ms CPU)")


def digest(store: SqliteStore) -> str:
    """Hash of every table's rows."""
    connection, found = schema.connect(store.path), hashlib.sha256()
    for table in ("post", "record", "hourly", "daily"):
        for values in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
            found.update(repr(values).encode())
    connection.execute("INSERT INTO gram (gram) VALUES ('integrity-check')")
    connection.close()
    return found.hexdigest()


def replay(store: SqliteStore, total: int) -> None:
    """Write every post again as it is."""
    before = digest(store)
    new, posts = 0, store.scan(Everything())
    started = time.perf_counter()
    while batch := list(itertools.islice(posts, BATCH)):
        new += store.upsert(batch)
    seconds = time.perf_counter() - started
    changed = "nothing changed" if digest(store) == before and not new else "CHANGED"
    row(f"replay of {total:,}", "changes nothing", f"{changed} ({total / seconds:,.0f}/s)")


def _write_on(path: Path) -> None:
    store, posts = SqliteStore(path), Town(99).posts(10**9, first=10**8)
    while batch := list(itertools.islice(posts, 100)):
        store.upsert(batch)


def readers(store: SqliteStore, asked: dict[str, list[tuple[str, ...]]]) -> None:
    """Reader's wall time beside a process that writes all the time."""
    queries = windowed("AND", asked["AND"]) * 5
    idle = p95(timed(store.search, queries, time.perf_counter))
    writer = multiprocessing.get_context("fork").Process(target=_write_on, args=(store.path,), daemon=True)
    before = store.count(Everything())
    writer.start()
    while store.count(Everything()) == before:
        time.sleep(0.1)
    busy = p95(timed(store.search, queries, time.perf_counter))
    writer.kill()
    writer.join()
    row("reader p95 wall while writing", "≤ 2.5× idle", f"{busy / idle:.1f}× ({idle:.2f} → {busy:.2f} ms)")


def crash(folder: Path, rounds: int) -> None:
    """Kill -9 of a writer."""
    posts = list(Town(11).posts(rounds * 400))
    batches = [posts[start : start + 20] for start in range(0, len(posts), 20)]
    found = survive(folder / "crash.sqlite3", batches, rounds)
    row(
        f"{rounds} × kill -9",
        "nothing lost, no half batch, counts right",
        f"{found.acknowledged} batches acknowledged, {found.lost} lost, {found.half} half, {found.wrong_counts} wrong counts",
    )


def main() -> None:
    """Run the bars one after the other."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--posts", type=int, default=200_000)
    options.add_argument("--quick", action="store_true", help="20,000 posts")
    options.add_argument("--million", action="store_true", help="go on to 1,000,000")
    asked_for = options.parse_args()
    total = 20_000 if asked_for.quick else asked_for.posts
    print(f"{total:,} posts, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| bar | figure | measured |\n|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-") as name, suppress(KeyboardInterrupt):
        run(Path(name), total, asked_for.million)


def run(folder: Path, total: int, with_million: bool) -> None:
    """All bars in a folder."""
    town, store = Town(1), SqliteStore(folder / "posts.sqlite3")
    wall, cpu = ingest(store, town.posts(total), total)
    row(f"ingest of {total:,}", "≥ 1,000/s wall", f"{total / wall:,.0f}/s wall, {total / cpu:,.0f}/s CPU")
    asked = questions(town, store, total)
    store.maintain()
    row("disk after the nightly merge", "≤ 3.3 kB a post", disk(store, total))
    plain = Plain(folder / "plain.sqlite3", store)
    before = compare_with_like(store, plain, asked)
    replay(store, total)
    shuffle(store, 1000)
    histogram(store)
    single_upserts(store)
    readers(store, asked)
    crash(folder, 50)
    if with_million:
        more = 1_000_000 - total
        later, later_cpu = ingest(store, town.posts(more, first=total), more)
        row(
            "cost a post, 1M against 200k",
            "≤ 1.5×",
            f"{later_cpu / more / (cpu / total):.2f}× CPU, {later / more / (wall / total):.2f}× wall",
        )
        store.maintain()
        after = searches(store, asked)
        row(
            "newest 20 at 1M against 200k",
            "≤ 1.5×",
            ", ".join(f"{name} {after[name] / before[name]:.2f}×" for name in after),
        )
    store.close()


if __name__ == "__main__":
    main()

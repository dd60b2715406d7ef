"""Briefings: three formats of a week of 200,000 posts and 2,000 alerts, a ledger of 10,000 rows, a flash report.

    python -m bench.bench_briefings [--quick]

Peers of the same run: openpyxl's write-only workbook for the ledger; the same posts counted one by one in Python
for the numbers.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, seconds by the wall, seconds of processor."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - processor


def show(name: str, bar: str, wall: float, processor: float, more: str = "") -> None:
    """One line per bar."""
    print(f"{name:<38} bar {bar:<10} measured {wall:6.2f} s (processor {processor:5.2f} s) {more}")


def memory() -> int:
    """Peak resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def apart(work: Callable[[], None]) -> None:
    """Do it in a child, so that its memory is not counted as the briefings'."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("the bench could not fill its home")


def fill(folder: Path, posts: int, alerts: int) -> None:
    """Posts of two weeks, alerts of one."""
    from caifeng import bootstrap

    bootstrap.ready()
    from storage.sqlite import SqliteStore
    from tests.fixtures import brief_week as week

    store, found = SqliteStore(folder / "posts.sqlite3"), week.posts(posts)
    while batch := list(islice(found, 5000)):
        store.upsert(batch)
    store.close()
    week.incidents()
    week.alerts(alerts, bootstrap.load_profile("example-county"))


def fill_ledger(posts: int, first: int, rows: int) -> None:
    """More alerts, each with a post."""
    from caifeng import bootstrap

    bootstrap.ready()
    from alerts.models import AlertPost
    from tests.fixtures import brief_week as week

    made = week.alerts(rows, bootstrap.load_profile("example-county"), seed=8, first=first)
    ids = [tagged.post.id for tagged in week.posts(min(posts, rows))]
    AlertPost.objects.bulk_create(
        AlertPost(alert=alert, post=ids[at % len(ids)], added_at=week.NOW) for at, alert in enumerate(made)
    )


def measure(folder: Path, posts: int, alerts: int, rows: int) -> None:
    """Fill a home and measure."""
    apart(lambda: fill(folder, posts, alerts))
    from caifeng import bootstrap

    bootstrap.ready()
    from django.db import connections

    from alerts.models import Alert
    from briefings import document as documents
    from briefings import drafting, editing, ledger
    from storage.sqlite import SqliteStore
    from tests.fixtures import brief_week as week

    profile = bootstrap.load_profile("example-county")
    store = SqliteStore(folder / "posts.sqlite3")
    before = memory()

    def draft(kind: str, subject: str) -> Any:
        return drafting.draft(kind, subject, profile=profile, store=store, now=week.NOW)

    briefing, gathered, busy = timed(lambda: draft("weekly", week.WEEK))
    figures = documents.from_json(briefing.body).figures
    files, written, busy_write = timed(lambda: editing.files(briefing))
    print(f"{posts:,} posts, {alerts:,} alerts, {len(figures)} figures; load {os.getloadavg()[0]:.1f}")
    show("weekly: gather and compose", "", gathered, busy)
    show("weekly: docx, PDF, HTML (cold)", "", written, busy_write, f"{sum(map(len, files.values())) // 1024} KB")
    show("weekly: all together", "< 5 s", gathered + written, busy + busy_write)
    _, again, busy_again = timed(lambda: editing.files(briefing))
    show("weekly: docx, PDF, HTML (warm)", "", again, busy_again)
    (by_hand, wrong), counting, busy_counting = timed(lambda: recount(week.posts(posts), figures))
    show("the same counts one by one", "", counting, busy_counting, f"{by_hand} figures compared, {wrong} differ")
    print(f"  ratio by hand / gather: {busy_counting / max(busy, 1e-9):.1f}")
    number = Alert.objects.values_list("number", flat=True)[0]
    flash, wall, processor = timed(lambda: draft("flash", number))
    _, wall_write, processor_write = timed(lambda: editing.files(flash))
    show("flash report, three formats", "seconds", wall + wall_write, processor + processor_write)

    connections.close_all()
    apart(lambda: fill_ledger(posts, alerts, rows))
    found = ledger.of_period(week.MONDAY, week.NOW).filter(number__gte=f"2026-{alerts:05d}")
    entries = partial(ledger.entries, found, profile=profile, store=store, public_url="http://127.0.0.1")
    data, wall, processor = timed(lambda: ledger.xlsx(entries(), profile, title="台账"))
    show(f"ledger xlsx, {rows:,} rows × {len(ledger.DEFAULT)}", "< 3 s", wall, processor, f"{len(data) // 1024} KB")
    _, peer, busy_peer = timed(lambda: openpyxl_ledger(entries(), profile))
    show("  the same by openpyxl", "", peer, busy_peer, f"ratio {busy_peer / processor:.1f}")
    text, wall, processor = timed(lambda: ledger.csv_text(entries(), profile))
    show(f"ledger csv, {rows:,} rows", "", wall, processor, f"{len(text) // 1024} K characters")
    print(f"{'memory, peak':<38} bar < 500 MB   measured {memory()} MB ({before} MB before the first briefing)")
    store.close()


def recount(posts: Any, figures: Any) -> tuple[int, int]:
    """Count volumes by mood, kind and topic without any store; how many were compared and how many differ."""
    from tests.fixtures.brief_week import MONDAY

    found: Counter[str] = Counter()
    for tagged in posts:
        if tagged.post.published_at < MONDAY:
            found["total.before"] += 1
            continue
        found["total"] += 1
        found[f"mood.{tagged.tags.sentiment.label}"] += 1
        found[f"kind.{tagged.post.kind}"] += 1
        found.update(f"topic.{score.id}" for score in tagged.tags.topics)
    shared = [key for key in found if key in figures]
    return len(shared), sum(figures[key].value != found[key] for key in shared)


def openpyxl_ledger(entries: Any, profile: Any) -> bytes:
    """The peer: openpyxl's fastest way, values as text."""
    import openpyxl

    from briefings import ledger
    from core.legible import cell_text

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("台账")
    columns = ledger.chosen(profile)
    sheet.append([name for name, _ in columns])
    for entry in entries:
        values = [value(entry) for _, value in columns]
        sheet.append([value if isinstance(value, int) else cell_text(str(value or "")) for value in values])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def main() -> None:
    """Measure in a home of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the posts and alerts")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-") as folder:
        os.environ["CAIFENG_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "caifeng.settings"
        import django

        django.setup()
        posts, alerts = (20_000, 200) if quick else (200_000, 2_000)
        measure(Path(folder), posts, alerts, 10_000)


if __name__ == "__main__":
    main()

"""The whole worker: inbox → clean, mask, tag, merge, store, match, windows, on SQLite, one process.

Bars: ≥ 600 posts/s of CPU on one core; the whole-batch way against one row at a time, in the same run.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta

from caifeng.demo.chronicle import BREWING, ORDINARY, PLACES

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
VOICES = [*ORDINARY, *(voice for matter in BREWING for voice in matter)]


def items(count: int, first: int):  # type: ignore[no-untyped-def]  # RawItem needs Django's settings first
    """Distinct short posts, one in ten of a letter's length."""
    from core.model import RawItem

    for number in range(first, first + count):
        _, title, text = VOICES[number % len(VOICES)]
        town, village = PLACES[number % len(PLACES)]
        words = {"town": town, "village": village, "phone": f"139{number:08d}"}
        body = f"{text.format(**words)}我们是{number * 7919 % 100003}号楼的，{number % 31}天了。"
        if number % 10 == 0:
            body = "".join(f"{body}第{part}次反映。" for part in range(6))
        yield RawItem(
            source="bench",
            url="",
            external_id=f"B{number}",
            fetched_at=NOW,
            first_seen_at=NOW,
            content_type="application/json",
            payload={
                "id": f"B{number}",
                "title": f"{title.format(**words)}（{number}）",
                "text": body,
                "published_at": (NOW - timedelta(seconds=number % 3600)).isoformat(),
            },
        )


def main() -> None:
    """Fill an inbox and empty it; print rates."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--posts", type=int, default=8000)
    posts = options.parse_args().posts
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"CAIFENG_HOME": home, "DJANGO_SETTINGS_MODULE": "caifeng.settings", "CAIFENG_LOG_LEVEL": "ERROR"}
        import django

        django.setup()
        from caifeng import bootstrap

        bootstrap.installation()
        from caifeng import work
        from crawlers.sources import parse
        from storage.inbox import DjangoInbox

        source = parse({"id": "bench", "name": "bench", "kind": "push"})
        loaded = bootstrap.installation()
        installation = type(loaded)(**{**_fields(loaded), "sources": (source,)})
        worker = work.worker("bench")
        worker.installation = lambda: installation
        door = DjangoInbox()
        door.put(list(items(256, 10_000_000)), NOW)
        worker.step(NOW)

        taken = [_rate(lambda: door.put(list(items(posts, 0)), NOW), posts)]
        taken.append(_rate(lambda: _drain(worker), posts))
        work.BATCH = 1
        door.put(list(items(200, 20_000_000)), NOW)
        naive = _rate(lambda: _drain(worker), 200)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"posts into the inbox: {taken[0][0]:,.0f}/s wall, {taken[0][1]:,.0f}/s of CPU")
        print(f"bar ≥ 600 posts/s    worker, whole way: {taken[1][0]:,.0f}/s wall, {taken[1][1]:,.0f}/s of CPU")
        print(f"against one row at a time, same run: {taken[1][1] / naive[1]:.1f}× ({naive[1]:,.0f}/s of CPU)")
        print(f"worker.counts {worker.counts}, peak memory {memory:.0f} MB")


def _fields(value):  # type: ignore[no-untyped-def]  # any dataclass
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _drain(worker) -> None:  # type: ignore[no-untyped-def]  # as above
    while worker.step(NOW):
        pass


def _rate(work, count: int) -> tuple[float, float]:  # type: ignore[no-untyped-def]  # any callable
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return count / (time.perf_counter() - wall), count / (time.process_time() - cpu)


if __name__ == "__main__":
    main()

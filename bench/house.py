"""A home of a benchmark's own: the example county with one pushed source, and real texts to push into it."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.model import RawItem

SOURCE = "bench"
_COUNTY = Path(__file__).parent.parent / "deploy" / "profiles" / "example-county"


def prepare(home: Path) -> dict[str, str]:
    """Make the home; return the environment its processes need."""
    county = home / "county"
    shutil.copytree(_COUNTY, county, dirs_exist_ok=True)
    (county / "sources.yaml").write_text(
        f"sources:\n  - {{id: {SOURCE}, name: 压测, kind: push, channel: microblog}}\n", encoding="utf-8"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAIFENG_")}
    return environment | {
        "CAIFENG_HOME": str(home),
        "CAIFENG_PROFILE": str(county),
        "CAIFENG_LOG_LEVEL": "ERROR",
        "CAIFENG_DATA": os.environ.get("CAIFENG_DATA", "../shared/data"),
        "DJANGO_SETTINGS_MODULE": "caifeng.settings",
        "OMP_NUM_THREADS": "1",
    }


def enter(environment: Mapping[str, str]) -> None:
    """Make this process one of the home's. Told to end, it ends what it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.update(environment)
    from caifeng import bootstrap

    bootstrap.ready()
    bootstrap.installation()


def texts(messages_only: bool = False) -> Iterator[tuple[str, str]]:
    """Title and text without end: nine microblog posts, one citizen's message, and so on; repeated when used up."""
    from pipeline.training import corpora

    letters = [(row["title"], row["text"]) for name in ("replied", "board") for row in corpora.rows(f"messages/{name}")]
    if messages_only:
        return itertools.cycle(letters)
    microblogs = itertools.cycle([("", row["text"]) for row in corpora.rows("sentiment/usual3")])
    messages = itertools.cycle(letters)
    return (next(messages) if number % 10 == 9 else next(microblogs) for number in itertools.count())


def items(source: Iterator[tuple[str, str]], numbers: range, now: datetime) -> list[RawItem]:
    """Raw items as they come, 600 a second, each published up to a minute before."""
    from core.model import RawItem

    return [
        RawItem(
            source=SOURCE,
            url="",
            external_id=f"B{number}",
            fetched_at=now,
            first_seen_at=now,
            content_type="application/json",
            payload={
                "id": f"B{number}",
                "title": title,
                "text": text,
                "published_at": (now + timedelta(seconds=number / 600 - number * 7919 % 60)).isoformat(),
            },
        )
        for number, (title, text) in zip(numbers, source, strict=False)
    ]


@dataclass(frozen=True, slots=True)
class Rate:
    """Things a second, by the clock on the wall and by the processor's."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.cpu:,.0f}/s of CPU, {self.wall:,.0f}/s wall"


def rate(work: Callable[[], Any], count: int) -> Rate:
    """How fast this process does `count` things."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Rate(count / (time.perf_counter() - wall), count / (time.process_time() - cpu))


def peak_memory() -> float:
    """This process's largest resident size in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(name: str, bar: str, measured: str) -> None:
    """One line per bar."""
    print(f"{name:<58} bar {bar:<22} measured {measured}", flush=True)


def start(environment: Mapping[str, str], *role: str, version: Path | None = None) -> subprocess.Popen[bytes]:
    """A role of the home in a process of its own, as its users start it; from the packages in `version` if given."""
    return subprocess.Popen([sys.executable, "-m", "caifeng.cli", *role], env=dict(environment), cwd=version)


def end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Tell roles to stop, and wait until they did."""
    running = list(processes)
    for process in running:
        process.terminate()
    for process in running:
        process.wait(60)


def done() -> int:
    """Posts that went the whole way."""
    from storage.models import InboxItem

    return InboxItem.objects.filter(state="done").count()

"""Run as a process of its own: the crawl worker over sources given as JSON, as the role does it.

`python -m tests.servers.crawl_worker SOURCES.json [--serve]`; a reactor starts once per process only.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import threading
from pathlib import Path


def main(path: str, *, once: bool) -> None:
    """Bring the database up and crawl, as `caifeng crawl` does."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caifeng.settings")
    from caifeng import bootstrap

    bootstrap.ready()
    from crawlers import worker
    from crawlers.sources import parse

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Greatest memory of this program itself, for the bars on bombs: getrusage would count the parent's.
    atexit.register(lambda: Path(path).with_name("peak.txt").write_text(Path("/proc/self/status").read_text()))
    worker.run(lambda: [parse(entry) for entry in json.loads(Path(path).read_text("utf-8"))], once=once, stop=stop)


if __name__ == "__main__":
    main(sys.argv[1], once="--serve" not in sys.argv)

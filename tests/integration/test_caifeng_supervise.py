"""The supervisor: a child that dies comes back, and the end is the end of all."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from caifeng.supervise import Child, Supervisor

SLEEPER = (
    "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).open('a').write(f'{os.getpid()}\\n'); time.sleep(60)"
)


@contextmanager
def supervised(folder: Path) -> Iterator[Callable[[], list[int]]]:
    pids = folder / "pids"
    child = Child(
        name="sleeper", command=[sys.executable, "-c", SLEEPER, str(pids)], environment=dict(os.environ), wait=0.01
    )
    stop = threading.Event()
    supervisor = Supervisor(children=[child], stop=stop, look_every=0.02)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    yield lambda: [int(line) for line in pids.read_text().split()] if pids.exists() else []
    stop.set()
    thread.join()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited 20 s in vain"
        threading.Event().wait(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path) as pids:
        until(lambda: len(pids()) == 1)
        os.kill(pids()[0], signal.SIGKILL)

        until(lambda: len(pids()) == 2)

        assert pids()[0] != pids()[1]


def test_the_end_leaves_no_child_behind(tmp_path: Path) -> None:
    with supervised(tmp_path) as pids:
        until(lambda: len(pids()) == 1)
        pid = pids()[0]

    assert not alive(pid)

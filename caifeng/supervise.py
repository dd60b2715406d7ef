"""`caifeng up`: every role in one place. A child that dies comes back; Ctrl-C stops all in good order."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

#: Between SIGTERM and SIGKILL; the crawl worker drains for up to 30 s.
GRACE = 32.0
#: First wait before a dead child is started again; doubles up to a minute while it keeps dying.
FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
#: A child that lived so long is healthy again.
SETTLED = 30.0


@dataclass(slots=True)
class Child:
    """One supervised process."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = FIRST_WAIT
    start_at: float = 0.0

    def start(self) -> None:
        """Begin, in a process group of its own so that the terminal's Ctrl-C reaches the supervisor alone."""
        self.process = subprocess.Popen(self.command, env=dict(self.environment), start_new_session=True)
        self.started = time.monotonic()

    def look(self) -> None:
        """Start what should run and does not; wait longer each time it dies young."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self.wait = FIRST_WAIT if now - self.started > SETTLED else min(LONGEST_WAIT, self.wait * 2)
        self.start_at = now + self.wait
        self.process = None
        log.warning("%s ended with %s, starts again in %.1f s", self.name, code, self.wait)


@dataclass(slots=True)
class Supervisor:
    """Keeps children running until told to stop."""

    children: list[Child]
    stop: threading.Event
    look_every: float = 0.5

    def run(self) -> None:
        """Look after the children; at the end stop them all, together, and wait."""
        try:
            while not self.stop.is_set():
                for child in self.children:
                    child.look()
                self.stop.wait(self.look_every)
        finally:
            self._stop()

    def _stop(self) -> None:
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("pid %s did not stop within %.0f s and is killed", process.pid, GRACE)
                process.kill()
                process.wait()


def role_command(*arguments: str) -> list[str]:
    """The command line of a role in this very installation."""
    return [sys.executable, "-m", "caifeng.cli", *arguments]


def die_with_parent() -> None:
    """Under a supervisor, a role ends when the supervisor is killed, so that no second set ever runs beside it."""
    if os.environ.get("CAIFENG_SUPERVISED") and sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)

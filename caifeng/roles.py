"""The loop every role runs in: step, say that it lives, rest when there is nothing to do, stop in good order."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from django.db import close_old_connections

from core.errors import Conflict
from storage import changes, heartbeat

log = logging.getLogger(__name__)

BEAT_EVERY = timedelta(seconds=20)
#: Longest rest after repeated failures.
LONGEST_REST = 30.0
#: Seconds between two looks at whether anybody wrote; a look is one PRAGMA, a step several queries.
GLANCE = 0.25
#: A role that may rest so long waits for no news.
PATIENT_REST = 5.0
#: Longest rest on a database that cannot tell whether anybody wrote.
BLIND_REST = 0.3


class Role(Protocol):
    """A part of the work that runs by itself."""

    name: str
    #: Longest rest, in seconds, when there was nothing to do; ends early when anybody writes to the database.
    rest: float

    def step(self, now: datetime) -> int:
        """Do what is due; return how much was done, 0 when there was nothing."""

    def detail(self) -> Mapping[str, Any]:
        """Figures for `caifeng status`."""


@runtime_checkable
class Unfinished(Protocol):
    """A role that may have work in hand when it is told to stop."""

    def close(self, now: datetime) -> None:
        """Bring it to an end."""


def instance() -> str:
    """`host:pid` of this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_gone(owner: str) -> bool:
    """Whether a role that ran on this machine, as `host:pid`, does not any more; of other machines nobody knows."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it lives, under another user
    return False


def stop_on_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@dataclass(slots=True)
class Beat:
    """A role's sign of life, written at most every twenty seconds."""

    role: str
    clock: Callable[[], datetime]
    started_at: datetime
    watch: Callable[[datetime], object]
    last: datetime | None = None
    error: str = ""

    def tick(self, detail: Callable[[], Mapping[str, Any]]) -> None:
        """Write the heartbeat when it is time."""
        now = self.clock()
        if self.last is None or now - self.last >= BEAT_EVERY or now < self.last:
            close_old_connections()  # a database that was restarted is found again
            heartbeat.beat(self.role, instance(), self.started_at, now, detail(), self.error)
            self.last = now
            self.watch(now)


def _nothing(now: datetime) -> None:
    """Look after nobody."""


def utc_now() -> datetime:
    """The clock of every role."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Loop:
    """Runs one role until told to stop."""

    role: Role
    stop: threading.Event
    clock: Callable[[], datetime] = utc_now
    #: Called with every sign of life: the roles look after each other.
    watch: Callable[[datetime], object] = _nothing
    #: Differs once anybody else wrote to the database; None where it cannot tell.
    mark: Callable[[], object] = changes.mark
    failures: int = field(default=0, init=False)

    def run(self, *, once: bool = False) -> None:
        """Loop; with `once`, until a step finds nothing to do.

        1. Step. 2. An error is logged, shown in the heartbeat, and waited out, longer each time.
        3. With nothing to do, rest until somebody wrote something.
        4. At the end, finish what is in hand and say goodbye.
        """
        beat = Beat(self.role.name, self.clock, self.clock(), self.watch)
        try:
            while not self.stop.is_set():
                seen = self.mark()
                done = self._step(beat, once=once)
                beat.tick(self.role.detail)
                if once and done == 0:
                    return
                if done == 0:
                    self._rest(seen)
        finally:
            if isinstance(self.role, Unfinished):
                self.role.close(self.clock())
            heartbeat.leave(self.role.name, instance())

    def _rest(self, seen: object) -> None:
        """Until there is news since `seen`, at most the role's rest; after failures longer, whatever the news."""
        if self.failures:
            self.stop.wait(min(LONGEST_REST, self.role.rest * 2 ** min(self.failures, 8)))
            return
        if self.role.rest >= PATIENT_REST:
            self.stop.wait(self.role.rest)
            return
        if seen is None:
            self.stop.wait(min(self.role.rest, BLIND_REST))
            return
        for _ in range(round(self.role.rest / GLANCE)):
            if self.stop.wait(GLANCE) or self.mark() != seen:
                return

    def _step(self, beat: Beat, *, once: bool) -> int:
        try:
            done = self.role.step(self.clock())
        except Conflict:
            return 1  # another worker was first; look again
        except Exception as error:
            # A role must outlive anything one step can raise; the error is logged, counted and shown.
            if once:
                raise
            self.failures += 1
            beat.error = f"{type(error).__name__}: {error}"[:500]
            beat.last = None
            log.exception("step failed", extra={"role": self.role.name})
            return 0
        self.failures = 0
        return done

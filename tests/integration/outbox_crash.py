"""Senders that are killed with SIGKILL at every boundary of their work, again and again, on a database of their own.

`python -m tests.integration.outbox_crash` sets Django up once and forks a sender for each round, so that a kill costs
milliseconds. The world outside is a file of ids the channel accepted. Time is an argument: after a kill the next
round begins when the lease has run out. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connections

from core.ports import Message

START = datetime(2026, 11, 23, 1, tzinfo=UTC)
#: In the order of a message's way.
POINTS = ("inside claim", "after claim", "before send", "after send", "inside record", "after record")


def die() -> None:
    """As the power would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Accepting:
    """A channel outside: it took a message when the line is in the file."""

    def __init__(self, path: Path, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._before, self._after = before, after

    def send(self, message: Message) -> str:
        """One write, whole or not at all."""
        self._before()
        os.write(self._file, f"{message.id}\n".encode())
        self._after()
        return message.id


def countdown(calls: int) -> Callable[[], None]:
    """Dies at that call."""
    left = [calls]

    def tick() -> None:
        left[0] -= 1
        if left[0] == 0:
            die()

    return tick


def nothing() -> None:
    """The other boundaries."""


def send_until(point: str, calls: int, path: Path, now: datetime) -> None:
    """In a child: send with a trap at the point."""
    from alerts import leases
    from alerts.outbox import Sender

    traps = {name: countdown(calls) if name == point else nothing for name in POINTS}
    for name, attribute in (("inside claim", "_parcels"), ("inside record", "_sent")):
        setattr(leases, attribute, followed(getattr(leases, attribute), traps[name]))
    for name, attribute in (("after claim", "claim"), ("after record", "record")):
        setattr(leases, attribute, followed(getattr(leases, attribute), traps[name]))
    channel = Accepting(path, traps["before send"], traps["after send"])
    sender = Sender({"chat": channel}, f"sender-{os.getpid()}", batch=20, workers=4)
    while sender.step(now):
        pass
    os._exit(0)


def followed(function: Callable[..., Any], trap: Callable[[], None]) -> Callable[..., Any]:
    """The function, then the trap."""

    def both(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        trap()
        return result

    return both


def fork(work: Callable[[], None]) -> int:
    """A child with connections of its own."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(3)
    return child


def killed(child: int) -> bool:
    """Wait for the child; whether SIGKILL ended it. Any other failure ends the run."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status:
        sys.exit(f"a sender failed with status {status}")
    return False


def fill(count: int, now: datetime) -> None:
    """Put messages for forty recipients into the outbox."""
    from alerts.models import Notification

    rows = [
        Notification(
            dedupe_key=f"{now.timestamp()}-{number}",
            kind="copy",
            channel="chat",
            recipient=f"C{number % 40}",
            payload={"title": "t", "text": "x"},
            urgency=number % 5,
            created_at=now,
            due_at=now,
        )
        for number in range(count)
    ]
    Notification.objects.bulk_create(rows)


def accepted(path: Path) -> Counter[str]:
    """Id → how often the channel took it."""
    return Counter(path.read_text().split()) if path.exists() else Counter()


def crash(kills: int, path: Path) -> dict[str, Any]:
    """Kill at each boundary in turn until there were so many kills, then let one sender finish."""
    from alerts.models import Notification

    now, done, window, doubled_outside = START, 0, set[str](), 0
    while done < kills:
        if not Notification.objects.filter(state__in=["pending", "sending"]).exists():
            fill(80, now)
        before = accepted(path)
        point, calls = POINTS[done % len(POINTS)], 1 + done // len(POINTS) % 3
        done += killed(fork(lambda p=point, n=calls, t=now: send_until(p, n, path, t)))
        again = {key for key, count in accepted(path).items() if before[key] and count > before[key]}
        doubled_outside += len(again - window)
        window = accepted(path).keys() - recorded()
        now += timedelta(seconds=61)
    killed(fork(lambda: send_until("none", 1, path, now)))
    taken = accepted(path)
    keys = {str(key) for key in Notification.objects.values_list("pk", flat=True)}
    return {
        "kills": done,
        "messages": len(keys),
        "lost": len(keys - taken.keys()),
        "strange": len(taken.keys() - keys),
        "doubled": sum(count - 1 for count in taken.values()),
        "doubled_outside_window": doubled_outside,
        "unsettled": len(keys - recorded()),
    }


def recorded() -> set[str]:
    """Ids the outbox knows as sent; what the channel took beyond these is inside the crash window."""
    from alerts.models import Notification

    return {str(key) for key in Notification.objects.filter(state="sent").values_list("pk", flat=True)}


def together(messages: int, senders: int, path: Path) -> dict[str, Any]:
    """Several senders at once, nobody killed."""
    fill(messages, START)
    children = [fork(lambda: send_until("none", 1, path, START)) for _ in range(senders)]
    for child in children:
        killed(child)
    taken = accepted(path)
    return {"messages": messages, "sent": len(taken), "doubled": sum(count - 1 for count in taken.values())}


def main() -> None:
    """Run one of the two stories."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--together", type=int, default=0)
    options = parser.parse_args()
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    path = options.folder / "accepted.txt"
    result = crash(options.kills, path) if options.kills else together(2000, options.together, path)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()

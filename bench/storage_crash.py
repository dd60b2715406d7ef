"""A writer of the SQLite store killed at random moments; what it had acknowledged must be there, whole."""

from __future__ import annotations

import os
import random
import select
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.model import TaggedPost
from core.query import Everything
from storage.sqlite import SqliteStore


@dataclass(slots=True)
class Survey:
    """What was found after the kills."""

    acknowledged: int = 0
    lost: int = 0
    half: int = 0
    wrong_counts: int = 0


def survive(path: Path, batches: Sequence[Sequence[TaggedPost]], rounds: int, seed: int = 1) -> Survey:
    """Let a process write the batches over and over; kill it `rounds` times and look each time."""
    luck, survey = random.Random(seed), Survey()
    for turn in range(rounds):
        own = [batch for number, batch in enumerate(batches) if number % rounds == turn]
        acknowledged = _killed(path, own, luck.randint(1, len(own) - 1), luck.uniform(0, 0.05))
        store = SqliteStore(path)
        for number, batch in enumerate(own):
            found = len(store.get([post.post.id for post in batch]))
            survey.lost += number < acknowledged and found < len(batch)
            survey.half += 0 < found < len(batch)
        survey.acknowledged += acknowledged
        survey.wrong_counts += store.count(Everything()) != len(list(store.scan(Everything())))
        store.close()
    return survey


def _killed(path: Path, batches: Sequence[Sequence[TaggedPost]], enough: int, seconds: float) -> int:
    """Write in a child, kill it `seconds` after `enough` batches; return how many it acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        store = SqliteStore(path)
        for batch in batches:
            store.upsert(batch)
            os.write(writer, b"a")
        signal.pause()
    os.close(writer)
    acknowledged = b""
    while len(acknowledged) < enough:
        acknowledged += os.read(reader, 1)
    select.select([], [], [], seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(reader, 4096):
        acknowledged += part
    os.close(reader)
    return len(acknowledged)

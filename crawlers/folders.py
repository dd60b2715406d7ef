"""Drop folders: exports put there are read once and moved to `done/`, what could not be read beside them."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TextIO

from core.errors import ConfigError
from core.model import RawItem
from crawlers import states
from crawlers.files import SUFFIXES, RejectedRow, read_rows
from crawlers.sources import Source

log = logging.getLogger(__name__)

#: A file younger than this may still be being copied.
SETTLED = timedelta(seconds=2)
BATCH = 500


@dataclass(slots=True)
class Taken:
    """What a look into a folder brought."""

    files: int = 0
    new: int = 0
    shown: int = 0
    rejected: int = 0
    reason: str = ""


def take_folder(folder: Path, source: Source, now: datetime) -> Taken:
    """Take in every settled file of a folder; a file counts as done when all its rows are in the inbox."""
    taken = Taken()
    if not folder.is_dir():
        taken.reason = f"没有这个文件夹：{folder}"
        return taken
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path.is_file() and _settled(path, now):
            _take_file(path, source, now, taken)
    return taken


def _settled(path: Path, now: datetime) -> bool:
    return path.stat().st_mtime <= (now - SETTLED).timestamp()


def _take_file(path: Path, source: Source, now: datetime, taken: Taken) -> None:
    rejects = path.with_name(f"{path.name}.rejected.part")
    try:
        rows = read_rows(path, source, now)
        with rejects.open("w", encoding="utf-8") as file:
            while batch := list(islice(rows, BATCH)):
                items = [row for row in batch if isinstance(row, RawItem)]
                taken.new += states.take_in(source.id, items, [], None, now)
                taken.shown += len(items)
                taken.rejected += _write_rejects(file, batch)
    except ConfigError as error:
        log.warning("file cannot be read", extra={"source": source.id, "file": path.name, "reason": str(error)})
        taken.reason = str(error)
        _move(path, path.parent / "unreadable", now)
        rejects.unlink(missing_ok=True)
        return
    taken.files += 1
    done = path.parent / "done"
    if rejects.stat().st_size:
        _move(rejects, done, now, name=f"{path.name}.rejected.jsonl")
    else:
        rejects.unlink()
    _move(path, done, now)


def _write_rejects(file: TextIO, batch: list[RawItem | RejectedRow]) -> int:
    rejected = [row for row in batch if isinstance(row, RejectedRow)]
    file.writelines(f"{json.dumps(asdict(row), ensure_ascii=False)}\n" for row in rejected)
    return len(rejected)


def _move(path: Path, folder: Path, now: datetime, name: str = "") -> None:
    folder.mkdir(exist_ok=True)
    path.replace(folder / f"{now:%Y%m%dT%H%M%S}-{name or path.name}")

"""`caifeng import FILE --source NAME`: posts from files, by the same way as everything else."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from caifeng import bootstrap
from core.model import RawItem

if TYPE_CHECKING:
    from crawlers.sources import Source

#: Rows taken into the inbox in one transaction.
BATCH = 500


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", "name", required=True, help="id of the source; a new one is made for an unknown id")
@click.option("--process/--no-process", default=True, help="take the rows the whole way now, or leave them to `work`")
def import_file(file: Path, name: str, process: bool) -> None:
    """Take in posts from a csv, jsonl (also .gz) or xlsx file.

    Importing the same file again changes nothing. Rows that cannot be used are written, with their line and
    reason, to rejected/ in CAIFENG_HOME; the good rest goes on. Exit code 1 when every row was rejected.
    """
    bootstrap.ready()
    from crawlers import files
    from storage.inbox import DjangoInbox

    now = datetime.now(UTC)
    source = _source(name, now)
    taken = new = 0
    rejects = Rejects(file.name)
    batch: list[RawItem] = []
    door = DjangoInbox()
    with tqdm(desc=f"导入 {file.name}", unit="条", file=sys.stderr, disable=None) as bar:
        for row in files.read_rows(file, source, now):
            bar.update()
            if not isinstance(row, RawItem):
                rejects.add(row.line, row.reason)
                continue
            taken += 1
            batch.append(row)
            if len(batch) == BATCH:
                new += door.put(batch, now)
                batch = []
        new += door.put(batch, now)
    rejected = rejects.close()
    click.echo(f"{file.name}：{taken} 条可用，其中 {new} 条新收；{rejects.count} 条不可用{rejected}", err=True)
    if process:
        _process()
    if rejects.count and not taken:
        sys.exit(1)


class Rejects:
    """Rows that cannot be used, one JSON object a line, in a file made when the first one comes."""

    def __init__(self, name: str) -> None:
        self.count = 0
        self._name = name
        self._lines: list[str] = []

    def add(self, line: int, reason: str) -> None:
        """Keep one row's place and reason."""
        self.count += 1
        self._lines.append(json.dumps({"file": self._name, "line": line, "reason": reason}, ensure_ascii=False))

    def close(self) -> str:
        """Write them; say where."""
        from django.conf import settings

        if not self._lines:
            return ""
        path = settings.HOME / "rejected" / f"{self._name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
        return f"，原因见 {path}"


def _source(name: str, now: datetime) -> Source:
    """The source of that id; an unknown id becomes a file source of the profile, so that `work` knows it too."""
    from crawlers import sources
    from storage import documents

    known = next((source for source in bootstrap.sources() if source.id == name), None)
    if known is not None:
        return known
    entry = {"id": name, "name": name, "kind": "push", "channel": "board"}
    source = sources.parse(entry)
    current = documents.newest("sources")
    text = current.body if current else "sources:\n"
    documents.save(
        "sources",
        text.rstrip() + f"\n  - {json.dumps(entry, ensure_ascii=False)}\n",
        based_on=current.version if current else 0,
        actor="system:import",
        now=now,
        note=f"caifeng import --source {name}",
    )
    return source


def _process() -> None:
    """Take what waits the whole way, with a bar."""
    from caifeng.roles import instance
    from caifeng.work import worker
    from storage import inbox

    role = worker(instance())
    waiting, _ = inbox.waiting()
    with tqdm(total=waiting, desc="处理", unit="条", file=sys.stderr, disable=None) as bar:
        while done := role.step(datetime.now(UTC)):
            bar.update(done)
    counts = role.counts
    click.echo(
        f"处理完毕：帖文 {counts['posts']} 条，隔离 {counts['rejected']} 条，新发现 {counts['findings']} 项", err=True
    )

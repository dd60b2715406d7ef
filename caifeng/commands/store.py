"""`caifeng store`: look after the post store."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from django.conf import settings
from tqdm import tqdm

from caifeng import bootstrap
from core.clock import parse_instant
from core.errors import ConfigError

if TYPE_CHECKING:
    from storage.opening import Store

_STORES = click.Choice(["sqlite", "elasticsearch"])


@click.group()
def store() -> None:
    """The post store: what it holds, moving, rebuilding and thinning it."""
    bootstrap.ready()


@store.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def info(as_json: bool) -> None:
    """What is kept where, and how large it is."""
    found = _opened(settings.STORE).info()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        click.echo(f"{name:8}  {_shown(name, value)}")


@store.command()
@click.option("--to", "target", type=_STORES, required=True, help="the store to move into")
@click.option("--from", "source", type=_STORES, help="the store to read; default: the other one")
def migrate(target: str, source: str | None) -> None:
    """Copy every post into the other store; after a break the same command goes on where it stopped.

    Set CAIFENG_STORE to the new store and restart the roles, then run it once more for what came in meanwhile.
    """
    from storage.migration import migrate as copied
    from storage.migration import remaining

    source = source or next(name for name in _STORES.choices if name != target)
    if source == target:
        raise ConfigError("--from and --to are the same store")
    reader, writer = _opened(source), _opened(target)
    cursor = Path(settings.HOME) / f"migrate-{source}-{target}.cursor"
    since = parse_instant(cursor.read_text()) if cursor.exists() else None
    moved = 0
    with _progress(f"{source} → {target}", reader.count(remaining(since))) as bar:
        for count, last in copied(reader, writer, since):
            moved += count
            bar.update(count)
            _keep(cursor, last)
    cursor.unlink(missing_ok=True)
    if waiting := writer.info().get("spooled"):
        raise ConfigError(
            f"{waiting} posts wait in the spool: the cluster does not take them; run `caifeng store info`"
        )
    click.echo(f"{moved} 条已搬到 {target}；原来的库没有改动", err=True)


@store.command()
def reindex() -> None:
    """Rebuild tokens, fields and counts from the stored posts; searches stay right meanwhile."""
    from core.query import Everything

    opened = _opened(settings.STORE)
    with _progress("重建索引", opened.count(Everything())) as bar:
        for count in opened.reindex():
            bar.update(count)
    opened.maintain()


@store.command()
@click.option("--days", type=click.IntRange(min=1), help="days kept; default CAIFENG_RETENTION_DAYS")
@click.option("--yes", is_flag=True, help="do not ask")
def expire(days: int | None, yes: bool) -> None:
    """Drop posts older than the retention for good."""
    from core.query import Range

    before = datetime.now(UTC) - timedelta(days=days or settings.RETENTION_DAYS)
    opened = _opened(settings.STORE)
    count = opened.count(Range("published", high=before, open_high=True))
    if count and not yes:
        click.confirm(f"将永久删除 {before:%Y-%m-%d} 以前发布的 {count} 条，继续", abort=True, err=True)
    click.echo(f"已删除 {opened.expire(before)} 条", err=True)


def _opened(name: str) -> Store:
    from storage.opening import open_store

    return open_store(name, settings)


def _progress(title: str, total: int) -> Any:
    return tqdm(desc=title, total=total, unit="条", file=sys.stderr, disable=None)


def _keep(cursor: Path, last: datetime) -> None:
    """Remember how far a migration came; whole or not at all."""
    draft = cursor.with_suffix(".draft")
    draft.write_text(last.isoformat())
    draft.replace(cursor)


def _shown(name: str, value: Any) -> str:
    if name == "bytes":
        return f"{value / 1e6:,.1f} MB"
    if isinstance(value, dict):
        return "  ".join(f"{key} {size / 1e6:,.1f} MB" for key, size in value.items()) or "-"
    return f"{value:,}" if isinstance(value, int) else str(value)

"""Backup and restore of a home: one tar with both databases and a manifest that says what must be in it.

The workflow is copied first and the posts after it: a post the workflow does not know yet is only written again.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from caifeng import bootstrap
from core.errors import ConfigError
from core.model import TaggedPost
from core.ports import PostStore
from core.query import Everything
from storage.sqlite import SqliteStore

WORKFLOW = {"sqlite": "workflow.sqlite3", "postgresql": "workflow.pgdump"}
POSTS = "posts.sqlite3"
KEY = "secret.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a backup holds."""

    at: str
    database: str
    posts: int
    alerts: int
    events: int


def backup(file: Path, store: PostStore, now: datetime) -> Kept:
    """Write the tar beside `file` and move it into place when it is whole. Raises ConfigError."""
    with _folder(file.parent) as folder:
        kept_key = folder / KEY
        kept_key.write_text(settings.SECRET_KEY)
        kept_key.chmod(0o600)
        _copy_workflow(folder / WORKFLOW[connection.vendor])
        alerts, events = _counts()
        posts = _copy_posts(store, folder / POSTS)
        kept = Kept(at=now.isoformat(), database=connection.vendor, posts=posts, alerts=alerts, events=events)
        (folder / "manifest.json").write_text(json.dumps(asdict(kept)))
        draft = folder / "backup.tar"
        with tarfile.open(draft, "w") as archive:
            for path in sorted(folder.iterdir()):
                if path != draft:
                    archive.add(path, arcname=path.name)
        draft.chmod(0o600)
        draft.replace(file)
    return kept


def restore(file: Path) -> Kept:
    """Unpack into an empty home and verify the manifest's figures. Raises ConfigError."""
    if (settings.HOME / WORKFLOW["sqlite"]).exists() or (settings.HOME / POSTS).exists():
        raise ConfigError(f"{settings.HOME} 已有数据；请先把 CAIFENG_HOME 指向一个空目录再恢复")
    settings.HOME.mkdir(parents=True, exist_ok=True)
    with _folder(settings.HOME) as folder:
        try:
            with tarfile.open(file) as archive:
                archive.extractall(folder, filter="data")
            kept = Kept(**json.loads((folder / "manifest.json").read_text()))
        except (OSError, tarfile.TarError, ValueError, TypeError) as error:
            raise ConfigError(f"{file} 不是可用的备份：{error}") from error
        shutil.copy(folder / KEY, settings.HOME / KEY)
        (settings.HOME / KEY).chmod(0o600)
        _place_workflow(folder, kept)
        _place_posts(folder)
    bootstrap.ready()
    found = (bootstrap.post_store().count(Everything()), *_counts())
    if found != (kept.posts, kept.alerts, kept.events):
        raise ConfigError(f"恢复后核对不符：应为 {(kept.posts, kept.alerts, kept.events)}，实为 {found}")
    return kept


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=parent.resolve(), prefix=".backup-") as name:
        yield Path(name)


def _counts() -> tuple[int, int]:
    from alerts.models import Alert, AlertEvent

    return Alert.objects.count(), AlertEvent.objects.count()


def _copy_workflow(target: Path) -> None:
    if connection.vendor == "sqlite":
        _copy_sqlite(settings.HOME / WORKFLOW["sqlite"], target)
        return
    _postgresql("pg_dump", "--format=custom", "--no-owner", "--file", str(target))


def _copy_posts(store: PostStore, target: Path) -> int:
    """Any store's posts in the embedded format; its own file is copied page by page, another store post by post."""
    if settings.STORE == "sqlite":
        _copy_sqlite(settings.HOME / POSTS, target)
    copy = SqliteStore(target)
    try:
        if settings.STORE != "sqlite":
            for batch in _batches(store.scan(Everything())):
                copy.upsert(batch)
        return copy.count(Everything())
    finally:
        copy.close()


def _copy_sqlite(source: Path, target: Path) -> None:
    """One consistent copy while others write."""
    with closing(sqlite3.connect(source)) as running, closing(sqlite3.connect(target)) as copy:
        running.backup(copy)


def _batches(posts: Iterator[TaggedPost], size: int = 1000) -> Iterator[list[TaggedPost]]:
    while batch := list(itertools.islice(posts, size)):
        yield batch


def _place_workflow(folder: Path, kept: Kept) -> None:
    if kept.database != connection.vendor:
        raise ConfigError(
            f"备份来自 {kept.database}，本机工作库是 {connection.vendor}；请设置相同的 CAIFENG_DATABASE_URL"
        )
    if kept.database == "sqlite":
        connection.close()
        shutil.copy(folder / WORKFLOW["sqlite"], settings.HOME / WORKFLOW["sqlite"])
        return
    _postgresql("pg_restore", "--no-owner", "--exit-on-error", "--dbname", "", str(folder / WORKFLOW["postgresql"]))


def _place_posts(folder: Path) -> None:
    if settings.STORE == "sqlite":
        shutil.copy(folder / POSTS, settings.HOME / POSTS)
        return
    copy = SqliteStore(folder / POSTS)
    try:
        for batch in _batches(copy.scan(Everything())):
            bootstrap.post_store().upsert(batch)
    finally:
        copy.close()


def _postgresql(command: str, *arguments: str) -> None:
    """Run a PostgreSQL client against the workflow database; the password goes by the environment."""
    base: dict[str, Any] = settings.DATABASES["default"]
    login = {
        "PGHOST": base["HOST"],
        "PGPORT": str(base["PORT"] or 5432),
        "PGUSER": base["USER"],
        "PGPASSWORD": base["PASSWORD"],
        "PGDATABASE": base["NAME"],
    }
    try:
        subprocess.run(
            [command, *(argument or base["NAME"] for argument in arguments)],
            env={**os.environ, **login},
            check=True,
            capture_output=True,
        )
    except FileNotFoundError as error:
        raise ConfigError(f"找不到 {command}：请安装 PostgreSQL 客户端") from error
    except subprocess.CalledProcessError as error:
        raise ConfigError(f"{command} 失败：{error.stderr.decode(errors='replace')[-500:]}") from error

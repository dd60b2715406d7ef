"""The SQLite store under kill -9 and many hands."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from bench.storage_crash import Survey, survive
from core.errors import ConfigError
from core.query import Everything, Text
from storage.sqlite import SqliteStore, schema
from tests.fixtures.storage_posts import NOW, a_post

EVERYTHING = Everything()


def test_a_killed_writer_loses_no_acknowledged_batch_and_leaves_no_half_one(tmp_path: Path) -> None:
    posts = [a_post(key, published_at=NOW - timedelta(minutes=key)) for key in range(2000)]
    batches = [posts[start : start + 20] for start in range(0, 2000, 20)]

    found = survive(tmp_path / "posts.sqlite3", batches, rounds=5)

    assert found.acknowledged > 0
    assert found == Survey(acknowledged=found.acknowledged)


def write_some(path: Path, name: str) -> None:
    """Ten batches of ten posts."""
    store = SqliteStore(path)
    for batch in range(10):
        store.upsert([a_post(f"{name}{batch}.{key}") for key in range(10)])
    store.close()


def test_processes_that_write_and_create_at_once_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "posts.sqlite3"
    writers = [multiprocessing.get_context("fork").Process(target=write_some, args=(path, name)) for name in "abc"]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    store = SqliteStore(path)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert store.count(EVERYTHING) == store.count(Text("工资")) == 300
    store.close()


def test_threads_read_and_write_one_store(tmp_path: Path) -> None:
    store, counts = SqliteStore(tmp_path / "posts.sqlite3"), []
    threads = [
        *(threading.Thread(target=write_some, args=(store.path, name)) for name in "ab"),
        threading.Thread(target=lambda: counts.extend(store.count(Text("工资")) for _ in range(50))),
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts == sorted(counts)
    assert store.count(EVERYTHING) == 200
    store.close()


def test_a_file_of_another_version_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "posts.sqlite3"
    connection = schema.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(ConfigError, match=r"posts\.sqlite3 is of version 99"):
        SqliteStore(path)

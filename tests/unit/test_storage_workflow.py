"""Writers of the workflow's SQLite wait in a queue, not by asking again and again."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import ConnectionHandler


@pytest.fixture
def connection(tmp_path: Path, db: None) -> Iterator[Any]:
    """A connection to a database file of its own."""
    options = {"transaction_mode": "IMMEDIATE"}
    found = ConnectionHandler(
        {"default": {"ENGINE": "storage.workflow", "NAME": tmp_path / "w.sqlite3", "OPTIONS": options}}
    )["default"]
    yield found
    found.close()


def is_free(folder: Path) -> bool:
    """Whether the next writer would get in at once."""
    with (folder / "w.sqlite3-queue").open("a") as queue:
        try:
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def begin(connection: Any) -> None:
    """Start a transaction as `atomic` does."""
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_transaction_holds_the_queue_to_its_end(connection: Any, tmp_path: Path, end: str) -> None:
    begin(connection)
    held = not is_free(tmp_path)

    getattr(connection, end)()

    assert held
    assert is_free(tmp_path)


def test_a_transaction_that_cannot_begin_leaves_the_queue(connection: Any, tmp_path: Path) -> None:
    begin(connection)
    connection.commit()
    connection.transaction_mode = "NONSENSE"

    with pytest.raises(Exception, match="syntax"):
        begin(connection)

    assert is_free(tmp_path)


def test_reading_does_not_queue(connection: Any, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")

        assert is_free(tmp_path)

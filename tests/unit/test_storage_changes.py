"""What lets a role rest: a mark that moves when somebody else writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from storage import changes

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ConnectionHandler]:
    """Two connections to one file."""
    file = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "workflow.sqlite3"}
    both = ConnectionHandler({"default": {**file}, "other": {**file}})
    yield both
    both.close_all()


def write(connection: BaseDatabaseWrapper) -> None:
    """Commit something."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS entry (id INTEGER)")
        cursor.execute("INSERT INTO entry VALUES (1)")


def test_what_another_connection_commits_moves_the_mark(database: ConnectionHandler) -> None:
    before = changes.mark(database["default"])

    write(database["other"])

    assert changes.mark(database["default"]) != before


def test_ones_own_commits_and_mere_looks_leave_it(database: ConnectionHandler) -> None:
    before = changes.mark(database["default"])

    write(database["default"])

    assert changes.mark(database["default"]) == before


def test_a_database_that_cannot_tell_says_so() -> None:
    assert (changes.mark() is None) == (connection.vendor == "postgresql")

"""The database accounts of deploy/postgresql: the owner migrates, the roles run without the right to change a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.servers import postgresql

ROLES = Path(__file__).resolve().parents[2] / "deploy/postgresql/roles.sql"
SEAL = ROLES.with_name("seal.sql")
pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    """A server on which roles.sql was run."""
    running = postgresql.start(owner="superuser")
    try:
        psql(running, "superuser", ROLES)
        yield running
    finally:
        running.stop()


def psql(server: postgresql.Server, database: str, script: Path) -> None:
    command = [server.binaries / "psql", "-v", "ON_ERROR_STOP=1", "-v", "owner_password=a", "-v", "password=b"]
    subprocess.run([*command, "-d", f"{server.url.rpartition('/')[0]}/{database}", "-f", script], check=True)


def address(server: postgresql.Server, account: str) -> str:
    return f"{server.url.rpartition('/')[0]}/caifeng".replace("superuser@", f"{account}@")


@pytest.fixture(scope="module")
def caifeng(server: postgresql.Server, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a command as one of the two accounts."""
    home = tmp_path_factory.mktemp("home")

    def run(account: str, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CAIFENG_")}
        settings = {"CAIFENG_HOME": str(home), "CAIFENG_DATABASE_URL": address(server, account)}
        command = [sys.executable, "-m", "caifeng.cli", *arguments]
        return subprocess.run(command, env=clean | settings, input=given, capture_output=True, text=True, timeout=200)

    return run


def told_of_a_canteen() -> list[str]:
    """Six parents, minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    texts = [f"采川县实验小学食堂吃完午饭，我们班第{number}个孩子上吐下泻，已经送医院了" for number in range(6)]
    return [
        json.dumps({"id": str(number), "title": "学校食堂", "text": text, "published_at": at.isoformat()})
        for number, text in enumerate(texts)
    ]


def test_roles_run_an_alert_to_its_end_with_the_small_account(
    server: postgresql.Server, caifeng: Run, tmp_path: Path
) -> None:
    posts = tmp_path / "posts.jsonl"
    posts.write_text("\n".join(told_of_a_canteen()), encoding="utf-8")
    assert caifeng("caifeng_owner", "alerts").returncode == 0
    psql(server, "caifeng", SEAL)

    done = [
        caifeng("caifeng", "import", str(posts), "--source", "board"),
        caifeng("caifeng", "sweep", "--once"),
        caifeng("caifeng", "send", "--once"),
        caifeng("caifeng", "audit", "verify"),
    ]

    assert [one.returncode for one in done] == [0, 0, 0, 0], "\n".join(one.stderr[-800:] for one in done)
    assert "学校" in caifeng("caifeng", "alerts").stdout


def test_the_small_account_can_neither_change_a_table_nor_the_record(server: postgresql.Server, caifeng: Run) -> None:
    assert caifeng("caifeng_owner", "alerts").returncode == 0
    psql(server, "caifeng", SEAL)

    for statement in ("ALTER TABLE alerts_alert ADD COLUMN x int", "DELETE FROM alerts_alertevent"):
        with (
            psycopg.connect(address(server, "caifeng")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)

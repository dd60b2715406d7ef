"""kill -9 of senders at each boundary of their work; several senders on one outbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

pytestmark = pytest.mark.workflow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A home of its own, or a database of its own on the run's PostgreSQL."""
    settings = {**os.environ, "CAIFENG_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "caifeng.settings"}
    url = os.environ.get("CAIFENG_DATABASE_URL")
    if not url:
        yield settings
        return
    name = f"outbox_{os.getpid()}_{abs(hash(tmp_path)) % 10**6}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield {**settings, "CAIFENG_DATABASE_URL": f"{url.rpartition('/')[0]}/{name}"}
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def story(environment: dict[str, str], folder: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.integration.outbox_crash", str(folder), *options]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.slow
def test_kills_at_every_boundary_lose_nothing_and_double_only_inside_the_crash_window(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # Six boundaries, ten times each; bench_outbox kills more than two hundred.
    found = story(environment, tmp_path, "--kills", "60")

    assert found["kills"] == 60
    assert (found["lost"], found["strange"], found["unsettled"], found["doubled_outside_window"]) == (0, 0, 0, 0)


@pytest.mark.slow
def test_several_senders_send_nothing_twice(environment: dict[str, str], tmp_path: Path) -> None:
    found = story(environment, tmp_path, "--together", "3")

    assert found == {"messages": 2000, "sent": 2000, "doubled": 0}

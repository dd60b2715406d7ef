"""Processes killed at every step boundary, and several of them at once: nothing lost, nothing done twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def crash(home: Path, *arguments: str) -> dict[str, Any]:
    """Run the story in a home of its own (on PostgreSQL in a database of its own) and read what it found."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fixtures.crashes", *arguments],
        env={**os.environ, "CAIFENG_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_kill_at_any_step_boundary_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    found = crash(tmp_path, "kill")

    assert found["kills"] >= 200
    assert (found["faults"], found["broken"]) == ([], 0)


def test_three_sweepers_act_once(tmp_path: Path) -> None:
    found = crash(tmp_path, "race", "40")

    assert found == {"failed": 0, "acts": 40, "alerts_acted_on": 40, "broken": 0}

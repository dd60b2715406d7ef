"""The installed command, as its user runs it: a home of its own, a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installation") / "home"


@pytest.fixture(scope="module")
def caifeng(home: Path) -> Command:
    """Run `caifeng …` in the module's home; returns code, output and errors."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CAIFENG_")}
        return subprocess.run(
            [sys.executable, "-m", "caifeng.cli", *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            env=clean | {"CAIFENG_HOME": str(home), "CAIFENG_PORT": "18999"},
        )

    return run

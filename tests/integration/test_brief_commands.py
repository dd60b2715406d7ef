"""`caifeng brief` and `caifeng ledger` as typed, in a fresh home."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from core.clock import SHANGHAI


def caifeng(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a home."""
    environment = {**os.environ, "CAIFENG_HOME": str(home), "CAIFENG_LOG_LEVEL": "WARNING"}
    environment.pop("CAIFENG_DATABASE_URL", None)
    return subprocess.run(
        [sys.executable, "-m", "caifeng.cli", *arguments], env=environment, capture_output=True, text=True, timeout=180
    )


@pytest.mark.slow
def test_fresh_home_writes_an_empty_week_and_traces_it(tmp_path: Path) -> None:
    today = datetime.now(SHANGHAI).date().isoformat()

    written = caifeng(tmp_path, "brief", "weekly", "--week", "current", "--out", str(tmp_path / "out"))
    ref = Path(written.stdout.splitlines()[0]).stem
    traced = caifeng(tmp_path, "brief", "trace", ref, "total")
    ledger = caifeng(tmp_path, "ledger", "--from", today, "--to", today, "--out", str(tmp_path / "l.xlsx"))

    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".docx", ".pdf", ".html"}
    assert "sentiment" not in traced.stdout
    assert "重算\t0\t一致" in traced.stdout
    assert (ledger.returncode, openpyxl.load_workbook(tmp_path / "l.xlsx").active.max_row) == (0, 1)


@pytest.mark.slow
def test_wrong_week_is_one_clear_message(tmp_path: Path) -> None:
    answer = caifeng(tmp_path, "brief", "weekly", "--week", "last-year")

    assert (answer.returncode, answer.stderr.strip()) == (
        2,
        "caifeng: 不是周次：last-year；写作 2026-W47、last 或 current",
    )

"""Documents are tested: every command and every setting is in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from caifeng.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
SETTINGS = sorted(
    set(re.findall(r'"(CAIFENG_[A-Z_]+)"', (ROOT / "caifeng/settings.py").read_text("utf-8"))) - {"CAIFENG_HOME"}
)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"caifeng {name}" in PAGES


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGES


def test_no_machine_path_or_registry_host_is_committed() -> None:
    locks = (ROOT / "requirements.lock").read_text() + (ROOT / "requirements-dev.lock").read_text()

    assert re.findall(r"https?://|--index-url", locks) == []

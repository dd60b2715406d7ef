"""What administrators copy names commands and settings that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from caifeng.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
FILES = ("deploy/compose.yaml", "deploy/systemd/environment.example", "deploy/Dockerfile")


@pytest.mark.parametrize("name", FILES)
def test_every_setting_a_deployment_names_exists(name: str) -> None:
    named = set(re.findall(r"\bCAIFENG_[A-Z_]+(?==|:\s|\b(?=:\?))", (ROOT / name).read_text("utf-8")))

    assert {setting for setting in named if f"`{setting}`" not in OPERATIONS} <= {"CAIFENG_PROFILE_FOLDER"}


def test_every_role_of_the_composition_is_a_command() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))["services"]
    commands = {service["command"] for service in services.values() if "command" in service}

    assert commands == {"serve", "schedule", "crawl", "work", "sweep", "send"}
    assert commands <= set(COMMANDS)

"""What administrators copy names commands and settings that exist."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from caifeng.cli import COMMANDS
from caifeng.metrics import Figures

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
ROLES = {"serve", "schedule", "crawl", "work", "sweep", "send"}
FILES = (
    "deploy/kubernetes/settings.yaml",
    "deploy/compose.yaml",
    "deploy/systemd/environment.example",
    "deploy/Dockerfile",
)


@pytest.mark.parametrize("name", FILES)
def test_every_setting_a_deployment_names_exists(name: str) -> None:
    named = set(re.findall(r"\bCAIFENG_[A-Z_]+(?==|:\s|\b(?=:\?))", (ROOT / name).read_text("utf-8")))

    assert {setting for setting in named if f"`{setting}`" not in OPERATIONS} <= {"CAIFENG_PROFILE_FOLDER"}


def test_every_role_of_the_composition_is_a_command() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))["services"]
    commands = {service["command"] for service in services.values() if "command" in service}

    assert commands == ROLES
    assert commands <= set(COMMANDS)


def manifests() -> list[dict[str, Any]]:
    """Every object of the Kubernetes folder."""
    files = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
    return [one for path in files for one in yaml.safe_load_all(path.read_text("utf-8"))]


def test_kubernetes_runs_every_role_as_nobody_and_lets_it_drain() -> None:
    pods = [one["spec"]["template"]["spec"] for one in manifests() if one["kind"] == "StatefulSet"]

    assert {argument for pod in pods for argument in pod["containers"][0]["args"]} == ROLES
    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods)
    assert all(pod["terminationGracePeriodSeconds"] > 30 for pod in pods)


def test_what_kubernetes_mounts_is_what_the_settings_name() -> None:
    (settings,) = (one["data"] for one in manifests() if one["kind"] == "ConfigMap")
    pods = [one["spec"]["template"]["spec"] for one in manifests() if one["kind"] == "StatefulSet"]
    mounts = [mount["mountPath"] for mount in pods[0]["containers"][0]["volumeMounts"]]

    for name in ("CAIFENG_PROFILE", "CAIFENG_CHANNELS_FILE", "CAIFENG_SECRET_KEY_FILE", "CAIFENG_ELASTICSEARCH_CA"):
        assert any(settings[name].startswith(mount) for mount in mounts), name


@pytest.mark.django_db
def test_every_metric_of_the_dashboard_is_served() -> None:
    board = json.loads((ROOT / "deploy/grafana/caifeng.json").read_text("utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bcaifeng_\w+", target["expr"])
    }
    families = list(Figures(datetime(2026, 11, 20, tzinfo=UTC)).collect())
    served = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}

    assert asked <= served
    assert served <= asked

"""The commands of the watch: plans without a database, open alerts, why, routes, audit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alerts.desk import Action
from alerts.models import AlertEvent
from caifeng import bootstrap
from caifeng.commands import alerts as commands
from tests.fixtures.desk import COUNTY, an_alert, dispatched, do


@pytest.fixture
def county(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The commands meet the county of the tests and the test database."""
    monkeypatch.setattr(bootstrap, "ready", lambda: None)
    monkeypatch.setattr(bootstrap, "profile", lambda: COUNTY)
    return


def run(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def plan(*arguments: str) -> dict[str, dict[str, Any]]:
    return {row["stage"]: row for row in rows(run(commands.deadlines, "plan", "--json", *arguments))}


def test_plan_prints_one_object_a_line_in_local_time() -> None:
    found = plan("--level", "II", "--from", "2026-11-19T00:23+08:00", "--profile", "example-county")

    assert found["authoritative_info"]["due_at"] == "2026-11-19T05:23:00+08:00"
    assert found["verification_report"]["due_at"] == "2026-11-20T18:00:00+08:00"
    assert [step["percent"] for step in found["flash_report"]["escalations"]] == [50, 80, 100, 150, 200]
    assert "国办发〔2016〕80号" in found["authoritative_info"]["basis"]


def test_plan_counts_the_confirmation_from_the_detection() -> None:
    found = plan("--level", "II", "--from", "2026-11-19T00:23", "--detected", "2026-11-19T00:15")

    assert found["confirm"]["due_at"] == "2026-11-19T00:25:00+08:00"
    assert found["acknowledge"]["due_at"] == "2026-11-19T00:53:00+08:00"


def test_plan_with_a_topic_names_the_department() -> None:
    found = plan("--level", "II", "--from", "2026-11-19T00:23", "--topic", "wages")

    assert found["first_feedback"]["escalations"][0]["action"] == "催办 县人社局联络员"
    assert found["confirm"]["escalations"][0]["action"] == "催办 当班值班员"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--level", "V", "--from", "2026-11-19"),
        ("--level", "II", "--from", "gestern"),
        ("--level", "II", "--from", "9999-12-31T23:00"),
        ("--level", "II", "--from", "2026-11-19", "--topic", "nothing"),
        ("--level", "II", "--from", "2026-11-19", "--profile", "nowhere"),
    ],
)
def test_wrong_input_ends_with_two_and_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """In a process of its own: no database is made either."""
    done = subprocess.run(
        [sys.executable, "-m", "caifeng.cli", "deadlines", "plan", *arguments],
        env={**os.environ, "CAIFENG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.django_db
@pytest.mark.workflow
@pytest.mark.usefixtures("county")
class TestWithDatabase:
    """Commands on rows."""

    def test_open_alerts_come_with_their_next_deadline(self) -> None:
        alert = dispatched("II")
        do(an_alert(key="青禾乡"), Action.DISMISS, note="误报")

        found = rows(run(commands.alerts, "--json"))

        assert [(row["number"], row["level"], row["state"], row["units"]) for row in found] == [
            (alert.number, "II", "dispatched", ["human_resources"])
        ]
        assert found[0]["next_deadline"] == {"stage": "acknowledge", "due_at": "2026-11-19T09:31:00+08:00"}

    def test_open_alerts_are_readable_lines(self) -> None:
        dispatched("II")

        assert "部门签收 2026-11-19T09:31" in run(commands.alerts).stdout

    def test_why_alert_lists_told_and_not_told(self) -> None:
        alert = dispatched()

        found = rows(run(commands.why, alert.number, "--json"))

        assert {"指派"} <= {row["kind"] for row in found if row["told"]}
        assert "没有时限用到 80%" in " ".join(row["reason"] for row in found if not row["told"])

    @pytest.mark.parametrize("who", ["2026-9999", "某某某"])
    def test_why_of_nobody_is_an_error(self, who: str) -> None:
        assert run(commands.why, who).exception is not None

    def test_routes_show_everyone_step_by_step(self) -> None:
        found = rows(run(commands.routes, "who", "--level", "II", "--topic", "wages", "--region", "石澜镇", "--json"))

        assert ("指派", "石澜镇联络员 石澜镇联络员") in {(row["moment"], row["who"]) for row in found}

    def test_audit_of_a_whole_record_ends_with_zero(self) -> None:
        dispatched()

        assert run(commands.audit, "verify").exit_code == 0

    def test_audit_of_a_changed_row_ends_with_one_and_names_it(self) -> None:
        alert = dispatched()
        AlertEvent.objects.filter(seq=2).update(note="另一种说法")

        result = run(commands.audit, "verify")

        assert (result.exit_code, f"{alert.number} 第 2 条：内容与校验值不符" in result.stdout) == (1, True)

"""`caifeng rules`: what it prints, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from caifeng.commands.rules import rules

RULE = "{type: frequency, num_events: 2, timeframe: {minutes: 5}, query_key: k}"
STEPS = [
    '{"events": [{"published_at": "2026-01-01T00:00:00Z", "k": "a"}]}',
    '{"events": [{"published_at": "yesterday", "k": "a"}, {"published_at": "2026-01-01T00:01:00Z", "k": "a"}]}',
    "{broken",
    '{"tick": "2026-01-01T00:02:00Z"}',
]


def simulate(folder: Path, rule: str = RULE, steps: list[str] = STEPS) -> Result:
    (folder / "r.yaml").write_text(rule)
    (folder / "s.jsonl").write_text("\n".join(steps))
    return CliRunner().invoke(rules, ["simulate", "--rule", str(folder / "r.yaml"), "--steps", str(folder / "s.jsonl")])


def test_simulate_prints_a_json_line_per_finding(tmp_path: Path) -> None:
    result = simulate(tmp_path)

    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"step": 1, "at": "2026-01-01T00:01:00Z", "key": "a", "values": {}}
    ]


def test_simulate_names_what_it_could_not_read_and_goes_on(tmp_path: Path) -> None:
    result = simulate(tmp_path)

    assert result.exit_code == 1
    assert sorted(line.split(": ")[0] for line in result.stderr.splitlines()) == ["s.jsonl:2", "s.jsonl:3"]


def test_simulate_prints_times_in_the_zone_they_came_in(tmp_path: Path) -> None:
    steps = ['{"events": [{"published_at": "2026-01-01T08:00:00+08:00"}]}']

    result = simulate(tmp_path, "{type: any}", steps)

    assert json.loads(result.stdout)["at"] == "2026-01-01T08:00:00+08:00"


def test_a_run_prints_notifications_with_their_matches(tmp_path: Path) -> None:
    event = '{"published_at": "2026-01-01T00:00:00Z"}'
    steps = ['{"run": {"now": "2026-01-01T00:00:00Z", "events": [%s, %s]}}' % (event, event)]  # noqa: UP031

    result = simulate(tmp_path, "{type: any}", steps)

    assert [len(json.loads(line)["matches"]) for line in result.stdout.splitlines()] == [1]


def test_a_rule_with_faults_is_refused_with_every_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("type: frequency\nnum_events: many\nsurprise: 1\n")

    result = CliRunner().invoke(rules, ["check", str(tmp_path / "bad.yaml")])

    assert result.exit_code == 1
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == ["bad.yaml:2", "bad.yaml:1", "bad.yaml:3"]


def test_the_library_checks() -> None:
    result = CliRunner().invoke(rules, ["check", "--library"])

    assert result.stdout.endswith("0 处错误\n")
    assert result.exit_code == 0


@pytest.mark.slow
def test_simulate_does_not_start_django(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(RULE)
    (tmp_path / "s.jsonl").write_text(STEPS[0])
    code = (
        "import sys; from caifeng.commands.rules import rules\n"
        "rules(['simulate', '--rule', 'r.yaml', '--steps', 's.jsonl'], standalone_mode=False)"
    )
    script = f"import sys\ntry:\n    exec({code!r})\nexcept SystemExit:\n    pass\nprint('django.apps' in sys.modules)"
    root = Path(__file__).resolve().parents[2]

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(root)}, capture_output=True, text=True
    )

    assert done.stdout.splitlines()[-1:] == ["False"], done.stderr

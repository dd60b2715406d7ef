"""`caifeng rules`: check, list, replay, explain and simulate rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caifeng import documents
from core.errors import ConfigError, Fault

if TYPE_CHECKING:
    from rules.schema import Rule


@click.group()
def rules() -> None:
    """Check, replay, explain and simulate rules."""


def read_rules(path: Path) -> list[Rule]:
    """Rules of a YAML file: one rule, a list of them, or a list under `rules:`. Raises ConfigError, every fault at once."""
    from rules.schema import parse

    file = documents.parse(path.name, documents.read_text(path))
    found: list[Rule] = []
    faults: list[Fault] = []
    for place, given in _places(file.data):
        if not isinstance(given, dict):
            faults.append(file.fault(place, "一条规则应为键值表"))
            continue
        lines = {name: line for name in ("", *given) if (line := file.line((*place, *([name] if name else []))))}
        try:
            found.append(parse(given, file=path.name, lines=lines))
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return found


def _places(data: Any) -> Iterator[tuple[documents.Place, Any]]:
    if isinstance(data, dict) and "rules" in data and "type" not in data:
        yield from ((("rules", number), given) for number, given in enumerate(data["rules"] or []))
    elif isinstance(data, list):
        yield from (((number,), given) for number, given in enumerate(data))
    else:
        yield (), data


@rules.command()
@click.option("--rule", "rule_path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--steps", "steps_path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def simulate(rule_path: Path, steps_path: Path) -> None:
    """Run a stream of steps through a rule; one JSON line per finding, without a database.

    A step line is {"events": [{…, "published_at": time}]}, {"tick": time} or {"run": {"now": time, "events": […]}}.
    Unreadable lines and events are named on standard error and left out; the exit code is then 1.
    """
    from rules.simulate import Simulation, has_ticks

    (rule,) = _one_rule(rule_path)
    steps, faulty = _read_steps(steps_path)
    simulation = Simulation(rule, ticked=has_ticks(steps.values()))
    for number, step in steps.items():
        try:
            findings = simulation.step(step)
        except ValueError as error:
            faulty = _complain(steps_path, number, str(error))
            continue
        for finding in findings:
            click.echo(json.dumps({"step": number, **finding}, ensure_ascii=False, default=str))
        for fault in simulation.faults:
            faulty = _complain(steps_path, number, fault)
    sys.exit(1 if faulty else 0)


def _one_rule(path: Path) -> list[Rule]:
    found = read_rules(path)
    if len(found) != 1:
        raise ConfigError([Fault(file=path.name, line=None, reason=f"要有且只有一条规则，现有 {len(found)} 条")])
    return found


def _read_steps(path: Path) -> tuple[dict[int, dict[str, Any]], bool]:
    """Steps by line from 0, and whether a line was unreadable."""
    steps, faulty = {}, False
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            try:
                step = json.loads(line)
            except ValueError as error:
                faulty = _complain(path, number, f"not JSON: {error}")
                continue
            if isinstance(step, dict):
                steps[number] = step
            else:
                faulty = _complain(path, number, "a step is a JSON object")
    return steps, faulty


def _complain(path: Path, number: int, reason: str) -> bool:
    click.echo(f"{path.name}:{number + 1}: {reason}", err=True)
    return True

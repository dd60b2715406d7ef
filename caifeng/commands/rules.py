"""`caifeng rules`: check, list, replay, explain and simulate rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caifeng import documents
from core.clock import SHANGHAI, parse_duration
from core.errors import ConfigError, Fault

if TYPE_CHECKING:
    from rules.replay import Replayed
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


@rules.command("list")
def list_rules() -> None:
    """The rules of this home: id, type, level, state, title."""
    from caifeng import bootstrap

    bootstrap.ready()
    from rules.models import Health

    found = bootstrap.rules()

    ill = set(Health.objects.exclude(seq=None).values_list("rule", flat=True))
    for rule in sorted(found, key=lambda rule: rule.id):
        state = "异常" if rule.id in ill else "启用" if rule.enabled else "停用"
        click.echo(f"{rule.id:<28}{rule.type:<20}{rule.severity or '-':<5}{state}  {rule.title}")
    click.echo(f"共 {len(found)} 条规则", err=True)


@rules.command()
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--library", is_flag=True, help="check the rules that ship with Caifeng")
def check(path: Path | None, library: bool) -> None:
    """Check rules and run each one's own tests; every fault with its file. Without PATH: the rules of this home."""
    from rules.checking import faults

    now = datetime.now(UTC)
    found, broken = _rules_to_check(path, library)
    wrong = [f"{rule.id}: {reason}" for rule in found for reason in faults(rule, now)]
    for reason in [*broken, *wrong]:
        click.echo(reason, err=True)
    tests = sum(len(rule.tests) for rule in found)
    click.echo(f"{len(found)} 条规则，{tests} 个测试，{len(broken) + len(wrong)} 处错误")
    sys.exit(1 if broken or wrong else 0)


def _rules_to_check(path: Path | None, library: bool) -> tuple[list[Rule], list[str]]:
    """Rules that could be read, and what is wrong with those that could not."""
    if library:
        from caifeng import profile

        return list(profile.library()), []
    if path is None:
        from caifeng import bootstrap

        bootstrap.ready()
        return bootstrap.rules(), []
    found: list[Rule] = []
    broken: list[str] = []
    for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
        try:
            found += read_rules(file)
        except ConfigError as error:
            broken += [str(fault) for fault in error.faults]
    return found, broken


@rules.command()
@click.argument("rule_name", metavar="RULE")
@click.option("--since", default="30d", show_default=True, help="how far back: 30d, 12h")
@click.option("--against", help="a version of the profile's rules (a number), or a rule file")
def replay(rule_name: str, since: str, against: str | None) -> None:
    """Run RULE (an id, or a rule file) over the posts of the past, as the live engine would have."""
    from caifeng import bootstrap

    bootstrap.ready()
    from rules.replay import difference

    now = datetime.now(UTC)
    start = now - _duration(since)
    rule = _rule_named(rule_name)
    found = _replayed(rule, start, now)
    told = sum(item.told for item in found)
    if against is None:
        for item in found:
            click.echo(_line("=" if item.told else "~", item))
    else:
        parted = difference(_replayed(_version(rule.id, against), start, now), found)
        for sign, items in (("-", parted.only_before), ("+", parted.only_now), ("=", parted.both)):
            for item in items:
                click.echo(_line(sign, item))
        click.echo(f"只在旧版 {len(parted.only_before)}，只在新版 {len(parted.only_now)}，两版都有 {len(parted.both)}")
    click.echo(f"{since} 内发现 {len(found)} 次，其中会通知 {told} 次，间隔内不再打扰 {len(found) - told} 次")


def _replayed(rule: Rule, start: datetime, now: datetime) -> list[Replayed]:
    from tqdm import tqdm

    from caifeng import bootstrap
    from rules.replay import needed, replay

    store = bootstrap.post_store()
    query = needed(rule, start, now)
    posts = tqdm(store.scan(query), total=store.count(query), unit="条", desc=rule.id, disable=None)
    return replay(rule, posts, since=start, now=now)


def _line(sign: str, item: Replayed) -> str:
    found = item.finding
    return f"{sign} {found.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} {found.reason}"


def _rule_named(name: str) -> Rule:
    """A rule of this home, or the one in a file."""
    if Path(name).is_file():
        return _one_rule(Path(name))[0]
    from caifeng import bootstrap

    for rule in bootstrap.rules():
        if rule.id == name:
            return rule
    raise ConfigError(f"没有规则 {name}；caifeng rules list 列出全部规则")


def _version(rule_id: str, against: str) -> Rule:
    """An older version of a rule of the profile, or the rule in a file."""
    if not against.isdigit():
        return _one_rule(Path(against))[0]
    from rules.schema import parse
    from storage.documents import history

    for document in history("rules"):
        if document.version == int(against):
            data = documents.parse(f"rules@{against}", document.body).data or {}
            for given in data.get("rules") or []:
                if given.get("id") == rule_id:
                    return parse(given, file=f"rules@{against}")
            raise ConfigError(f"第 {against} 版的规则里没有 {rule_id}")
    raise ConfigError(f"规则没有第 {against} 版")


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error


@rules.command()
@click.argument("post_id", metavar="POST")
@click.option("--all", "everything", is_flag=True, help="rules that do not match, too")
def explain(post_id: str, everything: bool) -> None:
    """Say for every rule why it did or did not match POST, and what became of its findings."""
    from caifeng import bootstrap

    bootstrap.ready()
    from rules.explanation import explain as explained
    from rules.findings import about

    posts = bootstrap.post_store().get([post_id])
    if not posts:
        raise ConfigError(f"没有帖文 {post_id}")
    now = datetime.now(UTC)
    for rule in sorted(bootstrap.rules(), key=lambda rule: rule.id):
        explanation = explained(rule, posts[0], now)
        if explanation.matched or everything:
            sign = "✓" if explanation.matched else "✗"
            click.echo(f"{sign} {rule.id} {rule.title}：{'；'.join(explanation.reasons)}")
        for line in about(rule, posts[0]) if explanation.matched else ():
            click.echo(f"    {line}")

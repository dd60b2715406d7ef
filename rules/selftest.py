"""A rule's own tests: small streams with the findings they must give.

Steps are those of `rules simulate`, with times as offsets (`+5m`) from a Monday noon. Types fed by facts take
`{"source": {"id", "last_post_at", "per_hour"}, "now"}` or `{"incident": {"id", "heat", …}, "now"}` instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from core.clock import SHANGHAI, parse_duration, parse_instant
from rules.schema import History, IncidentOptions, Rule, RuleTest, SilentSourceOptions
from rules.simulate import TIME, Simulation, has_ticks
from rules.windows.events import Outcome
from rules.windows.facts import HOURS_OF_WEEK, IncidentState, SourceRhythm, growing, silence, silent

NOON = datetime(2026, 11, 23, 12, tzinfo=SHANGHAI)

Found = tuple[int, str | None]


def failures(rule: Rule) -> list[str]:
    """What a rule's tests find wrong, in Chinese; nothing when all pass."""
    return [reason for test in rule.tests for reason in _failures(rule, test)]


def _failures(rule: Rule, test: RuleTest) -> Iterator[str]:
    try:
        found = list(_findings(rule, test))
    except ValueError as error:
        yield f"测试“{test.name}”：{error}"
        return
    expected = [(item.step, item.key) for item in test.expect]
    if not rule.key_fields and not isinstance(rule.options, SilentSourceOptions | IncidentOptions):
        found = [(step, None) for step, _ in found]
    if found != expected:
        yield f"测试“{test.name}”：应为 {_words(expected)}，实为 {_words(found)}"


def _findings(rule: Rule, test: RuleTest) -> Iterator[Found]:
    steps = [_with_times(step) for step in test.steps]
    if isinstance(rule.options, SilentSourceOptions | IncidentOptions):
        for number, step in enumerate(steps):
            yield from ((number, str(outcome.key)) for outcome in _judged(rule, step))
        return
    simulation = Simulation(rule, ticked=has_ticks(steps))
    if test.history is not None:
        simulation.step({"events": list(_ordinary(test.history))})
    for number, step in enumerate(steps):
        findings = simulation.step(step)
        if simulation.faults:
            raise ValueError("；".join(simulation.faults))
        yield from ((number, finding.get("key")) for finding in findings)


def _judged(rule: Rule, step: Mapping[str, Any]) -> list[Outcome]:
    now = parse_instant(step["now"])
    match rule.options:
        case SilentSourceOptions() as options:
            return silent(options, [silence(_rhythm(step["source"]), now)], now)
        case IncidentOptions() as options:
            return growing(options, [_state(step["incident"])], now)
    return []


def _rhythm(given: Mapping[str, Any]) -> SourceRhythm:
    hourly = (float(given["per_hour"]),) * HOURS_OF_WEEK
    return SourceRhythm(
        id=given["id"], name=given["id"], last_post_at=parse_instant(given["last_post_at"]), hourly=hourly
    )


def _state(given: Mapping[str, Any]) -> IncidentState:
    return IncidentState(
        id=given["id"],
        title=given.get("title", given["id"]),
        heat=given.get("heat", 0),
        earlier_heat=given.get("earlier_heat"),
        sources=given.get("sources", 1),
        media_tiers=frozenset(given.get("media_tiers", ())),
    )


def _ordinary(history: History) -> Iterator[dict[str, Any]]:
    """`per_hour` posts in every hour of the days before noon."""
    start = NOON - timedelta(days=history.days)
    for hour in range(history.days * 24):
        for number in range(history.per_hour):
            at = start + timedelta(hours=hour, minutes=60 * (number + 0.5) / history.per_hour)
            yield {**history.event, TIME: at.isoformat()}


def _with_times(given: Any) -> Any:
    """The same with every offset written out as a time."""
    if isinstance(given, Mapping):
        return {name: _with_times(value) for name, value in given.items()}
    if isinstance(given, list):
        return [_with_times(value) for value in given]
    if isinstance(given, str) and given.startswith("+"):
        try:
            return (NOON + parse_duration(given[1:])).isoformat()
        except ValueError:
            return given
    return given


def _words(found: list[Found]) -> str:
    return "、".join(f"第 {step} 步{'' if key is None else f'（{key}）'}" for step, key in found) or "没有发现"

"""`caifeng alerts, deadlines, why, routes, audit`: what is open, when it is due, who was told, whether the record holds."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import click

from alerts import deadlines as plans
from alerts.deadlines import PlannedDeadline, Step
from alerts.wording import KIND_NAMES, ROLE_NAMES
from caifeng import bootstrap
from core.clock import SHANGHAI, parse_instant
from core.profile import Profile


class Instant(click.ParamType):
    """A point in time, ISO 8601; without an offset it is local time in China."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or say what is wrong with it."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_instant(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} 不是时间；写作 2026-11-19T00:23+08:00", param, ctx)


@click.group()
def deadlines() -> None:
    """The dated plan of a level."""


@deadlines.command()
@click.option("--level", required=True, help="level of the profile, e.g. II")
@click.option(
    "--from", "since", required=True, type=Instant(), help="when it was confirmed (and, by default, detected)"
)
@click.option("--detected", type=Instant(), help="when it was detected; `confirm` counts from here")
@click.option("--topic", default="", help="topic of the profile; names the department the steps go to")
@click.option("--profile", "profile_name", help="name under deploy/profiles or a folder; default CAIFENG_PROFILE")
@click.option("--json", "as_json", is_flag=True, help="one object a line")
def plan(
    level: str, since: datetime, detected: datetime | None, topic: str, profile_name: str | None, as_json: bool
) -> None:
    """When each stage is due, on what ground, and who hears when a window is used up. Needs no database."""
    profile = bootstrap.load_profile(profile_name or os.environ.get("CAIFENG_PROFILE", "example-county"))
    try:
        planned = plans.plan(level, detected_at=detected or since, confirmed_at=since, profile=profile, topic=topic)
    except OverflowError as error:
        raise click.BadParameter("时间超出日历范围", param_hint="--from") from error
    for deadline in planned:
        if as_json:
            click.echo(json.dumps(_planned(deadline, profile, topic), ensure_ascii=False))
        else:
            click.echo(f"{deadline.name}\t{_local(deadline.due_at):%Y-%m-%d %H:%M:%S}\t{deadline.basis}")
            for step in deadline.steps:
                click.echo(
                    f"\t{step.percent}%\t{_local(step.at):%Y-%m-%d %H:%M:%S}\t{_done(deadline.stage, step, profile, topic)}"
                )


def _planned(deadline: PlannedDeadline, profile: Profile, topic: str) -> dict[str, Any]:
    return {
        "stage": deadline.stage,
        "name": deadline.name,
        "level": deadline.level,
        "started_at": _local(deadline.started_at).isoformat(),
        "due_at": _local(deadline.due_at).isoformat(),
        "basis": deadline.basis,
        "working_days": deadline.working_days,
        "escalations": [
            {
                "percent": step.percent,
                "at": _local(step.at).isoformat(),
                "to": step.to,
                "kind": step.kind,
                "action": _done(deadline.stage, step, profile, topic),
            }
            for step in deadline.steps
        ],
    }


def _done(stage: str, step: Step, profile: Profile, topic: str) -> str:
    """`催办 县人社局联络员`."""
    if step.kind == "lapse":
        return "退回时限届满"
    if step.to == "circular":
        return "列入通报"
    role = ROLE_NAMES.get(step.to, step.to)
    if stage in plans.DUTY_STAGES:
        role = {"contact": "当班值班员", "head": "当班值班长"}.get(step.to, role)
    elif step.to in ("contact", "head"):
        found = profile.topic(topic)
        unit = profile.department(found.owners[0]) if found and found.owners else None
        role = f"{unit.short if unit else '责任单位'}{role}"
    return f"{KIND_NAMES.get(step.kind, step.kind)} {role}".strip()


def _local(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def _now() -> datetime:
    return datetime.now(UTC)

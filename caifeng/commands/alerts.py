"""`caifeng alerts, deadlines, why, routes, audit`: what is open, when it is due, who was told, whether the record holds."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from alerts import deadlines as plans
from alerts.deadlines import PlannedDeadline, Step
from alerts.lifecycle import State
from alerts.wording import KIND_NAMES, ROLE_NAMES
from caifeng import bootstrap
from core.clock import SHANGHAI, parse_instant
from core.errors import ConfigError
from core.profile import Profile

if TYPE_CHECKING:
    from alerts.models import Alert


class Instant(click.ParamType[datetime]):
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


@click.command()
@click.option("--json", "as_json", is_flag=True, help="one object a line")
def alerts(as_json: bool) -> None:
    """Open alerts and their next deadline, the soonest first."""
    bootstrap.ready()
    from alerts import clocks
    from alerts.models import OPEN_STATES, Alert

    found = Alert.objects.filter(state__in=OPEN_STATES)
    soonest = clocks.next_dues(found)
    rows = [_row(alert, soonest.get(alert.pk)) for alert in found]
    for row in sorted(rows, key=_urgency):
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=False))
            continue
        due = row["next_deadline"]
        shown = f"{plans.STAGE_NAMES[due['stage']]} {due['due_at'][:16]}" if due else "—"
        level = row["level"] or f"建议{row['suggested_level']}"
        click.echo("\t".join((row["number"], level, row["state_name"], shown, row["title"])))
    if not rows:
        click.echo("没有未结告警", err=True)


def _row(alert: Alert, due: tuple[str, datetime] | None) -> dict[str, Any]:
    return {
        "number": alert.number,
        "level": alert.level,
        "suggested_level": alert.suggested_level,
        "state": str(alert.state),
        "state_name": State(alert.state).label,
        "rule": alert.rule,
        "key": alert.key,
        "title": alert.title,
        "opened_at": _local(alert.detected_at).isoformat(),
        "units": [unit for unit in (alert.lead_unit, *alert.co_units, *alert.guidance_units) if unit],
        "posts": alert.post_count,
        "next_deadline": {"stage": due[0], "due_at": _local(due[1]).isoformat()} if due else None,
    }


def _urgency(row: dict[str, Any]) -> tuple[bool, str, str]:
    """The soonest deadline first, alerts without one last."""
    due = row["next_deadline"]
    return due is None, due["due_at"] if due else "", row["number"]


@click.command()
@click.argument("who")
@click.option("--json", "as_json", is_flag=True, help="one object a line")
def why(who: str, as_json: bool) -> None:
    """Who was told of an alert (2026-0042), or what a person or unit was told; and who was not, and why."""
    bootstrap.ready()
    from alerts import explain
    from alerts.models import Alert

    alert = Alert.objects.filter(number=who).first()
    if alert is None and re.fullmatch(r"\d{4}-\d+", who):
        raise ConfigError(f"没有编号 {who} 的告警")
    if alert is not None:
        found = explain.why_alert(alert, bootstrap.profile())
        told, not_told = found.told, found.not_told
    else:
        told, not_told = explain.why_person(who, bootstrap.profile(), datetime.now(UTC))
    for message in told:
        if as_json:
            click.echo(
                json.dumps(
                    {"told": message.state in ("已送达", "待发送", "发送中"), **_plain(message)}, ensure_ascii=False
                )
            )
        else:
            shown = (
                message.number,
                f"{_local(message.at):%m-%d %H:%M:%S}",
                message.kind,
                message.who,
                message.channel or "—",
            )
            click.echo("\t".join((*shown, message.state, message.error or message.reason)))
    for missing in not_told:
        row = {"told": False, **_plain(missing)}
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else f"{missing.who}\t未通知\t{missing.reason}")
    if not told and not not_told:
        raise ConfigError(f"近 30 天没有与 {who} 有关的通知，名录中也没有此人或单位")


def _plain(value: Any) -> dict[str, Any]:
    return {
        name: _local(field).isoformat() if isinstance(field, datetime) else field
        for name, field in asdict(value).items()
    }


@click.group()
def routes() -> None:
    """Who would be told of such an alert."""


@routes.command()
@click.option("--level", required=True, help="level of the profile, e.g. II")
@click.option("--topic", default="", help="topic of the profile, e.g. wages")
@click.option("--region", "regions", multiple=True, help="place, by name or id; give it twice for two places")
@click.option("--flag", "flags", multiple=True, help="casualty, collective, rumor_suspect …")
@click.option("--at", "moment", type=Instant(), help="when; default now")
@click.option("--json", "as_json", is_flag=True, help="one object a line")
def who(
    level: str, topic: str, regions: tuple[str, ...], flags: tuple[str, ...], moment: datetime | None, as_json: bool
) -> None:
    """Whom each step would reach: found, confirmed, dispatched, and as the windows run out."""
    bootstrap.ready()
    from alerts import desk, explain

    profile, now = bootstrap.profile(), moment or datetime.now(UTC)
    if topic and profile.topic(topic) is None:
        raise ConfigError(f"没有话题 {topic}；可用：{'、'.join(known.id for known in profile.topics)}")
    suggested, found = explain.routes(
        level, topic=topic, places=regions, flags=flags, telling=desk.telling_at(profile, now), now=now
    )
    for reason in suggested.reasons:
        click.echo(reason, err=True)
    for route in found:
        notice = route.notice
        if as_json:
            row = {
                "moment": route.moment,
                "who": route.who,
                "unit": notice.unit,
                "role": notice.role,
                "channel": notice.channel,
                "address": notice.address,
                "kind": notice.kind,
                "reason": notice.reason,
                "skipped": notice.skipped,
            }
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            way = f"跳过：{notice.skipped}" if notice.skipped else f"{notice.channel} {notice.address}"
            click.echo(f"{route.moment}\t{route.who}\t{way}\t{notice.reason}")


@click.group()
def audit() -> None:
    """The chain of alert events."""


@audit.command()
def verify() -> None:
    """Check every chain; exit 1 and name the place when a row was changed, added or removed."""
    bootstrap.ready()
    from alerts import audit as record

    verdict = record.verify()
    for broken in verdict.broken:
        place = f"{broken.number} 第 {broken.seq} 条" if broken.seq else broken.number
        click.echo(f"{place}：{broken.reason}")
    click.echo(
        f"告警 {verdict.alerts} 条，记录 {verdict.events} 条，不符 {len(verdict.broken)} 处；总校验值 {verdict.head}"
    )
    if verdict.broken:
        raise SystemExit(1)

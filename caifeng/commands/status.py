"""`caifeng status`: is everything alive, and how far behind is it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

import click

from caifeng import bootstrap

#: Roles an installation needs; `up` starts them all.
NEEDED = ("serve", "schedule", "crawl", "work", "sweep", "send")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def status(as_json: bool) -> None:
    """Roles, lags, counts, last errors. Exit code 1 when a role is missing or silent."""
    bootstrap.ready()
    now = datetime.now(UTC)
    report = _report(now)
    click.echo(json.dumps(report, ensure_ascii=False)) if as_json else _show(report)
    sys.exit(0 if report["ok"] else 1)


def _report(now: datetime) -> dict[str, Any]:
    from alerts.models import OPEN_STATES, Alert, Deadline, Notification
    from core.query import Everything
    from crawlers.models import SourceState
    from storage import heartbeat, inbox
    from storage.models import InboxItem

    pulses = {pulse.role: pulse for pulse in heartbeat.pulses(now)}
    waiting, oldest = inbox.waiting()
    roles = [
        {
            "role": name,
            "state": _state(pulses.get(name)),
            "instance": pulse.instance if (pulse := pulses.get(name)) else None,
            "seconds_since": round((now - pulse.at).total_seconds(), 1) if pulse else None,
            "detail": dict(pulse.detail) if pulse else {},
            "last_error": pulse.last_error if pulse else "",
        }
        for name in dict.fromkeys((*NEEDED, *pulses))
    ]
    return {
        "ok": all(role["state"] == "running" for role in roles),
        "at": now.isoformat(),
        "roles": roles,
        "inbox": {
            "waiting": waiting,
            "lag_seconds": round((now - oldest).total_seconds(), 1) if oldest else 0,
            "rejected": InboxItem.objects.filter(state=InboxItem.State.REJECTED).count(),
        },
        "posts": bootstrap.post_store().count(Everything()),
        "alerts": {
            "open": Alert.objects.filter(state__in=OPEN_STATES).count(),
            "overdue": Deadline.objects.filter(
                alert__state__in=OPEN_STATES, met_at=None, cancelled_at=None, paused_at=None, due_at__lt=now
            )
            .values("alert")
            .distinct()
            .count(),
        },
        "outbox": {
            "waiting": Notification.objects.filter(state=Notification.Sending.PENDING).count(),
            "failed": Notification.objects.filter(state=Notification.Sending.FAILED).count(),
        },
        "sources": dict.fromkeys(("ok", "slow", "silent", "broken", "blocked", "new"), 0)
        | _counts(SourceState.objects.values_list("health", flat=True)),
    }


def _counts(values: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def _state(pulse: Any) -> str:
    if pulse is None:
        return "absent"
    return "silent" if pulse.silent else "running"


_WORDS = {"running": "运行", "silent": "无响应", "absent": "未启动"}


def _show(report: dict[str, Any]) -> None:
    for role in report["roles"]:
        figures = "  ".join(f"{key}={value}" for key, value in role["detail"].items())
        click.echo(f"{role['role']:<10}{_WORDS[role['state']]:<6}{figures}")
        if role["last_error"]:
            click.echo(f"{'':<10}最近错误：{role['last_error']}")
    inbox, alerts, outbox = report["inbox"], report["alerts"], report["outbox"]
    click.echo(
        f"待处理 {inbox['waiting']} 条（最早 {inbox['lag_seconds']:.0f} 秒前），已隔离 {inbox['rejected']} 条；"
        f"帖文 {report['posts']} 条；未结告警 {alerts['open']} 条，其中超时 {alerts['overdue']} 条；"
        f"待发通知 {outbox['waiting']} 条，失败 {outbox['failed']} 条"
    )
    click.echo("信源  " + "  ".join(f"{name}={count}" for name, count in report["sources"].items() if count))

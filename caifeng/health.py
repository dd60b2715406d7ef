"""What `caifeng doctor` looks at: everything a night shift would ask, each answered in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from alerts import channels, roster
from alerts.models import DutyOverride, Notification
from alerts.roster import Substitution
from caifeng import bootstrap
from core.clock import SHANGHAI
from core.errors import CaifengError
from core.query import Everything
from crawlers.models import SourceState
from storage import heartbeat, inbox

#: Below this the next night may not end well.
LEAST_DISK = 2 << 30
LONGEST_LAG = timedelta(minutes=2)
LOOK_AHEAD = timedelta(hours=24)
NEEDED = ("serve", "schedule", "crawl", "work", "sweep", "send")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    words: str


def examine(now: datetime) -> list[Finding]:
    """Look at everything; a check that fails is a finding, never a crash."""
    return [finding for check in _CHECKS for finding in _safely(check, now)]


def _safely(check: Callable[[datetime], Iterator[Finding]], now: datetime) -> list[Finding]:
    try:
        return list(check(now))
    except (CaifengError, OSError) as error:
        return [Finding(what=(check.__doc__ or check.__name__).strip("."), ok=False, words=str(error))]


def _disk(now: datetime) -> Iterator[Finding]:
    """磁盘."""
    free = shutil.disk_usage(settings.HOME).free
    yield Finding(what="磁盘", ok=free > LEAST_DISK, words=f"剩余 {free / (1 << 30):.1f} GB")


def _profile(now: datetime) -> Iterator[Finding]:
    """配置."""
    county = bootstrap.profile()
    yield Finding(
        what="配置", ok=True, words=f"{county.name}，话题 {len(county.topics)}，单位 {len(county.departments)}"
    )


def _roles(now: datetime) -> Iterator[Finding]:
    """进程."""
    pulses = {pulse.role: pulse for pulse in heartbeat.pulses(now)}
    for role in NEEDED:
        pulse = pulses.get(role)
        words = "未启动" if pulse is None else f"{(now - pulse.at).total_seconds():.0f} 秒前有心跳"
        if pulse and pulse.last_error:
            words += f"，最近错误：{pulse.last_error}"
        yield Finding(
            what=f"进程 {role}", ok=pulse is not None and not pulse.silent and not pulse.last_error, words=words
        )


def _inbox(now: datetime) -> Iterator[Finding]:
    """收件箱."""
    waiting, oldest = inbox.waiting()
    lag = now - oldest if oldest else timedelta()
    yield Finding(
        what="收件箱", ok=lag < LONGEST_LAG, words=f"待处理 {waiting} 条，最早 {lag.total_seconds():.0f} 秒前"
    )


def _store(now: datetime) -> Iterator[Finding]:
    """帖文库."""
    yield Finding(what="帖文库", ok=True, words=f"{settings.STORE}，{bootstrap.post_store().count(Everything())} 条")


def _channels(now: datetime) -> Iterator[Finding]:
    """通知渠道."""
    names = [name for name in channels.load_file(settings.CHANNELS_FILE) if name != "console"]
    yield Finding(what="通知渠道", ok=bool(names), words="、".join(names) or "未配置，消息只在值班台显示")
    failed = Notification.objects.filter(
        state=Notification.Sending.FAILED, created_at__gt=now - timedelta(days=1)
    ).count()
    yield Finding(what="通知失败", ok=failed == 0, words=f"近 24 小时 {failed} 条")


def _sources(now: datetime) -> Iterator[Finding]:
    """信源."""
    enabled = {source.id: source.name for source in bootstrap.sources() if source.enabled}
    ill = SourceState.objects.filter(source__in=enabled, health__in=["silent", "broken", "blocked"])
    rows = [f"{enabled[row.source]}（{row.get_health_display()}：{row.health_reason}）" for row in ill]
    yield Finding(
        what="信源", ok=not rows and bool(enabled), words="；".join(rows) or f"启用 {len(enabled)} 个，均正常"
    )


def _roster(now: datetime) -> Iterator[Finding]:
    """排班."""
    overrides = [
        Substitution(start=row.start, end=row.end, replaces=row.replaces, login=row.login, reason=row.reason)
        for row in DutyOverride.objects.filter(end__gt=now)
    ]
    gaps = roster.gaps(bootstrap.profile(), overrides, now, now + LOOK_AHEAD)
    words = "；".join(f"{gap.start.astimezone(SHANGHAI):%m-%d %H:%M} 起{gap.reason}" for gap in gaps)
    yield Finding(what="排班", ok=not gaps, words=words or "未来 24 小时均有人值班")


_CHECKS = (_disk, _profile, _roles, _inbox, _store, _channels, _sources, _roster)

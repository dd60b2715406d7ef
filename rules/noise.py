"""Whether a finding disturbs anyone now: decisions without effects, each with its reason in Chinese."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter

from core.clock import SHANGHAI
from rules.schema import QuietTime, Rule, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A rule's key rests until then; `exponent` is how often the wait has doubled."""

    until: datetime
    exponent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hush:
    """A person asked for quiet; empty fields mean all of them."""

    rule: str
    key: str
    incident: str
    owner: str
    reason: str
    ends_at: datetime


def rest_after(rule: Rule, last: Rest | None, now: datetime) -> Rest | None:
    """How long a key rests after a finding that is told now; None when the rule has no realert."""
    realert = rule.silence
    if not realert:
        return None
    longest = rule.exponential_realert
    if last is None or longest is None:
        return Rest(until=now + realert)
    exponent = _exponent(last, realert, now)
    wait = realert * 2**exponent
    if wait >= longest:
        return Rest(until=now + longest, exponent=exponent - 1)
    return Rest(until=now + wait, exponent=exponent)


def _exponent(last: Rest, realert: timedelta, now: datetime) -> int:
    """Up by one when the finding came within the current wait after the silence, else down by what has passed."""
    late, exponent = now - last.until, last.exponent
    if late < realert * 2**exponent:
        return exponent + 1
    while exponent > 0 and late > realert * 2**exponent:
        late -= realert * 2**exponent
        exponent -= 1
    return exponent


def rests(rest: Rest | None, now: datetime) -> bool:
    """Whether the key still rests; it ends at `until`."""
    return rest is not None and now < rest.until


def group_due(rule: Rule, now: datetime) -> datetime | None:
    """When the group a finding opens now is due; None when the rule does not group."""
    if not rule.aggregation:
        return None
    if isinstance(rule.aggregation, Schedule):
        due: datetime = croniter(rule.aggregation.schedule, now.astimezone(SHANGHAI)).get_next(datetime)
        return due.astimezone(now.tzinfo)
    return now + rule.aggregation


def hushed(rule: Rule, key: str, incident: str | None, hushes: Sequence[Hush]) -> str:
    """Why a person's silence covers the finding; empty when none does."""
    for hush in hushes:
        if hush.rule in ("", rule.id) and hush.key in ("", key) and hush.incident in ("", incident or ""):
            until = hush.ends_at.astimezone(SHANGHAI)
            return f"{hush.owner} 设置静默至 {until:%m-%d %H:%M}：{hush.reason}"
    return ""


def quiet_time(rule: Rule, now: datetime) -> tuple[datetime, str] | None:
    """Until when, and why, a recurring quiet time covers the moment."""
    local = now.astimezone(SHANGHAI)
    for quiet in rule.quiet:
        if _covers(quiet, local):
            end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
            until = end if end > local else end + timedelta(days=1)
            return until.astimezone(now.tzinfo), f"免打扰时段 {quiet.start:%H:%M}–{quiet.end:%H:%M}：{quiet.reason}"
    return None


def _covers(quiet: QuietTime, local: datetime) -> bool:
    """A time that runs past midnight belongs to the weekday on which it began."""
    clock = local.time()
    if quiet.start <= quiet.end:
        return quiet.start <= clock < quiet.end and _on(quiet, local)
    if clock >= quiet.start:
        return _on(quiet, local)
    return clock < quiet.end and _on(quiet, local - timedelta(days=1))


def _on(quiet: QuietTime, local: datetime) -> bool:
    return not quiet.weekdays or local.isoweekday() in quiet.weekdays


def inhibited(rule: Rule, open_levels: Collection[str]) -> str:
    """Why an open alert of the same incident mutes the rule: by default level I mutes level IV."""
    muting = rule.inhibited_by or (["I"] if rule.severity == "IV" else [])
    level = next((level for level in muting if level in open_levels), None)
    return "" if level is None else f"同一事件已有{level}级预警"

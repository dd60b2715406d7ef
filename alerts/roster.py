"""Who is on duty: shifts in rotation, then whoever stands in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from core.clock import SHANGHAI, aware
from core.profile import DutyMember, Profile, Shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """Somebody stands in from `start` to `end`; an empty `replaces` adds a person."""

    start: datetime
    end: datetime
    login: str
    replaces: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """The people of one moment."""

    #: Names of the shifts that run; empty when none does.
    shift: str
    #: Of the shift that ends first; None without a shift.
    start: datetime | None
    end: datetime | None
    officers: tuple[DutyMember, ...]
    leads: tuple[DutyMember, ...]
    #: Why somebody is missing or stands in, in Chinese, one line each.
    remarks: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[DutyMember, ...]:
        """Officers, then leads, each once."""
        return tuple({member.login: member for member in (*self.officers, *self.leads)}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time nobody covers."""

    start: datetime
    end: datetime
    reason: str


def on_duty(profile: Profile, overrides: Sequence[Substitution], at: datetime) -> OnDuty:
    """Say who is on duty at that moment.

    1. The shifts that run give their people in rotation, one day each, counted from the roster's anchor.
    2. Substitutions of the moment replace or add people.
    3. Logins the roster does not know are left out, and said.
    """
    running = [(shift, start) for shift in profile.roster.shifts for start in _starts(shift, at)]
    officers = [login for shift, start in running for login in _turn(profile, shift.officers, start)]
    leads = [login for shift, start in running for login in _turn(profile, shift.leads, start)]
    remarks = [] if running else ["此时没有班次"]
    for stand_in in overrides:
        if stand_in.start <= at < stand_in.end:
            officers, leads = _substitute(stand_in, officers, leads, profile)
            remarks.append(_remark(stand_in, profile))
    known = {member.login: member for member in profile.roster.members}
    unknown = sorted({*officers, *leads} - known.keys())
    remarks += [f"值班表上没有 {login}" for login in unknown]
    if running and not officers:
        remarks.append("本班没有值班员")
    spans = [(_at(start, shift.start), _end(shift, start)) for shift, start in running]
    first = min(spans, key=lambda span: span[1]) if spans else (None, None)
    return OnDuty(
        shift="、".join(shift.name for shift, _ in running),
        start=first[0],
        end=first[1],
        officers=_members(officers, known),
        leads=_members(leads, known),
        remarks=tuple(remarks),
    )


def gaps(profile: Profile, overrides: Sequence[Substitution], start: datetime, end: datetime) -> list[Gap]:
    """Times in [start, end) with no officer, or only people who cannot be reached."""
    found: list[Gap] = []
    edges = [*sorted(_edges(profile, overrides, start, end)), end]
    for left, right in pairwise(edges):
        reason = gap_reason(on_duty(profile, overrides, left))
        if not reason:
            continue
        if found and found[-1].end == left and found[-1].reason == reason:
            found[-1] = Gap(start=found[-1].start, end=right, reason=reason)
        else:
            found.append(Gap(start=left, end=right, reason=reason))
    return found


def gap_reason(duty: OnDuty) -> str:
    """Why nobody would hear an alert, empty when somebody would."""
    if not duty.officers:
        return duty.remarks[-1] if duty.remarks else "没有值班员"
    if not any(member.addresses for member in duty.officers):
        return f"{'、'.join(member.name for member in duty.officers)}没有登记联系渠道"
    return ""


def _starts(shift: Shift, at: datetime) -> Iterable[date]:
    """Local days whose turn of the shift covers the moment: today's, or yesterday's running past midnight."""
    today = at.astimezone(SHANGHAI).date()
    for day in (today - timedelta(days=1), today):
        if _at(day, shift.start) <= at < _end(shift, day):
            yield day


def _end(shift: Shift, day: date) -> datetime:
    overnight = shift.end <= shift.start
    return _at(day + timedelta(days=1) if overnight else day, shift.end)


def _at(day: date, clock: time) -> datetime:
    return aware(datetime.combine(day, clock, SHANGHAI))


def _turn(profile: Profile, logins: Sequence[str], day: date) -> tuple[str, ...]:
    if not logins:
        return ()
    return (logins[(day - date.fromisoformat(profile.roster.anchor)).days % len(logins)],)


def _substitute(
    stand_in: Substitution, officers: list[str], leads: list[str], profile: Profile
) -> tuple[list[str], list[str]]:
    if stand_in.replaces:
        return (
            [stand_in.login if login == stand_in.replaces else login for login in officers],
            [stand_in.login if login == stand_in.replaces else login for login in leads],
        )
    member = next((member for member in profile.roster.members if member.login == stand_in.login), None)
    if member is not None and member.role == "duty_lead":
        return officers, [*leads, stand_in.login]
    return [*officers, stand_in.login], leads


def _remark(stand_in: Substitution, profile: Profile) -> str:
    names = {member.login: member.name for member in profile.roster.members}
    name = names.get(stand_in.login, stand_in.login)
    because = f"（{stand_in.reason}）" if stand_in.reason else ""
    if stand_in.replaces:
        return f"{name}替{names.get(stand_in.replaces, stand_in.replaces)}值班{because}"
    return f"{name}加班值守{because}"


def _members(logins: Sequence[str], known: dict[str, DutyMember]) -> tuple[DutyMember, ...]:
    return tuple(known[login] for login in dict.fromkeys(logins) if login in known)


def _edges(profile: Profile, overrides: Sequence[Substitution], start: datetime, end: datetime) -> set[datetime]:
    """Every moment in [start, end) at which the people can change."""
    edges = {start}
    day = start.astimezone(SHANGHAI).date() - timedelta(days=1)
    while _at(day, time()) < end:
        for shift in profile.roster.shifts:
            edges |= {_at(day, shift.start), _end(shift, day)}
        day += timedelta(days=1)
    edges |= {moment for stand_in in overrides for moment in (stand_in.start, stand_in.end)}
    return {edge for edge in edges if start <= edge < end}

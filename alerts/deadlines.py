"""The dated plan of an alert: when each stage is due, on what ground, and what happens as its window is used up.

Clock hours run through nights and holidays. Working days follow `alerts.calendar`: the day itself is not counted
(民法典 §201) and the last one ends when the office closes (§203). Pure: values and instants in, values out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from alerts import calendar
from core.clock import SHANGHAI, aware
from core.errors import ConfigError
from core.profile import Escalation, Profile, Window

#: In the order of the procedure.
STAGE_NAMES: Mapping[str, str] = {
    "confirm": "值班确认",
    "dispatch": "指派",
    "acknowledge": "部门签收",
    "return_assignment": "退回",
    "flash_report": "快报",
    "first_feedback": "核查初报",
    "authoritative_info": "权威信息",
    "press_conference": "新闻发布会",
    "public_response": "公开回应",
    "verification_report": "核查报告",
    "follow_up_report": "续报",
    "closure": "办结",
}
STAGES = tuple(STAGE_NAMES)
#: Counted from the detection; every other stage from the confirmation.
FROM_DETECTION = frozenset({"confirm"})
#: Owed by the duty office; the others by the responsible unit.
DUTY_STAGES = frozenset({"confirm", "dispatch", "flash_report"})
#: Owed again, for as long, each time it is met: as long as the matter is open.
RECURRING = frozenset({"follow_up_report"})
#: A right that lapses, not a duty: nobody is reminded of it.
RIGHTS = frozenset({"return_assignment"})
#: What happens at the end of every window, whatever the profile's steps.
OVERDUE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something to do when `percent` of a window is used up."""

    percent: int
    at: datetime
    #: contact, head, deputy_leader, office_head, circular; empty for the bare end of a window.
    to: str
    #: reminder, supervision_order, circular, overdue, lapse.
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDeadline:
    """One stage of the plan."""

    stage: str
    level: str
    started_at: datetime
    due_at: datetime
    #: The figure and where it comes from, in Chinese.
    basis: str
    #: None for clock time.
    working_days: int | None
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The stage in the officers' words."""
        return STAGE_NAMES[self.stage]


def plan(
    level: str, *, detected_at: datetime, confirmed_at: datetime, profile: Profile, topic: str = ""
) -> list[PlannedDeadline]:
    """Date every stage the profile sets for the level, in the order of the procedure.

    Raises ConfigError for a level or topic the profile does not have.
    """
    level_id = known_level(level, profile)
    if topic and profile.topic(topic) is None:
        names = "、".join(known.id for known in profile.topics)
        raise ConfigError(f"没有话题 {topic}；可用：{names}")
    return [
        date_window(window, detected_at if window.stage in FROM_DETECTION else confirmed_at, profile)
        for stage in STAGES
        if (window := find_window(stage, level_id, profile)) is not None
    ]


def known_level(level: str, profile: Profile) -> str:
    """The profile's id of a level, however its numeral was typed (Ⅱ, ii). Raises ConfigError."""
    typed = unicodedata.normalize("NFKC", level).strip().casefold()
    for known in profile.levels:
        if known.id.casefold() == typed:
            return known.id
    raise ConfigError(f"没有级别 {level}；可用：{'、'.join(known.id for known in profile.levels)}")


def find_window(stage: str, level: str, profile: Profile) -> Window | None:
    """The window of a stage at a level; None when the profile sets none."""
    return next((window for window in profile.windows if (window.stage, window.level) == (stage, level)), None)


def date_window(window: Window, started_at: datetime, profile: Profile) -> PlannedDeadline:
    """Turn a window into a dated deadline that starts then."""
    start = aware(started_at)
    due, guessed = _due(window, start, profile)
    return PlannedDeadline(
        stage=window.stage,
        level=window.level,
        started_at=start,
        due_at=due,
        basis=_basis(window, guessed, profile),
        working_days=window.working_days,
        steps=steps(
            window.stage,
            start,
            due,
            working_days=window.working_days,
            paused_for=timedelta(),
            profile=profile,
        ),
    )


def steps(
    stage: str,
    started_at: datetime,
    due_at: datetime,
    *,
    working_days: int | None,
    paused_for: timedelta,
    profile: Profile,
) -> tuple[Step, ...]:
    """Everything that happens on the way to a deadline and after it, soonest first.

    A step is due when its share of the window, pauses left out, is used up. A window of working days is used up in
    office hours only, so nobody is woken for it.
    """
    if stage in RIGHTS:
        return (Step(percent=OVERDUE, at=due_at, to="", kind="lapse"),)
    ladder = [*profile.escalations]
    if all(step.percent != OVERDUE for step in ladder):
        ladder.append(Escalation(percent=OVERDUE, to="", kind="overdue"))
    begin = started_at + paused_for
    dated = [
        Step(
            percent=rung.percent,
            at=begin + (due_at - begin) * rung.percent / 100
            if working_days is None
            else office_moment(due_at, working_days, rung.percent, profile),
            to=rung.to,
            kind=rung.kind,
        )
        for rung in ladder
    ]
    return tuple(sorted(dated, key=lambda step: (step.at, step.percent)))


def office_moment(due_at: datetime, working_days: int, percent: int, profile: Profile) -> datetime:
    """When so much of a window of working days that ends at `due_at` is used up, counted in office hours."""
    if percent == OVERDUE:
        return due_at
    base = calendar.working_days_before(due_at.astimezone(SHANGHAI).date(), working_days)
    whole, rest = divmod(working_days * percent, 100)
    if not rest:
        return _office(calendar.working_days_after(base, whole).day, profile.office_closes)
    opens = _office(calendar.working_days_after(base, whole + 1).day, profile.office_opens)
    closes = _office(opens.astimezone(SHANGHAI).date(), profile.office_closes)
    return opens + (closes - opens) * rest / 100


def close_of(started_at: datetime, working_days: int, profile: Profile) -> datetime:
    """End of office hours on the n-th working day after the day of `started_at`."""
    day = calendar.working_days_after(started_at.astimezone(SHANGHAI).date(), working_days).day
    return _office(day, profile.office_closes)


def resumed(due_at: datetime, *, working_days: bool, paused_at: datetime, now: datetime, profile: Profile) -> datetime:
    """The new end of a window after a pause.

    Clock time moves by the length of the pause; working days by the working days that passed in it.
    """
    if not working_days:
        return due_at + (now - paused_at)
    passed = calendar.working_days_between(paused_at.astimezone(SHANGHAI).date(), now.astimezone(SHANGHAI).date())
    return close_of(due_at, passed, profile) if passed else due_at


def _office(day: date, clock: time) -> datetime:
    return aware(datetime.combine(day, clock, SHANGHAI))


def _due(window: Window, start: datetime, profile: Profile) -> tuple[datetime, tuple[int, ...]]:
    if window.duration is not None:
        return start + window.duration, ()
    counted = calendar.working_days_after(start.astimezone(SHANGHAI).date(), window.working_days or 1)
    return _office(counted.day, profile.office_closes), counted.guessed_years


def _basis(window: Window, guessed: tuple[int, ...], profile: Profile) -> str:
    mark, _, source = window.basis.partition(" ")
    words = [figure(window, profile)]
    match mark.rstrip("；"):
        case "N":
            words.append(f"依据{source}")
        case "L":
            words.append(f"{_here(profile)}设定，参照{source}")
        case _:
            rest = window.basis.removeprefix("OWN").strip(" ；")
            words.append(f"{_here(profile)}设定" + (f"，{rest}" if rest else ""))
    if guessed:
        years = "、".join(str(year) for year in guessed)
        words.append(f"{years} 年放假安排未收录，暂按周六、周日休息推算")
    return "；".join(words)[:200]


def figure(window: Window, profile: Profile) -> str:
    """`2 小时`, `1 个工作日，18:00 下班为止`."""
    if window.duration is None:
        return f"{window.working_days} 个工作日，当日不计，至 {profile.office_closes:%H:%M} 下班为止"
    return span(window.duration)


def span(length: timedelta) -> str:
    """A length in words, without zero parts: `1 小时 30 分钟`; whole days stay hours up to 72."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24) if hours > 72 else (0, hours)
    parts = ((days, "天"), (hours, "小时"), (minutes, "分钟"), (seconds, "秒"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 分钟"


def _here(profile: Profile) -> str:
    ending = profile.name[-1:]
    return f"本{ending}" if ending in "省市县区旗镇乡" and ending else "本地"

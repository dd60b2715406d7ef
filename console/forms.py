"""Forms of the desk's actions: fields from the profile, faults at the field, typed text kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404, QueryDict

from alerts.deadlines import STAGE_NAMES
from alerts.desk import Command
from alerts.lifecycle import NEEDS_NOTE, NEEDS_TEXT, Action
from alerts.models import Alert
from console import feed
from console.actions import FIELDS
from core.profile import Profile

#: Longest text an officer may type into one field.
LONGEST = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing to choose."""

    value: str
    label: str
    picked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field as the page shows it. `kind`: text, area, radio, select, checks, url."""

    name: str
    label: str
    kind: str
    value: str = ""
    choices: Sequence[Choice] = ()
    required: bool = False
    hint: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of one action."""

    action: Action
    fields: Sequence[Field]
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What was typed, and what is wrong with it by field name."""

    action: Action
    version: int | None
    single: Mapping[str, str]
    many: Mapping[str, tuple[str, ...]]
    faults: Mapping[str, str]
    profile: Profile = field(repr=False)

    def command(self, alert: int, login: str) -> Command:
        """What `alerts.desk.act` is asked to do."""
        given: dict[str, Any] = {name: value for name, value in self.single.items() if value and name != "into"}
        given |= {name: value for name, value in self.many.items() if value}
        if into := self.single.get("into"):
            given["into"] = Alert.objects.values_list("pk", flat=True).get(number=into)
        return Command(alert=alert, action=self.action, actor=login, version=self.version, **given)

    def again(self, alert: Alert) -> Form:
        """The form with what was typed, for the alert as it is now."""
        shown = [
            build(name, self.action, alert, self.profile, self.single, self.many, self.faults.get(name, ""))
            for name in FIELDS[self.action]
        ]
        return Form(action=self.action, fields=shown, version=alert.version)


def known_action(name: str) -> Action:
    """The action of that name, else 404."""
    try:
        return Action(name)
    except ValueError as error:
        raise Http404(f"没有办理事项 {name}") from error


def blank(action: Action, alert: Alert | None, profile: Profile) -> Form:
    """The fields of an action with what is proposed filled in; without an alert for many at once."""
    single, many = _proposed(alert) if alert else ({}, {})
    shown = [build(name, action, alert, profile, single, many) for name in FIELDS[action]]
    return Form(action=action, fields=shown, version=alert.version if alert else None)


def _proposed(alert: Alert) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    newest = alert.statements.order_by("-version").values_list("text", flat=True).first() or ""
    return (
        {"level": alert.level or alert.suggested_level, "lead": alert.lead_unit, "text": newest},
        {"co": tuple(alert.co_units), "guidance": tuple(alert.guidance_units)},
    )


def filled(posted: QueryDict, alert: Alert, profile: Profile, version: int | None = None) -> Filled:
    """Read what was sent; unknown names are dropped, wrong values are faults."""
    action = known_action(posted.get("action", ""))
    names = FIELDS[action]
    single = {name: posted.get(name, "").strip() for name in names if name not in MANY}
    many = _without_repeats(single, {name: posted.getlist(name) for name in names if name in MANY})
    sent = posted.get("version", "")
    return Filled(
        action=action,
        version=version if version is not None else int(sent) if sent.isdigit() else None,
        single=single,
        many=many,
        faults=_faults(action, single, many, alert, profile),
        profile=profile,
    )


def _without_repeats(single: Mapping[str, str], many: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Each unit once: who leads does not co-handle, who co-handles does not guide."""
    taken, kept = {single.get("lead", "")}, {}
    for name in sorted(many):
        kept[name] = tuple(unit for unit in dict.fromkeys(many[name]) if unit not in taken)
        taken |= set(kept[name])
    return kept


MANY = frozenset({"co", "guidance", "units"})


def _faults(
    action: Action,
    single: Mapping[str, str],
    many: Mapping[str, tuple[str, ...]],
    alert: Alert,
    profile: Profile,
) -> dict[str, str]:
    faults = {name: f"最多 {LONGEST} 字，现 {len(text)} 字" for name, text in single.items() if len(text) > LONGEST}
    known = {unit.id for unit in profile.departments}
    if "level" in single and profile.level(single["level"]) is None:
        faults["level"] = "请选择级别"
    if "lead" in single and single["lead"] not in known:
        faults["lead"] = "请选择牵头单位"
    for name, units in many.items():
        if set(units) - known:
            faults[name] = "有单位不在名录中"
    if single.get("into") is not None and "into" in FIELDS[action]:
        target = single["into"]
        if target == alert.number or not Alert.objects.filter(number=target).exists():
            faults["into"] = "没有这个编号的告警，或就是本条"
    if action in NEEDS_NOTE and not single.get("note"):
        faults["note"] = NEEDS_NOTE[action]
    if action in NEEDS_TEXT and not single.get("text"):
        faults["text"] = NEEDS_TEXT[action]
    return faults


def build(
    name: str,
    action: Action,
    alert: Alert | None,
    profile: Profile,
    single: Mapping[str, str],
    many: Mapping[str, tuple[str, ...]],
    fault: str = "",
) -> Field:
    """One field with its choices from the profile."""
    label, kind, hint = LABELS[name]
    picked = many.get(name, ()) or ((single[name],) if single.get(name) else ())
    return Field(
        name=name,
        label=_note_label(action) if name == "note" else label,
        kind=kind,
        value=single.get(name, ""),
        choices=_choices(name, alert, profile, picked),
        required=_required(name, action),
        hint=hint,
        fault=fault,
    )


LABELS: Mapping[str, tuple[str, str, str]] = {
    "level": ("级别", "radio", ""),
    "lead": ("牵头单位", "select", ""),
    "co": ("协办单位", "checks", ""),
    "guidance": ("业务指导单位", "checks", ""),
    "note": ("备注", "area", ""),
    "text": ("内容", "area", "未核实的事实写〔事项 待核〕，核实前不能发布"),
    "channel": ("发布渠道", "text", "如 政府网站、政务新媒体、新闻发布会"),
    "url": ("网址", "url", ""),
    "into": ("并入告警编号", "text", "如 2026-1142"),
    "stage": ("时限", "select", ""),
    "units": ("参加单位", "checks", ""),
    "nature": ("性质", "area", ""),
    "trend": ("走势", "area", ""),
    "risk": ("风险", "area", ""),
    "leader": ("批示领导", "text", "职务或姓名"),
}


def _note_label(action: Action) -> str:
    match action:
        case Action.DISMISS | Action.RETURN | Action.GRADE | Action.REOPEN | Action.PAUSE:
            return "理由"
        case Action.HANDLE | Action.FEEDBACK | Action.REPORT:
            return "情况"
        case _:
            return "备注"


def _required(name: str, action: Action) -> bool:
    if name == "note":
        return action in NEEDS_NOTE
    if name == "text":
        return action in NEEDS_TEXT
    return name in {"level", "lead", "into", "leader"}


def _choices(name: str, alert: Alert | None, profile: Profile, picked: Sequence[str]) -> list[Choice]:
    match name:
        case "level":
            pairs = [(level.id, level.name) for level in sorted(profile.levels, key=lambda level: level.rank)]
        case "lead" | "co" | "guidance" | "units":
            pairs = [(unit.id, unit.short) for unit in profile.departments]
        case "stage" if alert is not None:
            stages = feed.running_or_paused(alert).values_list("stage", flat=True)
            pairs = [(stage, STAGE_NAMES.get(stage, stage)) for stage in dict.fromkeys(stages)]
        case _:
            return []
    return [Choice(value=value, label=label, picked=value in picked) for value, label in pairs]


def picked(ticked: Sequence[str]) -> list[tuple[str, int]]:
    """`2026-1142:7` → number and version, each alert once; what cannot be read is left out."""
    found: dict[str, int] = {}
    for text in ticked[:500]:
        number, _, version = text.rpartition(":")
        if number and version.isdigit():
            found.setdefault(number, int(version))
    return list(found.items())

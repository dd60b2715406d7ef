"""A profile folder checked and turned into `core.profile.Profile`; every error at once, with file and line.

1. Each file is parsed, with the line of every value.
2. Each section is checked by itself (types, names, unknown keys).
3. The sections are checked against each other (owners exist, parents exist, ceilings hold).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, with_config

from caifeng import documents
from caifeng.documents import YamlFile
from core.clock import parse_duration
from core.errors import ConfigError, Fault
from core.profile import (
    Contact,
    Department,
    DutyMember,
    Escalation,
    Level,
    Profile,
    Region,
    ReportHead,
    Roster,
    Shift,
    Topic,
    Window,
)
from crawlers import sources
from rules import schema, watches

#: One file each; also the sections administrators edit.
SECTIONS = ("profile", "regions", "departments", "topics", "levels", "roster", "sources", "rules")
OPTIONAL = ("sources", "rules")
#: Sections that are lists of one kind of value.
_LISTS: dict[str, Any] = {
    "regions": tuple[Region, ...],
    "departments": tuple[Department, ...],
    "topics": tuple[Topic, ...],
    "levels": tuple[Level, ...],
}
_STRICT = ConfigDict(extra="forbid")
for _kind in (Contact, Department, DutyMember, Escalation, Level, Region, ReportHead, Roster, Shift, Topic):
    # The field lists live in core, which knows no pydantic; unknown keys are refused here.
    with_config(_STRICT)(_kind)

#: Hours no profile may exceed without a recorded reason, by stage and level rank (国办发〔2016〕80号, 61号).
CEILINGS: dict[str, dict[int, int]] = {
    "authoritative_info": {1: 5, 2: 5, 3: 48, 4: 48},
    "press_conference": {1: 24, 2: 24},
    "public_response": {3: 48, 4: 48},
}
STAGES = (
    "confirm",
    "dispatch",
    "acknowledge",
    "return_assignment",
    "flash_report",
    "first_feedback",
    "authoritative_info",
    "press_conference",
    "public_response",
    "verification_report",
    "follow_up_report",
    "closure",
)


class OfficeHours(BaseModel):
    """Local times between which working-day clocks run."""

    model_config = _STRICT
    opens: time = time(9)
    closes: time = time(18)


class Head(BaseModel):
    """profile.yaml: what the jurisdiction is called, and its report head."""

    model_config = _STRICT
    id: str
    name: str
    short: str
    report: ReportHead
    office_hours: OfficeHours = OfficeHours()
    offices: Mapping[str, str] = {}
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything a profile folder says."""

    profile: Profile
    sources: tuple[sources.Source, ...] = ()
    watches: tuple[schema.Watch, ...] = ()
    rules: tuple[schema.Rule, ...] = ()


@dataclass(slots=True)
class _Reading:
    """Files read so far and the faults found in them."""

    texts: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)
    files: dict[str, YamlFile] = field(default_factory=dict)

    def file(self, name: str) -> YamlFile | None:
        if name not in self.texts:
            if name not in OPTIONAL:
                self.faults.append(Fault(file=f"{name}.yaml", line=None, reason="缺少此文件"))
            return None
        try:
            self.files[name] = documents.parse(f"{name}.yaml", self.texts[name])
        except ConfigError as error:
            self.faults += error.faults
            return None
        return self.files[name]

    def section(self, name: str, key: str, kind: Any, default: Any) -> Any:
        """Validate the value under `key` of a file already read."""
        file = self.files.get(name)
        if file is None:
            return default
        if not isinstance(file.data, Mapping) or key not in file.data:
            self.faults.append(file.fault((), f"缺少 {key}"))
            return default
        try:
            return TypeAdapter(kind).validate_python(file.data[key])
        except ValidationError as error:
            self.faults += file.faults(error, (key,))
            return default

    def fault(self, name: str, place: documents.Place, reason: str) -> None:
        if file := self.files.get(name):
            self.faults.append(file.fault(place, reason))


def find(name_or_path: str) -> Path:
    """The folder of a profile: a path, or a name under deploy/profiles (or among the installed ones)."""
    here = Path(__file__).resolve().parent
    for folder in (
        Path(name_or_path),
        here.parent / "deploy/profiles" / name_or_path,
        here / "profiles" / name_or_path,
    ):
        if (folder / "profile.yaml").is_file():
            return folder
    raise ConfigError(f"找不到配置 {name_or_path}：应为含 profile.yaml 的目录，或 deploy/profiles 下的名称")


def texts(folder: Path) -> dict[str, str]:
    """The folder's files by section, unread."""
    return {
        name: documents.read_text(folder / f"{name}.yaml") for name in SECTIONS if (folder / f"{name}.yaml").exists()
    }


def load(sections: Mapping[str, str]) -> Installation:
    """Check the YAML texts of all sections. Raises ConfigError with every fault of every section."""
    reading = _Reading(sections)
    profile = _profile(reading)
    loaded = Installation(
        profile=profile or _EMPTY,
        sources=tuple(_parsed(reading, "sources", "sources", sources.parse)),
        watches=tuple(_parsed(reading, "rules", "watches", schema.parse_watch)),
        rules=tuple(_parsed(reading, "rules", "rules", schema.parse)),
    )
    loaded = replace(loaded, rules=tuple(_on_watches(reading, loaded)))
    _unique(reading, "sources", "sources")
    _unique(reading, "rules", "rules")
    if reading.faults or profile is None:
        raise ConfigError(reading.faults)
    return loaded


def _profile(reading: _Reading) -> Profile | None:
    head_file = reading.file("profile")
    head: Head | None = None
    if head_file is not None:
        try:
            head = Head.model_validate(head_file.data)
        except ValidationError as error:
            reading.faults += head_file.faults(error)
    lists: dict[str, tuple[Any, ...]] = {}
    for name, kind in _LISTS.items():
        reading.file(name)
        lists[name] = reading.section(name, name, kind, ())
    windows = tuple(_windows(reading, lists["levels"]))
    escalations = reading.section("levels", "escalations", tuple[Escalation, ...], ())
    reading.file("roster")
    roster = reading.section("roster", "roster", Roster, None)
    if head is None or roster is None:
        return None
    profile = Profile(
        id=head.id,
        name=head.name,
        short=head.short,
        windows=windows,
        escalations=tuple(sorted(escalations, key=lambda step: step.percent)),
        roster=roster,
        report=head.report,
        exclude=head.exclude,
        office_opens=head.office_hours.opens,
        office_closes=head.office_hours.closes,
        offices=head.offices,
        **{**lists, "levels": tuple(sorted(lists["levels"], key=lambda level: level.rank))},
    )
    _cross_check(reading, profile)
    return profile


def _windows(reading: _Reading, levels: tuple[Level, ...]) -> Iterable[Window]:
    file = reading.files.get("levels")
    rows = file.data.get("windows") if file is not None and isinstance(file.data, Mapping) else None
    if file is None:
        return
    if not isinstance(rows, list):
        reading.fault("levels", (), "缺少 windows 列表")
        return
    ranks = {level.id: level.rank for level in levels}
    known: set[tuple[str, str]] = set()
    for index, row in enumerate(rows):
        place: documents.Place = ("windows", index)
        if not isinstance(row, Mapping) or row.get("stage") not in STAGES:
            reading.fault("levels", place, f"stage 应为 {'、'.join(STAGES)} 之一")
            continue
        for level, value in row.items():
            if level in ("stage", "basis", "reason"):
                continue
            if level not in ranks:
                reading.fault("levels", (*place, level), f"没有级别 {level}")
                continue
            try:
                window = _window(row, level, value)
            except ValueError as error:
                reading.fault("levels", (*place, level), str(error))
                continue
            if (window.stage, level) in known:
                reading.fault("levels", (*place, level), f"{window.stage} {level} 级已在前面规定")
            known.add((window.stage, level))
            ceiling = CEILINGS.get(window.stage, {}).get(ranks[level])
            if ceiling and _may_exceed(window, ceiling) and not row.get("reason"):
                reading.fault(
                    "levels",
                    (*place, level),
                    f"{window.stage} {level} 级为 {value}，超过国家规定的 {ceiling} 小时；确需放宽的，写明 reason",
                )
            yield window
    for stage, ceilings in CEILINGS.items():
        for level, rank in ranks.items():
            if rank in ceilings and (stage, level) not in known:
                reading.fault(
                    "levels", ("windows",), f"{stage} {level} 级没有时限，国家规定不超过 {ceilings[rank]} 小时"
                )


def _window(row: Mapping[str, Any], level: str, value: Any) -> Window:
    basis = "；".join(str(row[key]) for key in ("basis", "reason") if row.get(key))
    if match := re.fullmatch(r"(\d+)\s*wd", str(value)):
        return Window(stage=row["stage"], level=level, working_days=int(match[1]), basis=basis)
    duration = parse_duration(str(value))
    if duration <= timedelta():
        raise ValueError(f"时限应大于 0：{value}")
    return Window(stage=row["stage"], level=level, duration=duration, basis=basis)


def _may_exceed(window: Window, hours: int) -> bool:
    """Whether the window can last longer; one of working days can span a long holiday."""
    return window.duration is None or window.duration > timedelta(hours=hours)


def _parsed(reading: _Reading, name: str, key: str, parse: Callable[[Mapping[str, Any]], Any]) -> Iterable[Any]:
    """Values of a list whose package has its own parser; faults carry the line of the entry."""
    file = reading.files.get(name) or reading.file(name)
    rows = file.data.get(key, []) if file is not None and isinstance(file.data, Mapping) else []
    for index, row in enumerate(rows or []):
        try:
            yield parse(row)
        except ConfigError as error:
            for fault in error.faults:
                reading.fault(name, (key, index), fault.reason)
        except ValidationError as error:
            if file is not None:
                reading.faults += file.faults(error, (key, index))


def _on_watches(reading: _Reading, loaded: Installation) -> list[schema.Rule]:
    """Rules with the query of their watch joined to their own."""
    known = {watch.id for watch in loaded.watches}
    for index, rule in enumerate(loaded.rules):
        if rule.watch and rule.watch not in known:
            reading.fault("rules", ("rules", index), f"{rule.id}：没有监测方案 {rule.watch}")
    return watches.resolve((rule for rule in loaded.rules if not rule.watch or rule.watch in known), loaded.watches)


def _unique(reading: _Reading, name: str, key: str) -> None:
    file = reading.files.get(name)
    rows = file.data.get(key) if file is not None and isinstance(file.data, Mapping) else None
    known: set[str] = set()
    for index, row in enumerate(rows or []):
        row_id = row.get("id") if isinstance(row, Mapping) else None
        if row_id in known:
            reading.fault(name, (key, index), f"重复的 id {row_id}")
        known.add(str(row_id))


def _cross_check(reading: _Reading, profile: Profile) -> None:
    """What one section says of another."""
    for name in _LISTS:
        _unique(reading, name, name)
    units = {unit.id for unit in profile.departments}
    places = {region.id: region for region in profile.regions}
    logins = {member.login for member in profile.roster.members}
    for index, region in enumerate(profile.regions):
        if region.parent is not None and region.parent not in places:
            reading.fault("regions", ("regions", index), f"{region.name}：没有上级地区 {region.parent}")
        elif _in_circle(region, places):
            reading.fault("regions", ("regions", index), f"{region.name}：上级关系成环")
        if region.unit is not None and region.unit not in units:
            reading.fault("regions", ("regions", index), f"{region.name}：没有单位 {region.unit}")
    for index, topic in enumerate(profile.topics):
        for owner in set(topic.owners) - units:
            reading.fault("topics", ("topics", index), f"{topic.name}：没有单位 {owner}")
        if not topic.any:
            reading.fault("topics", ("topics", index), f"{topic.name}：any 为空，永远不会命中")
    for index, unit in enumerate(profile.departments):
        if unit.superior is not None and unit.superior not in units:
            reading.fault("departments", ("departments", index), f"{unit.short}：没有上级单位 {unit.superior}")
    for office, unit_id in profile.offices.items():
        if unit_id not in units:
            reading.fault("profile", ("offices", office), f"没有单位 {unit_id}")
    for index, shift in enumerate(profile.roster.shifts):
        for login in {*shift.officers, *shift.leads} - logins:
            reading.fault("roster", ("roster", "shifts", index), f"{shift.name}：值班表没有 {login}")
    if profile.levels and min(level.score for level in profile.levels) > 0:
        reading.fault("levels", ("levels",), "最低一级的 score 应为 0，否则低分告警没有级别")


def _in_circle(region: Region, places: Mapping[str, Region]) -> bool:
    seen: set[str] = set()
    step: Region | None = region
    while step is not None and step.parent is not None:
        if step.id in seen:
            return True
        seen.add(step.id)
        step = places.get(step.parent)
    return False


_EMPTY = Profile(
    id="",
    name="",
    short="",
    regions=(),
    departments=(),
    topics=(),
    levels=(),
    windows=(),
    escalations=(),
    roster=Roster(anchor="2026-01-01", shifts=(), members=()),
    report=ReportHead(title="", issuer="", signer="", secrecy="", report_to=(), send_to=(), copies=0),
)


def library() -> tuple[schema.Rule, ...]:
    """The rules that come with Caifeng, `rules/library/*.yaml`. Raises ConfigError with every fault."""
    found: list[schema.Rule] = []
    faults: list[Fault] = []
    for path in sorted(Path(schema.__file__).parent.glob("library/*.yaml")):
        reading = _Reading({"rules": documents.read_text(path)})
        found += _parsed(reading, "rules", "rules", schema.parse)
        faults += [replace(fault, file=path.name) for fault in reading.faults]
    if faults:
        raise ConfigError(faults)
    return tuple(found)


def with_rules(installation: Installation, library: Iterable[schema.Rule]) -> Installation:
    """Add library rules whose id the profile does not define itself."""
    own = {rule.id for rule in installation.rules}
    return replace(installation, rules=(*installation.rules, *(rule for rule in library if rule.id not in own)))

"""Whose matter it is: 属地 × department by the norm's order, with the evidence for it. Pure.

国办发〔2016〕61号, 80号: the unit concerned answers first; matters of several places go to the department over them;
among several departments the office names a lead; a vertical line's superior is told.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.model import TaggedPost
from core.profile import Department, Profile, Region

#: A second topic counts when it is this strong beside the first.
SECOND_TOPIC = 0.5
#: A second place counts when so large a share of the posts names it.
SECOND_PLACE = 0.25
#: Units that answer themselves, wherever it happened: 水电气暖通信, 涉警.
SPECIALISTS = frozenset({"utility", "police"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place named in posts, with the unit that answers for it."""

    path: str
    region: Region | None
    unit: str
    posts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A topic found in posts, with the department that minds it."""

    topic: str
    name: str
    unit: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A suggestion for the duty officer to dispatch."""

    jurisdiction: str
    lead: str
    co: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()
    #: One Chinese line of evidence each.
    reasons: tuple[str, ...] = ()
    needs_review: bool = False


def suggest(posts: Sequence[TaggedPost], profile: Profile, *, hint: str | None = None) -> Owner:
    """Suggest lead, co-handling and guiding units.

    1. The rule names the unit. 2. A specialist answers directly. 3. Several departments: the office names the lead.
    4. Several places: the department over them. 5. One place: its unit, guided by the department.
    6. No place: the topic's department, to be reviewed.
    """
    found = _decide(_places(posts, profile), _matters(posts, profile), profile, hint)
    return _with_remarks(found, posts, profile)


def of_topic(topic_id: str, place_names: Sequence[str], profile: Profile) -> Owner:
    """Suggest for a matter that is only thought of: a topic and places, by name, path or id."""
    topic = profile.topic(topic_id)
    matters = (
        [Matter(topic=topic.id, name=topic.name, unit=topic.owners[0], score=1.0)] if topic and topic.owners else []
    )
    found = [(name, _region(name, profile)) for name in place_names]
    places = [
        Place(path=name, region=region, unit=_unit_of(region, profile), posts=1) for name, region in found if region
    ]
    return _with_remarks(_decide(places, matters, profile, None), (), profile)


def _decide(places: list[Place], matters: list[Matter], profile: Profile, hint: str | None) -> Owner:
    return (
        _hinted(hint, places, matters, profile)
        or _specialist(places, matters, profile)
        or _departments(places, matters, profile)
        or _several_places(places, matters, profile)
        or _one_place(places, matters, profile)
        or _fallback(matters, profile)
    )


def _hinted(hint: str | None, places: list[Place], matters: list[Matter], profile: Profile) -> Owner | None:
    unit = profile.department(hint or "")
    if unit is None:
        return None
    others = tuple(matter.unit for matter in matters if matter.unit != unit.id)
    return Owner(
        jurisdiction=_path(places), lead=unit.id, guidance=_distinct(others), reasons=(f"规则指定由{unit.short}牵头",)
    )


def _specialist(places: list[Place], matters: list[Matter], profile: Profile) -> Owner | None:
    if not matters or _kind(matters[0].unit, profile) not in SPECIALISTS:
        return None
    first = matters[0]
    return Owner(
        jurisdiction=_path(places),
        lead=first.unit,
        co=_distinct([place.unit for place in places[:1] if place.unit != first.unit]),
        reasons=(f"话题 {first.name} {first.score:.2f}：专业单位{_short(first.unit, profile)}直接办理", *_said(places)),
    )


def _departments(places: list[Place], matters: list[Matter], profile: Profile) -> Owner | None:
    units = _distinct([matter.unit for matter in matters])
    if len(units) < 2:
        return None
    topics = "、".join(f"{matter.name} {matter.score:.2f}" for matter in matters)
    return Owner(
        jurisdiction=_path(places),
        lead=units[0],
        co=units[1:],
        guidance=(),
        reasons=(f"话题 {topics}；涉及 {len(units)} 个部门，由政府办指定牵头，暂列得分最高者", *_said(places)),
        needs_review=True,
    )


def _several_places(places: list[Place], matters: list[Matter], profile: Profile) -> Owner | None:
    units = _distinct([place.unit for place in places if place.unit])
    if len(units) < 2 or not matters:
        return None
    first = matters[0]
    return Owner(
        jurisdiction=_common(places),
        lead=first.unit,
        co=units,
        reasons=(f"涉及 {len(units)} 个属地，由上一级主管部门{_short(first.unit, profile)}牵头", *_said(places)),
    )


def _one_place(places: list[Place], matters: list[Matter], profile: Profile) -> Owner | None:
    place = next((place for place in places if place.unit), None)
    if place is None:
        return None
    guidance = _distinct([matter.unit for matter in matters if matter.unit != place.unit])
    named = tuple(
        f"话题 {matter.name} {matter.score:.2f}：{_short(matter.unit, profile)}业务指导" for matter in matters
    )
    return Owner(
        jurisdiction=place.path,
        lead=place.unit,
        guidance=guidance,
        reasons=(f"属地办理：{_short(place.unit, profile)}", *_said(places), *named),
        needs_review=not matters or len(_distinct([place.unit for place in places])) > 1,
    )


def _fallback(matters: list[Matter], profile: Profile) -> Owner:
    if matters:
        first = matters[0]
        return Owner(
            jurisdiction="",
            lead=first.unit,
            reasons=(f"未识别属地，按话题 {first.name} {first.score:.2f} 暂归{_short(first.unit, profile)}，请核对",),
            needs_review=True,
        )
    office = profile.offices.get("gov_office", "")
    return Owner(jurisdiction="", lead=office, reasons=("属地和话题均未识别，请核对",), needs_review=True)


def _with_remarks(owner: Owner, posts: Sequence[TaggedPost], profile: Profile) -> Owner:
    """Add what does not change the lead but must be seen: vertical lines, rumours, institutions named."""
    remarks = []
    for unit_id in (owner.lead, *owner.co, *owner.guidance):
        unit = profile.department(unit_id)
        superior = profile.department(unit.superior) if unit is not None and unit.superior else None
        if unit is not None and superior is not None:
            remarks.append(f"{unit.short}实行垂直管理，同时抄送{superior.short}")
    rumour = any("rumor_suspect" in tagged.tags.flags for tagged in posts)
    if rumour:
        remarks.append("疑似谣言：是否转公安、网络监管部门，由人决定")
    return Owner(
        jurisdiction=owner.jurisdiction,
        lead=owner.lead,
        co=owner.co,
        guidance=owner.guidance,
        reasons=(*owner.reasons, *_named(posts, owner, profile), *remarks),
        needs_review=owner.needs_review or rumour,
    )


def _named(posts: Sequence[TaggedPost], owner: Owner, profile: Profile) -> Iterator[str]:
    """Departments the posts call by name."""
    counts = Counter(name for tagged in posts for name in set(tagged.tags.institutions))
    for name, count in counts.most_common(3):
        unit = next((unit for unit in profile.departments if name in (unit.name, unit.short, *unit.aliases)), None)
        if unit is not None and unit.id not in (owner.lead, *owner.co, *owner.guidance):
            yield f"{count} / {len(posts)} 帖提到{unit.short}，未列入，请核对"


def _places(posts: Sequence[TaggedPost], profile: Profile) -> list[Place]:
    """Places the posts are about (their first), most named first; those only touched in passing are left out."""
    counts = Counter(tagged.tags.regions[0] for tagged in posts if tagged.tags.regions)
    most = max(counts.values(), default=0)
    found = [
        Place(path=path, region=region, unit=_unit_of(region, profile), posts=count)
        for path, count in counts.most_common()
        if count >= most * SECOND_PLACE
        for region in [_region(path, profile)]
    ]
    return [place for place in found if place.region is not None]


def _region(path: str, profile: Profile) -> Region | None:
    """The deepest known place of a path `省/市/县/乡镇`."""
    for name in reversed(path.split("/")):
        for region in profile.regions:
            if name in (region.name, region.id):
                return region
    return None


def _unit_of(region: Region | None, profile: Profile) -> str:
    """The unit that answers for a place, or for the nearest place above it that is not the whole jurisdiction."""
    places = {known.id: known for known in profile.regions}
    for _ in range(len(places) + 1):
        if region is None:
            return ""
        if region.unit:
            return region.unit
        region = places.get(region.parent or "")
    return ""


def _matters(posts: Sequence[TaggedPost], profile: Profile) -> list[Matter]:
    """Topics of the posts by mean score, strongest first, weak ones left out; each with its department."""
    sums: Counter[str] = Counter()
    for tagged in posts:
        for score in tagged.tags.topics:
            sums[score.id] += score.score  # type: ignore[assignment]  # Counter is typed for ints, adds floats as well
    best = max(sums.values(), default=0)
    named = {name for tagged in posts for name in tagged.tags.institutions}
    matters = []
    for topic_id, total in sums.most_common():
        topic = profile.topic(topic_id)
        if topic is not None and topic.owners and total >= best * SECOND_TOPIC:
            unit = next((owner for owner in topic.owners if _is_named(owner, named, profile)), topic.owners[0])
            matters.append(Matter(topic=topic.id, name=topic.name, unit=unit, score=total / len(posts)))
    return matters


def _is_named(unit_id: str, names: set[str], profile: Profile) -> bool:
    unit = profile.department(unit_id)
    return unit is not None and not names.isdisjoint((unit.name, unit.short, *unit.aliases))


def _kind(unit_id: str, profile: Profile) -> str:
    unit = profile.department(unit_id)
    return unit.kind if unit else ""


def _short(unit_id: str, profile: Profile) -> str:
    unit: Department | None = profile.department(unit_id)
    return unit.short if unit else unit_id


def _said(places: list[Place]) -> tuple[str, ...]:
    return tuple(f"{place.posts} 帖写明{place.path.rsplit('/', 1)[-1]}" for place in places)


def _path(places: list[Place]) -> str:
    return places[0].path if places else ""


def _common(places: list[Place]) -> str:
    """The part of the paths all places share."""
    return posixpath.commonpath([place.path for place in places])


def _distinct(units: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(unit for unit in units if unit))

"""Which places a text is about: the national gazetteer, under it the profile's own tree and aliases.

1. All names of a batch are found in one pass, longest first.
2. A full name counts; a short one counts when it can mean nothing else, or beside a place above it.
3. A name several places share is decided by the places before it, then by the profile's own area.
4. What is named inside something else is no place: `南京路`, `青岛啤酒`.
5. The place named most, deepest and earliest comes first.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import ahocorasick_rs

from core.profile import Profile, Region
from pipeline import lexicon

GAZETTEER = Path(__file__).parent / "models" / "gazetteer.json.gz"

_PEOPLES = (
    "壮族|回族|维吾尔|苗族|侗族|土家族|藏族|彝族|傣族|景颇族|傈僳族|白族|哈尼族|布依族|朝鲜族|羌族|蒙古族|哈萨克|柯尔克孜|蒙古|黎族|瑶族|仡佬族|"
    "水族|满族|畲族|土族|撒拉族|保安族|东乡族|裕固族|达斡尔族|纳西族|拉祜族|佤族|布朗族|独龙族|怒族|普米族|各族|毛南族|仫佬族|锡伯|鄂温克族|"
    "鄂伦春|塔吉克|俄罗斯族"
)
_PROVINCE_END = re.compile(f"(?:省|市|特别行政区|(?:{_PEOPLES})*自治区)$")
_CITY_END = re.compile(f"(?:(?:{_PEOPLES})*自治州|地区|盟|市)$")
_AREA_END = re.compile(f"(?:(?:{_PEOPLES})*自治县|(?:{_PEOPLES})*自治旗|新区|矿区|林区|市|县|区|旗)$")
_FULL_END = tuple("省市区县州盟旗")
#: What follows when a short name is part of a road, a brand, a dish or a set phrase.
_NOT_A_PLACE = re.compile(
    r"(?:[东西南北中一二三四五]?(?:路|大道|大街|街(?!道)|胡同|巷)|(?:大)?桥(?!区|镇|乡)|时间|烤鸭|啤酒|人寿|现代|奔驰|大众|银行|证券|国际|话(?!题)|菜(?!市|农)|拉面|米粉|热干面|"
    r"火锅|小面|白药|保险|人家|饭店|酒家|菜馆|小吃|特产|香烟|老窖|石窟|麻将|晚报|号(?:高铁|动车|轮)|瓜|杂酱|炸酱|板鸭|汽车|[电卫]视(?!台)|证)"
)
_AFTER: Mapping[str, str] = {
    "大理": "由论想石解念智",
    "海口": "味",
    "延安": "精",
    "大连": "接",
    "长沙": "发",
    "大庆": "祝典",
    "和田": "玉",
    "黄山": "毛松",
    "海南": "鸡",
    "北海": "道",
    "南平": "原",
    "日照": "时充",
    "安康": "快",
    "百色": "彩",
    "高密": "度",
    "普洱": "茶",
    "龙井": "茶",
    "宣城": "纸",
    "长治": "久",
}
_BEFORE: Mapping[str, str] = {
    "阳江": "贵",
    "都江": "成",
    "南平": "东西",
    "江口": "长",
    "海南": "上青",
    "山东": "中黄",
    "山西": "中",
    "海口": "上出入",
}
#: Aliases too common to outweigh a place named in full.
_COMMON = frozenset(
    {
        "我县",
        "全县",
        "县城",
        "城区",
        "本县",
        "我市",
        "全市",
        "我区",
        "全区",
        "开发区",
        "经开区",
        "高新区",
        "工业园",
        "本市",
        "本区",
        "老城区",
        "新区",
    }
)
_NEAR = 8

Path_ = tuple[str, ...]


def short_area(name: str) -> str:
    """`岳麓区` → `岳麓`; a name of two characters stays whole."""
    short = _AREA_END.sub("", name)
    return short if len(short) >= 2 else name


@dataclass(frozen=True, slots=True)
class _Place:
    """A candidate: its names from the top, whether the name is enough by itself, and whether it is the profile's."""

    path: Path_
    alone: bool
    #: 0 province, 1 city, 2 county, 3 the profile's own.
    level: int
    own: bool = False
    common: bool = False


@dataclass(frozen=True, slots=True)
class _Mention:
    """A place named at a position."""

    path: Path_
    start: int
    end: int
    own: bool
    common: bool


class Gazetteer:
    """The national tree: names by code, streets by county path."""

    def __init__(self, raw: Mapping[str, Mapping[str, str]]) -> None:
        provinces, cities, areas = raw["provinces"], raw["cities"], raw["areas"]
        self.names: dict[str, list[_Place]] = defaultdict(list)
        self.streets: dict[Path_, str] = {}
        alone = set(raw["alone"]) - lexicon.WORDLIKE_AREAS
        for province in provinces.values():
            self._add(0, (province,), province, _PROVINCE_END.sub("", province), short_alone=True)
        for code, city in cities.items():
            path = _path(provinces[code[:2]], city, city)
            short = _CITY_END.sub("", city)
            self._add(1, path, city, short, short_alone=short not in lexicon.WORDLIKE_CITIES and len(short) >= 2)
        for code, area in areas.items():
            path = _path(provinces[code[:2]], cities.get(code[:4]), area)
            short = short_area(area)
            # A city's name stands for the city, not for a county of the same name elsewhere.
            self._add(
                2,
                path,
                area,
                short,
                short_alone=short in alone or (area.endswith("市") and short not in lexicon.WORDLIKE_AREAS),
            )
            if streets := raw["streets"].get(code):
                self.streets[path] = streets

    def _add(self, level: int, path: Path_, full: str, short: str, *, short_alone: bool) -> None:
        self.names[full].append(_Place(path, len(full) >= 3 or full not in lexicon.WORDLIKE_AREAS, level))
        if short != full and len(short) >= 2:
            self.names[short].append(_Place(path, short_alone, level))


def _path(province: str, city: str | None, area: str) -> Path_:
    return tuple(dict.fromkeys(name for name in (province, city, area) if name))


@functools.cache
def national() -> Gazetteer:
    """The committed gazetteer."""
    return Gazetteer(json.loads(gzip.decompress(GAZETTEER.read_bytes())))


def tree(regions: Iterable[Region]) -> dict[str, Path_]:
    """Path of every region of a profile, by its id."""
    known = {region.id: region for region in regions}
    paths: dict[str, Path_] = {}
    for region in known.values():
        path: list[str] = []
        here: Region | None = region
        while here is not None and here.name not in path:
            path.insert(0, here.name)
            here = known.get(here.parent or "")
        paths[region.id] = tuple(path)
    return paths


class Places:
    """Finds the places of texts for one profile."""

    def __init__(self, profile: Profile | None = None) -> None:
        gazetteer = national()
        self._streets = gazetteer.streets
        names: dict[str, list[_Place]] = {name: list(places) for name, places in gazetteer.names.items()}
        self._home: Path_ = ()
        excluded: set[str] = set()
        if profile is not None and profile.regions:
            paths = tree(profile.regions)
            self._home = _root_of_units(profile, paths)
            for region in profile.regions:
                for name in (region.name, *region.aliases):
                    place = _Place(paths[region.id], True, 3, own=True, common=name in _COMMON)
                    names.setdefault(name, []).append(place)
                excluded.update(region.exclude)
        self._places = names | {name: [] for name in sorted(excluded - names.keys())}
        #: What each name means where no place stands before it: most mentions are the first of their text.
        self._first = [self._choose(places, [], 0) for places in self._places.values()]
        self._names = list(self._places)
        self._automaton = ahocorasick_rs.AhoCorasick(
            self._names,
            matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
            implementation=ahocorasick_rs.Implementation.DFA,
        )

    def find(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Paths `省/市/县/乡镇` of the places each text names, the one it is about first; no text may hold `\\0`."""
        begins = list(accumulate([len(text) + 1 for text in texts], initial=0))
        named: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for match in self._automaton.find_matches_as_indexes("\0".join(texts)):
            named[bisect_right(begins, match[1]) - 1].append(match)
        found: list[tuple[str, ...]] = [()] * len(texts)
        for number, matches in named.items():
            found[number] = self._read(texts[number], begins[number], matches)
        return found

    def _read(self, text: str, begin: int, matches: Iterable[tuple[int, int, int]]) -> tuple[str, ...]:
        mentions = self._mentions(text, begin, matches)
        if not mentions:
            return ()
        if len(mentions) == 1:
            return ("/".join(self._deepened(text, mentions[0]).path),)
        if any(not mention.common for mention in mentions):
            mentions = [mention for mention in mentions if not mention.common or self._within_named(mention, mentions)]
        return tuple("/".join(path) for path in _ranked(text, [self._deepened(text, mention) for mention in mentions]))

    def _within_named(self, common: _Mention, mentions: list[_Mention]) -> bool:
        """`开发区` beside a place of the profile means the profile's own."""
        return all(other.own for other in mentions) and common.own

    def _mentions(self, text: str, begin: int, matches: Iterable[tuple[int, int, int]]) -> list[_Mention]:
        found: list[_Mention] = []
        for index, first, last in matches:
            name, start, end = self._names[index], first - begin, last - begin
            place = self._choose(self._places[name], found, start) if found else self._first[index]
            if place is not None and not _inside_something(text, name, start, end):
                found.append(_Mention(place.path, start, end, place.own, place.common))
        return found

    def _choose(self, places: list[_Place], before: list[_Mention], start: int) -> _Place | None:
        """The one place a name means here, or None when nobody can tell."""
        own = [place for place in places if place.own]
        if len(own) == 1 and not any(other.path[0] != own[0].path[0] for other in before):
            return own[0]
        for mention in reversed(before):
            below = [
                place
                for place in places
                if place.path != mention.path and place.path[: len(mention.path)] == mention.path
            ]
            if len(below) == 1 and (below[0].alone or start - mention.end <= _NEAR):
                return below[0]
            beside = [
                place
                for place in places
                if len(mention.path) > 1 and place.path[:2] == mention.path[:2] and place.path != mention.path
            ]
            if len(beside) == 1 and beside[0].alone:
                return beside[0]
            same = [place for place in places if place.path == mention.path]
            if same:
                return same[0]
        return self._by_itself(places, before)

    def _by_itself(self, places: list[_Place], before: list[_Mention]) -> _Place | None:
        """The highest place of that name when it is the only one so high, else the one in a province already named."""
        alone = [place for place in places if place.alone]
        highest = min((place.level for place in alone), default=0)
        known = {mention.path[0] for mention in before} or set(self._home[:1])
        for few in (
            [place for place in alone if place.level == highest],
            [place for place in alone if place.path[0] in known],
        ):
            if len({place.path for place in few}) == 1:
                return few[0]
        return None

    def _deepened(self, text: str, mention: _Mention) -> _Mention:
        """A county followed by one of its streets or towns becomes that street or town."""
        for street in self._streets.get(mention.path, "").split("|"):
            if street and text.find(street, mention.end, mention.end + 40 + len(street)) >= 0:
                return replace(mention, path=(*mention.path, street))
        return mention


def _root_of_units(profile: Profile, paths: Mapping[str, Path_]) -> Path_:
    """The deepest region all governed places of the profile share."""
    governed = [paths[region.id] for region in profile.regions if region.unit] or list(paths.values())
    common = governed[0]
    for path in governed[1:]:
        common = tuple(a for a, b in zip(common, path, strict=False) if a == b)
    return common


def _inside_something(text: str, name: str, start: int, end: int) -> bool:
    """The name is part of a road, a brand, a dish, a longer word."""
    following = text[end : end + 4]
    if name.endswith(_FULL_END) and len(name) > 2:
        return False
    return bool(
        _NOT_A_PLACE.match(following)
        or (following[:1] in _AFTER.get(name, "") and following)
        or (start and text[start - 1] in _BEFORE.get(name, ""))
    )


def _stress(text: str, start: int, end: int) -> float:
    """Said to be where it happened (`在西安`), or where someone only comes from (`从北京回到`)."""
    if text.startswith(("打工", "上班", "读书", "上学", "务工", "工作"), end):
        return -0.8
    if text[max(0, start - 2) : start].endswith(("在", "位于", "家住", "发生于")):
        return 0.8
    if text[max(0, start - 1) : start] in ("从", "离") or text.startswith(("人在", "商人", "籍", "老乡", "口音"), end):
        return -0.8
    return 0.0


def _ranked(text: str, mentions: list[_Mention]) -> list[Path_]:
    """Deepest distinct paths, by weight: how often, how deep, how early."""
    weights: dict[Path_, float] = defaultdict(float)
    for index, mention in enumerate(mentions):
        stress = _stress(text, mention.start, mention.end)
        weights[mention.path] += 1 + 0.5 * (len(mention.path) - 1) + (0.6 if index == 0 else 0) + stress
    leaves = [path for path in weights if not any(other != path and other[: len(path)] == path for other in weights)]
    order = {mention.path: index for index, mention in reversed(list(enumerate(mentions)))}

    def weight(path: Path_) -> float:
        return sum(value for other, value in weights.items() if path[: len(other)] == other)

    return sorted(leaves, key=lambda path: (-weight(path), order[path]))

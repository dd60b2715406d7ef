"""Which places a text is about: the national gazetteer, under it the profile's own tree and aliases.

1. All names are found in one pass, longest first.
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
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ahocorasick_rs

from core.profile import Profile, Region

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
#: Short city names that are words; they count beside their province only.
_WORD_CITIES = frozenset(
    [
        "朝阳",
        "大同",
        "和平",
        "海东",
        "海北",
        "海南",
        "海西",
        "通化",
        "白山",
        "白银",
        "东方",
        "三明",
        "中山",
        "阿里",
        "北屯",
        "双河",
        "黄山",
        "日照",
        "南平",
        "安康",
        "平凉",
        "长治",
        "保定",
        "吉安",
        "来宾",
        "百色",
        "山南",
        "玉树",
        "九龙",
        "新界",
        "昌都",
        "果洛",
        "大理",
        "文山",
        "塔城",
        "临夏",
    ]
) - frozenset(["保定", "长治", "大理", "日照", "安康", "黄山", "南平", "百色", "三明", "大同", "朝阳", "吉安"])
#: County names that stand for themselves in the dictionary but mean other things in posts.
_WORD_AREAS = frozenset(
    [
        "长安",
        "和平",
        "东方",
        "合作",
        "新城",
        "新华",
        "青年",
        "东风",
        "向阳",
        "南山",
        "宝山",
        "西湖",
        "东湖",
        "南湖",
        "北塔",
        "天山",
        "江北",
        "江南",
        "河东",
        "河西",
        "城中",
        "桥东",
        "桥西",
        "建华",
        "前进",
        "友谊",
        "爱民",
        "永定",
        "平安",
        "长宁",
        "兴隆",
        "太和",
        "安定",
        "大名",
        "高明",
        "高平",
        "乐平",
        "安宁",
        "太平",
        "通道",
        "镇远",
        "平和",
        "安溪",
        "新建",
        "开封",
        "新民",
        "文昌",
        "富裕",
        "集贤",
        "长江",
        "黄河",
        "长城",
        "泰山",
        "黄山",
        "恒山",
        "华山",
        "衡山",
        "嵩山",
        "香山",
        "金山",
        "银山",
        "东山",
        "西山",
        "北山",
        "中山",
        "白云",
        "龙华",
        "海珠",
        "龙门",
        "金门",
        "东港",
        "西港",
        "凤凰",
        "五华",
        "梅县",
        "丰台",
        "石景",
        "上街",
        "下关",
        "中原",
        "城关",
        "路南",
        "路北",
        "兴国",
        "安国",
        "宁国",
        "广德",
        "建德",
        "大通",
        "通州",
        "宝塔",
        "台江",
        "定安",
        "清河",
        "南海",
        "东海",
        "北海",
        "渤海",
        "西藏",
        "中山",
        "大兴",
        "万年",
        "德清",
        "宁远",
        "安远",
        "定远",
        "怀远",
        "鲁山",
        "灵山",
        "天台",
        "平原",
        "高原",
        "草原",
        "武功",
        "尖山",
        "海港",
        "港口",
        "新丰",
        "南丰",
        "永丰",
        "咸丰",
        "宣威",
        "兴文",
        "崇义",
        "崇仁",
        "遂平",
        "西平",
        "东平",
        "长顺",
        "惠民",
        "利民",
        "南江",
        "北海",
        "临江",
        "三江",
        "红河",
        "金川",
        "银川",
        "罗湖",
        "天河",
        "河口",
        "红旗",
        "曲江",
        "龙江",
        "珠江",
        "大安",
        "公安",
        "民权",
        "正安",
        "通江",
        "大同",
        "会同",
        "石门",
        "天门",
        "铁山",
        "石林",
        "大关",
        "昭通",
        "马龙",
        "阿里",
        "革命",
        "博爱",
        "商城",
        "方城",
        "虞城",
        "古城",
        "桃源",
        "花园",
        "蓬莱",
        "普陀",
        "武隆",
        "中方",
        "中宁",
        "通海",
        "元江",
        "金平",
        "元阳",
        "大竹",
        "井研",
        "三台",
        "三门",
        "三原",
        "双流",
        "安福",
        "新安",
        "兰考",
        "汝阳",
        "灵宝",
        "舞阳",
        "镇平",
        "内乡",
        "社旗",
        "唐河",
    ]
)
#: What follows when a short name is part of a road, a brand, a dish or a set phrase.
_NOT_A_PLACE = re.compile(
    r"(?:[东西南北中一二三四五]?(?:路|大道|大街|街(?!道)|胡同|巷)|(?:大)?桥(?!区|镇|乡)|时间|烤鸭|啤酒|人寿|现代|奔驰|大众|银行|证券|国际|话(?!题)|菜(?!市|农)|拉面|米粉|热干面|"
    r"火锅|小面|白药|保险|人家|饭店|酒家|菜馆|小吃|特产|香烟|老窖|石窟|麻将|晚报|号(?:高铁|动车|轮)|瓜|杂酱|炸酱|板鸭|汽车|[电卫]视(?!台)|证)"
)
_AFTER: Mapping[str, str] = {
    "大理": "由论想石解念智",
    "海口": "味",
    "吉林": "大",
    "延安": "精",
    "大连": "接",
    "长沙": "发",
    "大庆": "祝典",
    "和田": "玉",
    "黄山": "毛",
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
        alone = set(raw["alone"]) - _WORD_AREAS
        for province in provinces.values():
            self._add((province,), province, _PROVINCE_END.sub("", province), short_alone=True)
        for code, city in cities.items():
            path = _path(provinces[code[:2]], city, city)
            short = _CITY_END.sub("", city)
            self._add(path, city, short, short_alone=short not in _WORD_CITIES and len(short) >= 2)
        for code, area in areas.items():
            path = _path(provinces[code[:2]], cities.get(code[:4]), area)
            short = short_area(area)
            # A city's name stands for the city, not for a county of the same name elsewhere.
            self._add(path, area, short, short_alone=short in alone)
            if streets := raw["streets"].get(code):
                self.streets[path] = streets

    def _add(self, path: Path_, full: str, short: str, *, short_alone: bool) -> None:
        self.names[full].append(_Place(path, alone=len(full) >= 3))
        if short != full and len(short) >= 2:
            self.names[short].append(_Place(path, alone=short_alone))


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
                    place = _Place(paths[region.id], alone=True, own=True, common=name in _COMMON)
                    names.setdefault(name, []).append(place)
                excluded.update(region.exclude)
        self._places = names
        self._names = [*names, *sorted(excluded - names.keys())]
        self._automaton = ahocorasick_rs.AhoCorasick(self._names, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)

    def find(self, text: str) -> tuple[str, ...]:
        """Paths `省/市/县/乡镇` of the places named, the one the text is about first."""
        mentions = self._mentions(text)
        if not mentions:
            return ()
        if any(not mention.common for mention in mentions):
            mentions = [mention for mention in mentions if not mention.common or self._within_named(mention, mentions)]
        return tuple("/".join(path) for path in _ranked(self._deepened(text, mentions)))

    def _within_named(self, common: _Mention, mentions: list[_Mention]) -> bool:
        """`开发区` beside a place of the profile means the profile's own."""
        return all(other.own for other in mentions) and common.own

    def _mentions(self, text: str) -> list[_Mention]:
        found: list[_Mention] = []
        for index, start, end in self._automaton.find_matches_as_indexes(text):
            name = self._names[index]
            places = self._places.get(name)
            if places is None or _inside_something(text, name, start, end):
                continue
            if place := self._choose(places, found, start):
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
        alone = [place for place in places if place.alone]
        if len(alone) > 1:
            seen = {mention.path[0] for mention in before} or set(self._home[:1])
            alone = (
                [place for place in alone if place.path[0] in seen] if len({p.path for p in alone}) > 1 else alone[:1]
            )
            if len(alone) > 1:
                shallow = min(len(place.path) for place in alone)
                alone = [place for place in alone if len(place.path) == shallow]
        return alone[0] if len(alone) == 1 else None

    def _deepened(self, text: str, mentions: list[_Mention]) -> list[_Mention]:
        """A county followed by one of its streets or towns becomes that street or town."""
        deep = []
        for mention in mentions:
            path = mention.path
            for street in self._streets.get(path, "").split("|"):
                if street and text.find(street, mention.end, mention.end + 40 + len(street)) >= 0:
                    path = (*mention.path, street)
                    break
            deep.append(_Mention(path, mention.start, mention.end, mention.own, mention.common))
        return deep


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


def _ranked(mentions: list[_Mention]) -> list[Path_]:
    """Deepest distinct paths, by weight: how often, how deep, how early."""
    weights: dict[Path_, float] = defaultdict(float)
    for index, mention in enumerate(mentions):
        weights[mention.path] += 1 + 0.5 * (len(mention.path) - 1) + (0.6 if index == 0 else 0)
    leaves = [path for path in weights if not any(other != path and other[: len(path)] == path for other in weights)]
    order = {mention.path: index for index, mention in reversed(list(enumerate(mentions)))}

    def weight(path: Path_) -> float:
        return sum(value for other, value in weights.items() if path[: len(other)] == other)

    return sorted(leaves, key=lambda path: (-weight(path), order[path]))

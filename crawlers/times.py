"""Times as people and machines write them under a post, read against a given `now`.

A wrong time is worse than none: what can mean two days, or lies more than a day ahead, is None.
Without an offset a time is local in China.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from core.clock import SHANGHAI, aware
from core.model import Precision

#: Clocks of servers go wrong by hours, not by days.
_AHEAD = timedelta(days=1)
#: `10:40` or `今天 10:40` names a moment that has been; minutes of skew are forgiven.
_SKEW = timedelta(minutes=15)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
#: Databases fill a date up with these; nobody posted then.
_FILLED_IN = frozenset({(0, 0, 0), (23, 59, 59)})
#: A time stands in a short line; whoever passes a whole page gets the head of it read.
_LONGEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time with how exactly it is known; of a DAY, `at` is its first moment in China."""

    at: datetime
    precision: Precision

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", aware(self.at))


def parse_time(text: str, now: datetime) -> Moment | None:
    """Read the publish time a short text states; None when it states none or cannot be trusted.

    1. A machine's whole stamp needs no reading.
    2. Full-width forms, digits and spaces become plain ones.
    3. What follows a publish label (发布时间, 来信日期 …) is read before the rest.
    4. The first form of `_FORMS` that gives a possible moment decides.
    """
    if not text:
        return None
    here = now.astimezone(SHANGHAI)
    if _STAMP.fullmatch(text) and (moment := _stamp(text, here)):
        return moment
    plain = _plain(text)
    labelled = _LABEL.search(plain)
    if labelled and (moment := _read(plain[labelled.end() :], here)):
        return moment
    return _read(plain, here)


#: Most of what comes by interfaces and pushes; the forms below read it as well, at thirty times the cost.
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def _stamp(text: str, now: datetime) -> Moment | None:
    try:
        at = datetime.fromisoformat(text).replace(microsecond=0)
    except ValueError:
        return None
    if (at.hour, at.minute, at.second) in _FILLED_IN:
        return None
    return _possible(Moment(at=at, precision=Precision.SECOND), now)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text[:_LONGEST])
    return re.sub(r"\s+", " ", re.sub("[\u200b-\u200f\u2060\ufeff]", "", folded)).strip()


def _read(text: str, now: datetime) -> Moment | None:
    for pattern, read in _FORMS:
        for match in pattern.finditer(text):
            if moment := read(match, now):
                return moment
    return None


# Vocabulary.

_LABEL = re.compile(
    r"(?:发布|发表|发帖|刊发|提交|来信|留言|写信|信件|咨询|投诉|创建|录入|发稿|上传|公开|成文|公布|首发)(?:时间|日期|于|在)|发布[:]"
)
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "○": 0,
    "O": 0,
    "o": 0,
    "两": 2,
}
_WEEKDAYS = {char: value for value, char in enumerate("一二三四五六日")} | {"天": 6}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
#: CST is China's on Chinese sites; elsewhere it would be Central.
_ZONES = {"z": 0, "gmt": 0, "utc": 0, "ut": 0, "cst": 8, "hkt": 8, "est": -5, "edt": -4, "pst": -8, "pdt": -7}

_NUMBER = r"(?:\d{1,3}|[一二两三四五六七八九十]{1,3})"
_WEEKDAY = r"(?:\s*[(]?(?:星期|周|礼拜)[一二三四五六日天][)]?)?"
_HALF = (
    r"(?P<half>凌晨|清晨|清早|早上|早晨|早|上午|中午|午间|正午|下午|午后|傍晚|晚上|晚间|夜间|夜里|深夜|晚"
    r"|am\b|pm\b|a\.m\.|p\.m\.)"
)
_ZONE = (
    r"(?P<zone>z\b|(?:gmt|utc)?\s?[+-]\d{2}:?\d{2}(?!\d)|(?:gmt|utc)?[+-]\d{1,2}(?![\d:-])"
    r"|(?:gmt|utc|ut|cst|hkt|est|edt|pst|pdt)\b)"
)
_CLOCK = (
    rf"(?:{_HALF}\s*)?(?P<hour>\d{{1,2}})\s?(?:[:时点]\s?(?P<minute>[0-5]\d(?!\d)|(?<=[时点])[0-9](?=分)|(?<=点)半)\s?分?"
    r"(?:[:]?\s?(?P<second>[0-5]\d)(?:\.\d{1,9})?秒?)?|[时点](?!\d)整?)"
    rf"(?:\s?(?P<after>am|pm|a\.m\.|p\.m\.))?(?:\s?{_ZONE})?"
)
_MAYBE_CLOCK = rf"(?:{_WEEKDAY}[\s,T|/·-]{{0,3}}{_CLOCK})?"
_MONTH_NAME = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_NIGHT = {"晚上", "晚间", "夜间", "夜里", "深夜", "晚"}
_AFTERNOON = {"下午", "午后", "傍晚", "pm", "p.m."}
_NOON = {"中午", "午间", "正午"}
_FORENOON = {"凌晨", "清晨", "清早", "早上", "早晨", "早", "上午", "am", "a.m."}


def _number(text: str) -> int:
    """Read 12, 十二, 二十, 两 or 二〇二二."""
    if text.isdecimal():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
    return int("".join(str(_DIGITS[char]) for char in text))


# From named parts to a moment.


def _hour(hour: int, half: str) -> int | None:
    """The hour on a 24-hour clock; None for a half of the day that contradicts or leaves the day open."""
    if half in _NIGHT:
        return hour + 12 if 5 <= hour < 12 else hour if 12 < hour <= 24 else None
    if half in _AFTERNOON:
        return hour + 12 if hour < 12 else hour
    if half in _NOON:
        return hour + 12 if hour < 4 else hour
    if half in _FORENOON and hour == 12:
        return 0
    return hour


def _zone(text: str | None) -> tzinfo:
    """The zone a text names; China's when it names none."""
    if not text:
        return SHANGHAI
    name = text.lower().replace(" ", "")
    if name in _ZONES:
        return timezone(timedelta(hours=_ZONES[name]))
    digits = re.sub(r"\D", "", name)
    hours, minutes = (digits[:2], digits[2:]) if len(digits) == 4 else (digits, "0")
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if "-" in name else offset)


def _moment(day: date, parts: Mapping[str, str | None], *, default_half: str = "") -> Moment | None:
    """A day with the clock among the named parts; None when the clock cannot be."""
    if parts.get("hour") is None:
        return Moment(at=datetime.combine(day, time(), SHANGHAI), precision=Precision.DAY)
    half = (parts.get("half") or parts.get("after") or default_half).lower()
    hour = _hour(int(parts["hour"] or 0), half)
    minute = 30 if parts.get("minute") == "半" else int(parts.get("minute") or 0)
    if hour is None or hour > 24 or (hour == 24 and minute):
        return None
    second = parts.get("second")
    if second and (hour, minute, int(second)) in _FILLED_IN:
        return Moment(at=datetime.combine(day, time(), SHANGHAI), precision=Precision.DAY)
    start = datetime.combine(day, time(), _zone(parts.get("zone")))
    return Moment(
        at=start + timedelta(hours=hour, minutes=minute, seconds=int(second or 0)),
        precision=Precision.SECOND if second else Precision.MINUTE,
    )


def _possible(moment: Moment | None, now: datetime, ahead: timedelta = _AHEAD) -> Moment | None:
    if moment is None or not _EARLIEST <= moment.at <= now + ahead:
        return None
    return moment


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _on(day: date | None, match: re.Match[str], now: datetime) -> Moment | None:
    """The matched clock on that day, unless it is impossible."""
    return _possible(_moment(day, match.groupdict()), now) if day else None


# Readers, one for each form.


def _full_date(match: re.Match[str], now: datetime) -> Moment | None:
    return _on(_day(*(_number(match[part]) for part in ("year", "month", "day"))), match, now)


def _short_year(match: re.Match[str], now: datetime) -> Moment | None:
    year = 2000 + int(match["year"])
    return _on(_day(year if year <= now.year else year - 100, int(match["month"]), int(match["day"])), match, now)


def _republic_year(match: re.Match[str], now: datetime) -> Moment | None:
    return _on(_day(1911 + int(match["year"]), int(match["month"]), int(match["day"])), match, now)


def _named_month(match: re.Match[str], now: datetime) -> Moment | None:
    return _on(_day(int(match["year"]), _MONTHS[match["name"].lower()], int(match["day"])), match, now)


def _year_last(match: re.Match[str], now: datetime) -> Moment | None:
    """`09/07/2019`: the month may come first or second; read only when one order is possible."""
    year, one, other = int(match["year"]), int(match["one"]), int(match["other"])
    readings = {_day(year, one, other), _day(year, other, one)}
    moments = [moment for day in readings if (moment := _on(day, match, now))]
    return moments[0] if len(moments) == 1 else None


def _without_year(match: re.Match[str], now: datetime) -> Moment | None:
    """A month and a day: this year's, or last year's when that is still to come."""
    month, day = _number(match["month"]), _number(match["day"])
    for year in (now.year, now.year - 1):
        if moment := _on(_day(year, month, day), match, now):
            return moment
    return None


def _named_year(match: re.Match[str], now: datetime) -> Moment | None:
    year = now.year - {"今年": 0, "去年": 1, "前年": 2}[match["which"]]
    return _on(_day(year, int(match["month"]), int(match["day"])), match, now)


def _named_month_day(match: re.Match[str], now: datetime) -> Moment | None:
    first = now.replace(day=1)
    month = first if match["which"][0] in "本这" else first - timedelta(days=1)
    return _on(_day(month.year, month.month, int(match["day"])), match, now)


def _ago(match: re.Match[str], now: datetime) -> Moment | None:
    """`3分钟前`, `两个半小时前`, `2天前 08:00`, `1个月前`."""
    count, unit = _number(match["count"]), match["unit"]
    if unit[0] in "秒分" or unit in {"小时", "钟头"}:
        seconds = {"秒": 1, "分": 60}.get(unit[0], 3600)
        back = timedelta(seconds=seconds * count + (seconds // 2 if match["plus"] else 0))
        return _possible(Moment(at=now - back, precision=Precision.MINUTE), now)
    if unit in {"月", "年"}:
        return _on(_months_back(now.date(), count * (12 if unit == "年" else 1)), match, now)
    return _on(now.date() - timedelta(days=count * (7 if unit in {"周", "星期", "礼拜"} else 1)), match, now)


def _ago_english(match: re.Match[str], now: datetime) -> Moment | None:
    count = 1 if match["count"].lower() in {"a", "an", "one"} else int(match["count"])
    unit = match["unit"].lower()
    if unit in {"second", "sec", "minute", "min", "hour", "hr"}:
        seconds = {"s": 1, "m": 60, "h": 3600}[unit[0]]
        return _possible(Moment(at=now - timedelta(seconds=seconds * count), precision=Precision.MINUTE), now)
    if unit in {"month", "year"}:
        return _on(_months_back(now.date(), count * (12 if unit == "year" else 1)), match, now)
    return _on(now.date() - timedelta(days=count * (7 if unit == "week" else 1)), match, now)


def _months_back(day: date, months: int) -> date | None:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])) if year >= 1 else None


def _just_now(match: re.Match[str], now: datetime) -> Moment | None:
    return Moment(at=now, precision=Precision.MINUTE)


def _half_hour(match: re.Match[str], now: datetime) -> Moment | None:
    return Moment(at=now - timedelta(minutes=30), precision=Precision.MINUTE)


def _named_day(match: re.Match[str], now: datetime) -> Moment | None:
    """`昨天 12:30`, `今晨 6:10`, `昨晚 23:05`; a moment still to come is not believed."""
    which = match["which"].lower()
    back = {"今": 0, "昨": 1, "前": 2, "大": 3, "t": 0, "y": 1}[which[0]]
    half = which[-1] if which[-1] in "晚早" else "凌晨" if which[-1] == "晨" else ""
    moment = _moment(now.date() - timedelta(days=back), match.groupdict(), default_half=half)
    return _possible(moment, now, _SKEW)


def _weekday(match: re.Match[str], now: datetime) -> Moment | None:
    """`周五 14:20` is the last Friday there was; `上周五` the Friday of the week before this one."""
    wanted = _WEEKDAYS[match["weekday"]]
    monday = now.date() - timedelta(days=now.weekday())
    if match["which"] == "上":
        return _on(monday + timedelta(days=wanted - 7), match, now)
    this_week = _possible(_moment(monday + timedelta(days=wanted), match.groupdict()), now, _SKEW)
    if this_week or match["which"]:
        return this_week
    return _on(monday + timedelta(days=wanted - 7), match, now)


def _clock_today(match: re.Match[str], now: datetime) -> Moment | None:
    return _possible(_moment(now.date(), match.groupdict()), now, _SKEW)


def _unix(match: re.Match[str], now: datetime) -> Moment | None:
    seconds = int(match[0]) / (1000 if len(match[0]) == 13 else 1)
    return _possible(Moment(at=datetime.fromtimestamp(seconds, UTC), precision=Precision.SECOND), now)


_Reader = Callable[[re.Match[str], datetime], Moment | None]


def _form(pattern: str, read: _Reader) -> tuple[re.Pattern[str], _Reader]:
    return re.compile(pattern, re.IGNORECASE), read


_DAY_NUMBER = r"(?P<day>[0-3]?\d(?=\d\d:)|[0-3]?\d)(?!\d(?!\d?:))"
_FORMS = (
    _form(r"^1\d{9}(?:\d{3})?$", _unix),
    _form(r"刚刚|刚才|片刻(?:之|以)?前|几(?:秒钟?|分钟?)(?:之|以)?前|\bjust now\b", _just_now),
    _form(r"(?<!个)半个?(?:小时|钟头)(?:之|以)?前", _half_hour),
    _form(
        rf"(?P<count>{_NUMBER})\s?个?(?P<plus>半)?\s?(?P<unit>秒钟?|分钟?|小时|钟头|天|日|周|星期|礼拜|月|年)"
        rf"\s?(?:之|以)?前(?!\d)(?:\s?{_CLOCK})?",
        _ago,
    ),
    _form(
        r"\b(?P<count>\d{1,3}|an?|one)\s(?P<unit>second|sec|minute|min|hour|hr|day|week|month|year)s?\sago\b",
        _ago_english,
    ),
    _form(
        rf"(?P<which>大前天|今天|今日|今晨|今早|今晚|昨天|昨日|昨晚|昨夜|前天|前日|前晚|\btoday\b|\byesterday\b)(?:\sat)?"
        rf"{_MAYBE_CLOCK}",
        _named_day,
    ),
    _form(
        r"(?<![\d.])(?P<year>(?:19|20)\d\d)\s?[-/.年\u2013\u2014_]\s?(?P<month>[01]?\d)\s?[-/.月\u2013\u2014_]\s?"
        rf"{_DAY_NUMBER}(?![-/.]\d{{1,4}}(?![\d:]))\s?[日号]?{_MAYBE_CLOCK}",
        _full_date,
    ),
    _form(
        r"(?P<year>[〇○零Oo一二三四五六七八九]{4})\s?年\s?(?P<month>[一二三四五六七八九十]{1,2})\s?月\s?"
        rf"(?P<day>[一二三四五六七八九十]{{1,3}})\s?[日号]{_MAYBE_CLOCK}",
        _full_date,
    ),
    _form(
        rf"{_MONTH_NAME}\s?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s?(?P<year>(?:19|20)\d\d)(?!\d)(?:,?\s(?:at\s)?|\s[-|]\s)?"
        rf"(?:{_CLOCK})?",
        _named_month,
    ),
    _form(
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s-]{_MONTH_NAME},?[\s-](?P<year>(?:19|20)\d\d)(?!\d)"
        rf"(?:,?\s(?:at\s)?)?(?:{_CLOCK})?",
        _named_month,
    ),
    _form(rf"{_MONTH_NAME}\s(?P<day>\d{{1,2}})\s{_CLOCK}\s(?P<year>(?:19|20)\d\d)(?!\d)", _named_month),
    _form(
        rf"(?<!\d)(?P<year>20\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>[0-2]\d|3[01])[T\s]{_CLOCK}",
        _full_date,
    ),
    _form(
        r"(?<![\d年备号证编])(?P<year>20\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>[0-2]\d|3[01])"
        r"(?:[T\s_-]?(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?)?(?![\d号])",
        _full_date,
    ),
    _form(
        rf"(?:民国|民國)\s?(?P<year>\d{{2,3}})\s?年\s?(?P<month>\d{{1,2}})\s?月\s?(?P<day>\d{{1,2}})\s?日{_MAYBE_CLOCK}",
        _republic_year,
    ),
    _form(
        r"(?<!\d)(?P<one>\d{1,2})(?P<mark>[-/.])(?P<other>\d{1,2})(?P=mark)(?P<year>(?:19|20)\d\d)(?!\d)"
        rf"{_MAYBE_CLOCK}",
        _year_last,
    ),
    _form(rf"(?P<which>去年|今年|前年)\s?(?P<month>\d{{1,2}})月(?P<day>\d{{1,2}})[日号]?{_MAYBE_CLOCK}", _named_year),
    _form(rf"(?P<which>本月|这个月|上个?月)\s?(?P<day>\d{{1,2}})[日号]{_MAYBE_CLOCK}", _named_month_day),
    _form(
        rf"(?<![\d./-])(?P<year>\d\d)(?:(?P<mark>[-/.])(?P<month>\d\d)(?P=mark)(?P<day>\d\d)(?![\d./-])){_MAYBE_CLOCK}",
        _short_year,
    ),
    _form(
        rf"(?<!\d)(?P<year>\d\d)\s?年\s?(?P<month>\d{{1,2}})\s?月\s?(?P<day>\d{{1,2}})\s?[日号]{_MAYBE_CLOCK}",
        _short_year,
    ),
    _form(
        rf"(?<![\d年])(?<!\d年 )(?P<month>\d{{1,2}})\s?月\s?(?P<day>\d{{1,2}})(?:\s?[日号]|(?!\d)){_MAYBE_CLOCK}",
        _without_year,
    ),
    _form(
        r"(?<![年历历月十一二三四五六七八九])(?P<month>[一二三四五六七八九十]{1,2})月(?P<day>[一二三四五六七八九十]{1,3})[日号]"
        rf"{_MAYBE_CLOCK}",
        _without_year,
    ),
    _form(rf"(?<![\w./-])(?<!\d:)(?P<month>[01]?\d)[-/.](?P<day>[0-3]?\d)(?![\d./-])\s{_CLOCK}", _without_year),
    _form(r"(?<![\w./-])(?<!\d:)(?P<month>[01]\d)[-/](?P<day>[0-3]\d)(?![\w./:%-])", _without_year),
    _form(r"^[(\[]?(?P<month>[01]?\d)-(?P<day>[0-3]?\d)[)\]]?$", _without_year),
    _form(
        rf"(?<![至到每、~-])(?P<which>上|本|这)?个?(?:星期|周|礼拜)(?P<weekday>[一二三四五六日天])(?:[\s,]{{0,2}}{_CLOCK}|(?![\w、~-]))",
        _weekday,
    ),
    _form(rf"^(?:(?:时间|更新|更新时间|最后回复|回复|发布)[:\s]{{0,2}})?{_CLOCK}$", _clock_today),
)

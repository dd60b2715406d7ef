"""Private data is masked before anything is stored or logged.

Public hotlines (12345, 110, 95xxx, 400…), order numbers, prices, dates and company codes stay. Every pattern
reads a shadow of the text with half-width characters of the same length, so that `１３８…` is a phone too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

_NARROW = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {
    "\u3000": " ",
    "\u2010": "-",
    "\u2011": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
}
_WIDE = re.compile(f"[{''.join(_NARROW)}]")
_CHINESE_DIGITS = str.maketrans("〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖两", "00123456789112345678" + "92")
#: Nothing to mask without one of these three; most posts end here. Each alternative begins with a plain character or a
#: class: the engine leaps to those and tries nothing between them.
_THREE_DIGITS = re.compile(r"\d\d\d")
_SEVEN_DIGITS = re.compile("[〇零一二三四五六七八九幺][〇零一二三四五六七八九幺]{6}")
_WORDS = re.compile(
    "@|＠|微信|薇信|威信|v[xX信]|V[xX信]|w[xX]|W[xX]|q[qQ]|Q[qQ]|扣扣|企鹅号|栋|幢|座|室|号楼|单元|我叫|姓名|名字|户主|户名|"
    "系人|诉人|映人|告人|报人|请人|款人|件人|男,|男，|女,|女，|当事人|患者|业主|身份证"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the text that must not be kept, and what stands there instead."""

    start: int
    end: int
    kind: str

    @property
    def placeholder(self) -> str:
        """`[电话]`; never matched by a pattern, so masking twice changes nothing."""
        return f"[{self.kind}]"


def _checksum(number: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
    return "10X98765432"[total % 11] == number[17].upper()


def _born(year: str, month: str, day: str) -> bool:
    try:
        return 1900 <= date(int(year), int(month), int(day)).year <= 2100
    except ValueError:
        return False


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


#: No phone, card or identity number without such a stretch; a year or a price is none.
_DIGITS = re.compile(r"\d[\d ()·.-]{5,}\d")
_LONG_NUMBER = re.compile(
    r"(?<![\dA-Za-z.])\d(?:[ -]?\d){13,20}[Xx]?(?![\dA-Za-z])|(?<![\dA-Za-z])\d{14}[ -]?\d{2}[ -]?\d?[\dXx](?![\dA-Za-z])"
)
_REFERENCE = re.compile(
    r"(?:订单|单号|编号|工单|流水|快递|运单|物流|受理号|案号|文号|合同号|发票|税号|信用代码|条码|条形码|批号|证书号|"
    r"许可证|备案|追溯码|序列号|型号|车架号|户号|卡券|交易号|取件码|货架|票号|房产证号|登记号|专利|版本|书号|ISBN|SN|ID|id|No|NO)[^，。；！？\n]{0,6}$"
)
_IDENTITY = re.compile(r"(?:身份证|证件)[^，。；！？\n]{0,8}$")
_CARD = re.compile(
    r"(?:卡号|账号|帐号|账户|帐户|银行卡|储蓄卡|信用卡|社保卡|收款|打款|转账到|汇款|工行|建行|农行|中行|农商行|邮储|开户行)[^。；！？\n]{0,12}$"
)


def _long_numbers(shadow: str) -> Iterator[Span]:
    if not _DIGITS.search(shadow):
        return
    for match in _LONG_NUMBER.finditer(shadow):
        number = re.sub(r"[ -]", "", match.group())
        before = shadow[max(0, match.start() - 20) : match.start()]
        if kind := _long_kind(number, before):
            yield Span(start=match.start(), end=match.end(), kind=kind)


def _long_kind(number: str, before: str) -> str | None:
    """What a number of 14 to 21 digits is, judged by its own sums first and the words before it second."""
    if len(number) == 18 and _born(number[6:10], number[10:12], number[12:14]):
        if _checksum(number) and not (number.isdigit() and number[0] in "09"):
            return "身份证号"
        if _IDENTITY.search(before):
            return "身份证号"
    if len(number) == 15 and number.isdigit() and _IDENTITY.search(before):
        return "身份证号"
    if not number.isdigit() or not 16 <= len(number) <= 19 or _REFERENCE.search(before):
        return None
    if _CARD.search(before) or (number.startswith(("62", "4", "51", "52", "53", "54", "55", "35")) and _luhn(number)):
        return "银行卡号"
    return None


_MOBILE = re.compile(
    r"(?<![\dA-Za-z_])(?<!\d[.,])(?:(?:\+|00)?86[- ]?)?1[3-9]\d(?:[- ·.]?\d{4}[- ·.]?\d{4}|[- ]\d{3}[- ]\d{5}|[- ]?\d{2}[- ]\d{3}[- ]\d{3})"
    r"(?![\d])(?!\.\d)(?![A-Za-z_]*\d)(?!\s*(?:元|万|亿|平方|平米|吨|公里|人次|千瓦|度电|立方|块钱|美元|件|票|次|字))"
)
_LANDLINE = re.compile(
    r"(?<![\d.A-Za-z-])(?:\(?(?:\+?86[- ]?)?0(?:10|2\d|[3-9]\d{2})\)?[- ]?)[2-8]\d{2,3}[- ]?\d{4}(?:(?:转|-|#)\d{1,5})?(?![\d-]|\.\d)"
)
_LOCAL_LINE = re.compile(
    r"(?:电话|座机|固话|致电|来电|拨打|联系|Tel|TEL|tel)(?:号码)?(?:是|为|[:： ])*([2-8]\d{2,3}-?\d{4})(?![\d-]|\.\d)"
)
_SPOKEN = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_ELEVEN_DIGITS = re.compile(
    r"[〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖\d][〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖\d]{10}"
)


def _mobiles(shadow: str) -> Iterator[Span]:
    if not _DIGITS.search(shadow):
        return
    for match in _MOBILE.finditer(shadow):
        if not _REFERENCE.search(shadow[max(0, match.start() - 12) : match.start()]):
            yield Span(start=match.start(), end=match.end(), kind="电话")


def _landlines(shadow: str) -> Iterator[Span]:
    if not _DIGITS.search(shadow):
        return
    for match in _LANDLINE.finditer(shadow):
        if not _REFERENCE.search(shadow[max(0, match.start() - 12) : match.start()]):
            yield Span(start=match.start(), end=match.end(), kind="电话")
    for match in _LOCAL_LINE.finditer(shadow):
        yield Span(start=match.start(1), end=match.end(1), kind="电话")


def _spoken(shadow: str) -> Iterator[Span]:
    """Eleven Chinese digits in a row, `幺三八…`, perhaps mixed with Arabic ones."""
    for match in _ELEVEN_DIGITS.finditer(shadow):
        if not match.group().isascii() and _SPOKEN.fullmatch(match.group().translate(_CHINESE_DIGITS)):
            yield Span(start=match.start(), end=match.end(), kind="电话")


_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][·•. -]?(?=[A-Za-z]*\d[A-Za-z]*\d)"
    r"(?:[A-HJ-NP-Za-hj-np-z0-9]{4,5}[挂学警港澳]|[A-HJ-NP-Za-hj-np-z0-9]{5,6})(?![A-Za-z0-9])"
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}\s?@\s?[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,12}(?![A-Za-z])"
)
_WECHAT = re.compile(
    r"(?:微信|薇信|威信|weixin|wechat|(?<![A-Za-z])(?:vx|wx|v信|加v|加wx))(?:号码|号|id|同号|联系|搜索|搜)?(?:是|为|[:： +加我=])*"
    r"((?!gh_|http|www|pay)[A-Za-z][-_A-Za-z0-9]{5,19}|[1-9]\d{5,10})(?![A-Za-z0-9_.-])(?!(?:元|块|万|人|月|日|年|个|次|粉丝|小程序|公众号|支付|群))",
    re.IGNORECASE,
)
_QQ = re.compile(
    r"(?:(?<![A-Za-z])QQ|扣扣|企鹅号)(?:群号|群|号码|号)?(?:是|为|[:： +加我=])*([1-9]\d{4,10})(?!\d)(?!(?:元|块|万|人|个|次|年|月))",
    re.IGNORECASE,
)
_PASSPORT = re.compile(r"(?:护照|通行证)(?:号码|号)?(?:是|为|[:： ])*([A-Z]{1,2}\d{7,9})(?![\dA-Za-z])", re.IGNORECASE)
_HOUSE = re.compile(
    r"(?:(?:[A-Za-z]?\d{1,3}|[A-Z]|[一二三四五六七八九十]{1,3})(?:栋|幢|号楼|座|#楼?|号院)[ -]?"
    r"(?:(?:[A-Za-z]?\d{1,2}|[一二三四五六七八九十甲乙丙丁东西南北中])(?:单元|门|梯)[ -]?)?"
    r"(?:(?:\d{1,2}|[一二三四五六七八九十]{1,3})(?:楼|层)[ -]?)?"
    r"\d{1,2}-?\d{1,3}(?:-\d{1,2})?(?:室|房|号房|户|号)?|"
    r"(?:[A-Za-z]?\d{1,3}|[一二三四五六七八九十]{1,3})(?:单元|梯)[ -]?(?:\d{1,2}(?:楼|层)[ -]?)?\d{3,4}(?:室|房|号房|户|号)?|"
    r"(?<![\d-])(?<!取件码)\d{1,3}-\d{1,2}-\d{3,4}(?:室|房|户|号)?(?![\d-]))"
    r"(?![\d.万元平米㎡年月日个户人天层套路]|（?户型|多|余|分钟)"
)
_ROOM = re.compile(
    r"(?:住在|家住|现住|住址[:：]?|地址[:：]?|小区|家园|花园|公寓|花苑|新村)[^，。；！？\n]{0,10}?((?<![\d-])[1-9]\d{2,3}(?:室|房))"
)

_SURNAME = (
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|夏侯|"
    "[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳"
    "酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞"
    "熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯昝管卢莫经房裘缪干解应宗丁宣邓郁单"
    "杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊甄曲家封芮储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘"
    "厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍却桑桂"
    "濮牛寿通边扈燕冀浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东殴殳沃利蔚越夔隆师巩"
    "厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公肖付闫]"
)
_PERSON_END = (
    r"(?=[,，。.;；!！?？:：、()（）\s<《\"”]|$|男|女|身份证|电话|手机|联系|性别|年龄|\d|今年|现年|住|家住|系)"
)
_NAME = re.compile(
    r"(?:姓名|我叫|我的名字叫|我的名字是|名字叫|联系人|投诉人|反映人|举报人|来电人|申请人|报案人|信访人|申诉人|户主|收件人|收款人|持卡人|账户名|户名|当事人姓名)"
    r"(?:是|为|叫|[:： ])*((?:" + _SURNAME + r")[\u4e00-\u9fa5]{1,2}?)" + _PERSON_END
)
_NAME_BY_ID = re.compile(
    r"(?<![\u4e00-\u9fa5])((?:"
    + _SURNAME
    + r")[\u4e00-\u9fa5]{1,2})(?=[,，、 (（]{0,2}(?:男|女)?[,，、 ]{0,2}(?:身份证|[男女][,，、]\s?(?:\d{2}岁|19\d{2}|20\d{2}|汉族|\d{6})))"
)
_NOT_NAMES = frozenset(
    {
        "方式",
        "电话",
        "时间",
        "应该",
        "于是",
        "任何",
        "万一",
        "什么",
        "何人",
        "和平",
        "通过",
        "都是",
        "安全",
        "经理",
        "管理",
        "单位",
        "公司",
        "农民",
        "广大",
        "文明",
        "经过",
    }
)


def _captured(pattern: re.Pattern[str], kind: str, needed: str = "") -> Callable[[str], Iterator[Span]]:
    """A finder that masks what the pattern captures, or all of it when it captures nothing.

    Without a match of `needed`, which is looked for first and faster, there is nothing to find.
    """
    gate = re.compile(needed)

    def find(shadow: str) -> Iterator[Span]:
        if not gate.search(shadow):
            return
        group = 1 if pattern.groups else 0
        for match in pattern.finditer(shadow):
            if match.group(group) not in _NOT_NAMES and "某" not in match.group(group):
                yield Span(start=match.start(group), end=match.end(group), kind=kind)

    return find


#: In order of trust: an earlier finder keeps what a later one would also claim.
_FINDERS: tuple[Callable[[str], Iterator[Span]], ...] = (
    _captured(_EMAIL, "邮箱", "@"),
    _long_numbers,
    _mobiles,
    _landlines,
    _spoken,
    _captured(_PLATE, "车牌"),
    _captured(_WECHAT, "微信号", "微信|薇信|威信|v[xX信]|V[xX信]|w[xXeE]|W[xXeE]|加v|加V"),
    _captured(_QQ, "QQ号", "q[qQ]|Q[qQ]|扣扣|企鹅号"),
    _captured(_PASSPORT, "证件号", "护照|通行证"),
    _captured(_HOUSE, "门牌", r"[\dA-Z一二三四五六七八九十](?:栋|幢|座|梯|#|号楼|号院|单元|-\d)"),
    _captured(_ROOM, "门牌", "室|房"),
    _captured(_NAME, "姓名"),
    _captured(_NAME_BY_ID, "姓名", "身份证|男,|男、|女,|女、"),
)


def _shadow(text: str) -> str:
    for wide in set(_WIDE.findall(text)):
        text = text.replace(wide, _NARROW[wide])
    return text


def spans(text: str) -> list[Span]:
    """Everything private in a text, in order, without overlaps."""
    if not (_THREE_DIGITS.search(text) or _WORDS.search(text) or _SEVEN_DIGITS.search(text)):
        return []
    shadow = _shadow(text)
    found: list[Span] = []
    for find in _FINDERS:
        found += [span for span in find(shadow) if all(span.end <= old.start or span.start >= old.end for old in found)]
    return sorted(found, key=lambda span: span.start)


def mask(text: str) -> str:
    """The text with every private stretch replaced by its kind, such as `[电话]`."""
    for span in reversed(spans(text)):
        text = text[: span.start] + span.placeholder + text[span.end :]
    return text


def author_label(author: str) -> str:
    """`石**禾`: first and last character and at least one star; what a page may show of an author."""
    author = "".join(author.split())
    if not author:
        return ""
    if len(author) == 1:
        return f"{author}*"
    if len(author) == 2:
        return f"{author[0]}*"
    return f"{author[0]}{'*' * min(len(author) - 2, 6)}{author[-1]}"

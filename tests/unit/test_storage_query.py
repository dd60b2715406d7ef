"""Reading queries: what each notation means, and what is said about mistakes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import QuerySyntax
from core.query import And, Everything, Field, Node, Not, Or, Range, Text
from storage.query import parse

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
A, B, C = Text("甲"), Text("乙"), Text("丙")


def at(day: int, hour: int = 0) -> datetime:
    """A moment of November 2026 in UTC."""
    return datetime(2026, 11, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Everything()),
        ("  \n\u3000", Everything()),
        ("甲", A),
        ("甲 乙 丙", And((A, B, C))),
        ("甲 AND 乙 AND 丙", And((A, B, C))),
        ("甲 OR 乙 OR 丙", Or((A, B, C))),
        ("甲 AND 乙 OR 丙", Or((And((A, B)), C))),
        ("甲 OR 乙 丙", And((Or((A, B)), C))),
        ("(甲 OR 乙) NOT 丙", And((Or((A, B)), Not(C)))),
        ("甲 -乙", And((A, Not(B)))),
        ("NOT NOT 甲", Not(Not(A))),
        ("（甲 ＯＲ 乙）", Or((A, B))),
        ("甲“乙”", And((A, B))),
        ('-"甲"', Not(A)),
        ("and or not", And((Text("and"), Text("or"), Text("not")))),
    ],
)
def test_operators(text: str, tree: Node) -> None:
    assert parse(text, NOW) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("C++", "c++"),
        ("a*b?", "a*b?"),
        ("~甲^2", "~甲^2"),
        ("/甲/", "/甲/"),
        ("[甲]", "[甲]"),
        ("{乙", "{乙"),
        (">60", ">60"),
        ("C\\D", "c\\d"),
        ("-", "-"),
        ("甲-乙", "甲-乙"),
        ('"C:\\temp"', "c:\\temp"),
        ('"他说\\"好\\""', '他说"好"'),
        ('“他说"好"”', '他说"好"'),
        ('"甲 AND （乙"', "甲 and (乙"),
        ('"三個月 "', "三个月 "),
    ],
)
def test_signs_within_words_and_quotes_are_plain_text(text: str, value: str) -> None:
    assert parse(text, NOW) == Text(value)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("topic:wages", Field("topic", "wages")),
        ("主题：wages", Field("topic", "wages")),
        ("情感:负面", Field("sentiment", "negative")),
        ("Region:利通區", Field("region", "利通区")),
        ("来源:论坛", Field("source", "forum")),
        ("标记:聚集", Field("flag", "collective")),
        ('title:"三个 月"', Field("title", "三个 月")),
        ("topic:(a OR b)", Or((Field("topic", "a"), Field("topic", "b")))),
        ("NOT 标题:甲", Not(Field("title", "甲"))),
        ("risk:>60", Range("risk", low=60, open_low=True)),
        ("风险：＞=60", Range("risk", low=60)),
        ("risk:<=60", Range("risk", high=60)),
        ("risk:60", Range("risk", 60, 60)),
        ("risk:[20 TO 60]", Range("risk", 20, 60)),
        ("risk:{20 TO *]", Range("risk", low=20, open_low=True)),
        ("since:7d", Range("published", low=NOW - timedelta(days=7))),
        ("自:3天", Range("published", low=NOW - timedelta(days=3))),
        ("since:1小时30分钟", Range("published", low=NOW - timedelta(minutes=90))),
        ("since:今天", Range("published", low=at(21, 16))),
        ("until:2026-11-05", Range("published", high=at(5, 16), open_high=True)),
        ("published:2026/11/5", Range("published", at(4, 16), at(5, 16), open_high=True)),
        ("published:>2026-11-05", Range("published", low=at(5, 16))),
        ("published:[2026-11-01 TO 2026-11-02]", Range("published", at(0, 16), at(2, 16), open_high=True)),
        ("since:2026-11-05T08:00", Range("published", low=at(5))),
        ('since:"2026-11-05T08:00:00+00:00"', Range("published", low=at(5, 8))),
    ],
)
def test_fields(text: str, tree: Node) -> None:
    assert parse(text, NOW) == tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("甲 AND (乙", "第 7 个字：缺右括号"),
        ("甲) 乙", "第 2 个字：多了右括号"),
        ('甲 "乙', "第 3 个字：缺右引号"),
        ("risk:[1 TO 2", "第 6 个字：缺右方括号"),
        ("甲 OR", "第 5 个字：没有写完，后面还缺词"),
        ("AND 甲", "第 1 个字：这里不该有“AND”"),
        ("甲 AND OR 乙", "第 7 个字：这里不该有“OR”"),
        ("()", "第 2 个字：这里不该有“)”"),
        ('甲 ""', "第 3 个字：没有可查的字"),
        ("甲 作者:乙", "第 3 个字：没有“作者”这个字段；要找原文，请加引号"),
        ("^^ 12:30", "第 4 个字：没有“12”这个字段；要找原文，请加引号"),
        ("topic:title:甲", "第 7 个字：字段里不能再写字段；要找原文，请加引号"),
        ("risk:高", "第 6 个字：风险要写 0 到 100 的整数，不是“高”"),
        ("risk:>101", "第 7 个字：风险要写 0 到 100 的整数，不是“101”"),
        ("topic:>5", "第 7 个字：这个字段不分大小，只有风险和时间可以比较"),
        ("topic:[1 TO 5]", "第 7 个字：这个字段没有范围，只有风险和时间可以写范围"),
        ("since:昨晚", "第 7 个字：看不懂时间“昨晚”，请写 7d、3天、今天或 2026-11-01"),
        ("since:999999999d", "第 7 个字：看不懂时间“999999999d”，请写 7d、3天、今天或 2026-11-01"),
        ("甲" * 8001, "第 8001 个字：查询太长，最多 8000 个字"),
        ("(" * 30, "第 21 个字：括号最多套 20 层"),
    ],
)
def test_mistakes_are_named_in_chinese_with_their_place(text: str, message: str) -> None:
    with pytest.raises(QuerySyntax) as caught:
        parse(text, NOW)

    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["NOT " * 1000 + "甲", "甲 " * 600, "-(" * 25 + "甲" + ")" * 25, "a:" * 2000 + "b"])
def test_deep_and_long_queries_are_refused(text: str) -> None:
    with pytest.raises(QuerySyntax):
        parse(text, NOW)


@given(st.text(alphabet='甲乙 aANDORNOTTO()[]{}:"“”\\/+-*?~^<>=!&|\x00\n', max_size=40))
def test_any_text_is_read_or_refused_with_a_place_inside_it(text: str) -> None:
    place = 1
    try:
        parse(text, NOW)
    except QuerySyntax as error:
        place = error.position

    assert 1 <= place <= len(text) + 1

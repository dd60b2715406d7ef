"""Cleaning: what is cut from a text, and which script it is written in."""

from __future__ import annotations

import pytest

from pipeline.clean import language, readable


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("路断了（责任编辑：张三）", "路断了"),
        ("路断了\n【编辑:王五", "路断了"),
        ("编辑：李四\n路断了", "路断了"),
        ("路断了…展开全文", "路断了…"),
        ("路断了 扫描下方二维码关注我们", "路断了"),
        ("编辑部的故事", "编辑部的故事"),
    ],
)
def test_boilerplate_is_cut_and_nothing_else(text: str, cut: str) -> None:
    assert readable(text) == cut


def test_white_space_becomes_tidy() -> None:
    assert readable("a \r\n b\n\n\n\nc\u3000\u3000d\u200b ") == "a\nb\n\nc d"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("小区停水两天", "zh-Hans"),
        ("長沙市工地拖欠農民工資", "zh-Hant"),
        ("iPhone坏了", "zh-Hans"),
        ("Traffic jam", "en"),
        ("Ｔｒａｆｆｉｃ", "en"),
        ("ゴミが多い", "und"),
        ("한국어", "und"),
        ("12345！", "und"),
    ],
)
def test_language_follows_the_script(text: str, tag: str) -> None:
    assert language(text) == tag

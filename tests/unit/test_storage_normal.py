"""The form in which texts are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.normal import matching_form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ＡＢＣ１２３", "abc123"),
        ("農民工欠薪，徵收土地", "农民工欠薪,征收土地"),
        ("著名的乾隆", "著名的干隆"),
        ("一\t\n 二\u3000三", "一 二 三"),
        ("空\x00字节\x1f分隔", "空 字节 分隔"),
        ("半\ud83d个", "半\ufffd个"),
        ("Straße", "strasse"),
    ],
)
def test_form_folds_width_case_script_and_space(text: str, form: str) -> None:
    assert matching_form(text) == form


def test_no_change_makes_a_character_that_changes() -> None:
    every = "".join(map(chr, range(0x20000)))

    assert matching_form(matching_form(every)) == matching_form(every)


@given(st.text())
def test_form_of_a_form_is_itself(text: str) -> None:
    once = matching_form(text)

    assert matching_form(once) == once


@given(st.text(alphabet="乾淨農著瞭望中文 aＡ，", max_size=8), st.text(alphabet="乾淨農著瞭望 b", max_size=8))
def test_part_of_a_text_stays_part_of_its_form(part: str, rest: str) -> None:
    assert matching_form(part) in matching_form(rest + part + rest)

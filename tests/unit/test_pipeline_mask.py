"""Masking, on a corpus of own lines: ⟦…⟧ marks what must go, everything else must stay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.mask import author_label, mask, spans

CORPUS = Path(__file__).parent.parent / "fixtures" / "mask.txt"


def marked_lines() -> list[tuple[str, set[int]]]:
    """Every line without its marks, and the positions that were marked."""
    found = []
    for line in CORPUS.read_text("utf-8").splitlines():
        plain, wanted = "", set()
        for part in re.split("(⟦.*?⟧)", line):
            inner = part.strip("⟦⟧")
            if part.startswith("⟦"):
                wanted |= set(range(len(plain), len(plain) + len(inner)))
            plain += inner
        found.append((plain, wanted))
    return found


def test_corpus_is_masked_with_the_recall_and_precision_we_promise() -> None:
    missed = extra = hit = 0
    for plain, wanted in marked_lines():
        found = {position for span in spans(plain) for position in range(span.start, span.end)}
        hit += bool(wanted and wanted <= found)
        missed += bool(wanted - found)
        extra += bool(found - wanted)

    assert len(marked_lines()) >= 300
    assert hit / (hit + missed) >= 0.98
    assert hit / (hit + extra) >= 0.98


@pytest.mark.parametrize("plain", [plain for plain, wanted in marked_lines() if wanted][:60])
def test_masking_twice_changes_nothing(plain: str) -> None:
    assert mask(mask(plain)) == mask(plain)


def test_hotlines_and_order_numbers_stay() -> None:
    text = "打12345、110、95588都不管，订单号620012345678901234，总投资13800138000元"

    assert mask(text) == text


def test_full_width_digits_are_a_phone_too() -> None:
    assert mask("电话１３８１２３４５６７８") == "电话[电话]"


@pytest.mark.parametrize(
    ("author", "label"),
    [("石小禾", "石*禾"), ("石采薇禾", "石**禾"), ("李", "李*"), ("王五", "王*"), (" ", ""), ("a" * 40, "a******a")],
)
def test_author_shows_first_and_last_character_only(author: str, label: str) -> None:
    assert author_label(author) == label

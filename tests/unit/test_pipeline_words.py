"""Statistics of the training texts that keywords and incidents are weighed by."""

from __future__ import annotations

from pipeline.rarity import matters
from pipeline.training import words


def test_a_word_of_one_class_tells_the_matter_and_one_of_all_classes_does_not() -> None:
    found = words.matters({0: ["加快建设医院"] * 9, 1: ["加快建设学校"] * 9})

    assert "医院" in found
    assert "加快" not in found


def test_a_word_of_two_messages_tells_nothing() -> None:
    assert words.matters({0: ["医院"] * 2, 1: ["学校"] * 9}).keys() == {"学校"}


def test_the_committed_table_tells_fumes_from_efforts() -> None:
    assert matters()["油烟"] > 5 * matters().get("力度", 0.0)

"""Rows found by keys they were filed under, before and after these were sorted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from pipeline.shelf import Keys, Parts, Shelf


@dataclass(frozen=True)
class Card:
    id: str
    note: str = ""


def under(**parts: int) -> tuple[Keys, Parts]:
    """Keys `k1`, `k2` … with their parts."""
    keys = np.array([int(name[1:]) for name in parts], np.uint32)
    return keys, np.array(list(parts.values()), np.uint16)


def found(shelf: Shelf[Card], least: int = 1, **own: int) -> dict[str, int]:
    return {row.id: both for row, both in shelf.find(*under(**own), least)}


def many(first: int, count: int) -> tuple[list[Card], list[tuple[Keys, Parts]]]:
    return [Card(f"c{number}") for number in range(first, first + count)], [under(k9=1)] * count


@pytest.mark.parametrize("others", [0, 2000])
def test_parts_of_shared_keys_add_up_with_what_the_asker_brings(others: int) -> None:
    shelf = Shelf[Card]()

    shelf.file([Card("a"), Card("b")], [under(k1=10, k2=20), under(k2=5)])
    shelf.file(*many(0, others))

    assert found(shelf, k1=1, k2=2, k3=100) == {"a": 33, "b": 7}
    assert found(shelf, least=8, k1=1, k2=2, k3=100) == {"a": 33}


@pytest.mark.parametrize("others", [0, 2000])
def test_a_row_filed_anew_is_found_under_its_new_keys_only(others: int) -> None:
    shelf = Shelf[Card]()
    shelf.file([Card("a")], [under(k1=10)])
    shelf.file(*many(0, others))

    shelf.file([Card("a", "newer")], [under(k2=20)])

    assert (found(shelf, k1=0), found(shelf, k2=0)) == ({}, {"a": 20})
    assert shelf["a"].note == "newer"


def test_a_newer_state_keeps_its_keys() -> None:
    shelf = Shelf[Card]()
    shelf.file([Card("a")], [under(k1=10)])

    shelf.replace(Card("a", "newer"))

    assert [row.note for row, _ in shelf.find(*under(k1=0), 1)] == ["newer"]


def test_what_is_not_kept_is_gone_and_the_rest_is_found_as_before() -> None:
    shelf = Shelf[Card]()
    shelf.file([Card("a"), Card("b"), Card("c")], [under(k1=1), under(k1=2, k7=3), under(k7=4)])

    shelf.tidy(lambda row: row.id != "a")
    shelf.file([Card("d")], [under(k1=5)])

    assert (found(shelf, k1=0), found(shelf, k7=0)) == ({"b": 2, "d": 5}, {"b": 3, "c": 4})
    assert (len(shelf), shelf.get("a")) == (3, None)


def test_the_largest_keys_and_parts_are_as_good_as_any() -> None:
    shelf = Shelf[Card]()
    shelf.file([Card("a")], [under(k4294967295=0xFFFF)])
    shelf.tidy(lambda row: True)

    assert found(shelf, k4294967295=0xFFFF) == {"a": 2 * 0xFFFF}


def test_questions_looked_up_together_are_answered_like_one_by_one() -> None:
    shelf = Shelf[Card]()
    rows, _ = many(0, 2000)
    shelf.file(rows, [under(**{f"k{number % 7}": 1}) for number in range(2000)])
    questions = [under(**{f"k{number % 9}": 1}) for number in range(700)]

    together = [
        shelf.find(*asked, 1, known) for asked, known in zip(questions, shelf.look_up(questions, 1), strict=True)
    ]

    assert together == [shelf.find(*asked, 1) for asked in questions]


def test_an_answer_from_before_a_sorting_is_asked_for_again() -> None:
    shelf = Shelf[Card]()
    (known,) = shelf.look_up([under(k1=0)], 1)
    shelf.file([Card("a")], [under(k1=10)])

    shelf.settle(10_000)

    assert [row.id for row, _ in shelf.find(*under(k1=0), 1, known)] == ["a"]

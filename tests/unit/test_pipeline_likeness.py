"""The second opinion on what a message is about: points, bells, what is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from pipeline import features, heads, likeness
from pipeline.likeness import Likeness
from pipeline.training import alike, calibration

WORDS = ("小区停水", "工厂排污", "公交停运", "学校补课", "拖欠工资", "虚假宣传", "医院收费")
TEXTS = [f"{WORDS[index % 7]}，请处理{'第' * (index % 5)}{chr(0x4E00 + index)}。" for index in range(280)]
LABELS = np.arange(280) % 7


@pytest.fixture(scope="module")
def taught() -> Likeness:
    return alike.learned(TEXTS, LABELS, 7)


def test_messages_like_those_of_a_class_score_highest_for_it(taught: Likeness) -> None:
    found = taught.scores(taught.points(features.grams([f"我们这里{word}了" for word in WORDS])))

    assert found.argmax(axis=1).tolist() == list(range(7))


def test_the_same_messages_teach_the_same_likeness(taught: Likeness) -> None:
    again = alike.learned(TEXTS, LABELS, 7)

    np.testing.assert_array_equal(again.directions, taught.directions)
    np.testing.assert_array_equal(again.weights, taught.weights)


def test_a_stored_likeness_scores_as_the_learned_one(taught: Likeness, tmp_path: Path) -> None:
    points = taught.points(features.grams(TEXTS))

    likeness.save(tmp_path, taught)
    stored = likeness.load(tmp_path, 7)

    np.testing.assert_array_equal(stored.points(features.grams(TEXTS)), points)
    np.testing.assert_allclose(stored.scores(points), taught.scores(points), atol=1e-5)


def test_a_message_lies_where_it_lies_alone_whatever_is_read_beside_it(taught: Likeness) -> None:
    texts = [WORDS[0], "", WORDS[1] * 90, "龘"]

    together = taught.points(features.grams(texts))

    alone = np.concatenate([taught.points(features.grams([text])) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_text_without_known_n_grams_is_like_nothing(taught: Likeness) -> None:
    assert not taught.points(features.grams(["", "龘龘"])).any()


def test_a_batch_without_texts_has_no_points(taught: Likeness) -> None:
    assert taught.points(features.grams([])).shape == (0, 2 * likeness.SIDES)


def test_repeating_an_n_gram_moves_a_text_by_the_root_only(taught: Likeness) -> None:
    once, four_times, sixteen_times = taught.points(features.grams(["停", "停" * 4 + "污", "停" * 16 + "污"]))

    assert once @ sixteen_times > once @ four_times > 0


def test_an_n_gram_of_every_class_tells_nothing_and_one_of_a_single_class_most() -> None:
    labels = np.arange(70) % 7
    present = sparse.csr_matrix(np.stack([np.ones(70), labels == 3], axis=1))

    every, single = alike.told(present, labels, 7)

    assert every == pytest.approx(0, abs=1e-6)
    assert single > 1


def test_calibration_trusts_the_opinion_that_made_the_labels() -> None:
    chance = np.random.default_rng(0)
    opinions = chance.normal(size=(2, 4000, 3)).astype(np.float32)
    chances = heads.softmax(3 * opinions[1])
    labels = np.array([chance.choice(3, p=row / row.sum()) for row in chances.astype(float)])

    slopes = calibration.by_length(opinions, labels, np.ones(4000, np.float32)).slopes

    assert slopes[0] < 0.2
    assert slopes[1] == pytest.approx(3, rel=0.1)

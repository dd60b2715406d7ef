"""The committed models: their vectors, their size, their constants."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline import features, heads, train
from pipeline.training import calibration, corpora, linear
from pipeline.training.corpora import Example


def test_heads_still_read_the_test_vectors_as_when_they_were_trained() -> None:
    vectors = json.loads((heads.MODELS / "vectors.json").read_text("utf-8"))

    found = heads.load().read([vector["text"] for vector in vectors])

    np.testing.assert_allclose(found.moods, [vector["moods"] for vector in vectors], atol=0.002)
    np.testing.assert_allclose(found.classes, [vector["classes"] for vector in vectors], atol=0.002)


def test_card_names_the_hash_constants_in_use() -> None:
    card = json.loads((heads.MODELS / "card.json").read_text("utf-8"))

    assert card["hash"] == json.loads(json.dumps(features.constants()))


def test_model_files_stay_under_three_megabytes() -> None:
    assert sum(path.stat().st_size for path in heads.MODELS.iterdir() if path.is_file()) <= 3_000_000


def test_a_text_reads_the_same_alone_and_in_a_batch() -> None:
    texts = ["小区停水三天没人管", "", "谢谢社区", "请问居住证在哪里办理？" * 50]

    together = heads.load().read(texts).moods
    alone = np.concatenate([heads.load().read([text]).moods for text in texts])

    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_longest_and_most_repetitive_text_does_not_overflow_a_lane() -> None:
    found = heads.load().read(["差" * 100_000, "好" * 100_000])

    assert found.moods[0, 0] > 0.5
    assert found.moods[1, 2] > 0.5


@pytest.mark.parametrize("text", ["\x00\x00", "\ud800", "😀" * 10, " \t\n", "ａＢＣ１２３"])
def test_hostile_characters_are_read_without_error(text: str) -> None:
    found = heads.load().read([text])

    assert np.isfinite(found.moods).all()


def test_what_is_surely_no_matter_of_government_is_so_without_overflow() -> None:
    assert heads.load().read(["//@" * 200, "。" * 600]).government.max() < 1e-30


def test_what_is_no_matter_of_government_has_no_class() -> None:
    found = heads.load().read(["小区停水三天没人管", "今天天气真好[太开心]"])

    assert (found.government >= heads.GATE).tolist() == [True, False]
    assert found.classes.sum(axis=1) == pytest.approx([1, 0], abs=1e-5)


def test_width_case_digits_and_blanks_do_not_change_the_grams() -> None:
    plain, odd = features.grams(["abc 19元"]), features.grams(["ＡＢＣ　８ ８元"])

    np.testing.assert_array_equal(plain.rows(features.MOODS), odd.rows(features.MOODS))


def test_no_n_gram_crosses_the_end_of_a_text() -> None:
    shape = features.Shape(bits=18, orders=3)

    found = features.grams(["停水", "", "\x00停\x00水"])

    assert found.ends.tolist() == [2, 3, 6]
    assert found.counts(shape).tolist() == [3, 0, 3]
    assert ((found.rows(shape) < shape.buckets).sum(axis=1)).tolist() == [4, 2, 0]


def test_the_beginning_of_a_message_tells_its_matter_twice() -> None:
    long = "".join(chr(0x4E00 + place) for place in range(60))
    shape = features.Shape(bits=18, orders=2, title=40)

    counts = linear.matrix([long], shape).toarray().ravel() * np.sqrt(60 + 59 + 2 * 40)

    rows = features.grams([long]).rows(shape)
    assert features.grams([long, "路"]).counts(shape).tolist() == [199, 2]
    assert counts[rows[0, [0, 39, 40, 59]]] == pytest.approx([2, 2, 1, 1])
    assert counts[rows[1, [0, 39, 40, 58]]] == pytest.approx([2, 2, 1, 1])


def test_an_n_gram_too_few_texts_have_teaches_nothing() -> None:
    counts = linear.matrix(["甲甲", "甲乙", "甲丙"])

    assert linear.common(counts, 3).tolist() == [features.grams(["甲"]).rows(features.MOODS)[0, 0]]


def test_an_n_gram_that_weighs_one_step_at_most_leaves_the_tables() -> None:
    learned = train.Weights.empty()
    learned.shared[:3, 0] = 1, 1 / heads.LARGEST, 2 / heads.LARGEST
    learned.deviations[9, 1, 2], learned.deviations[9, 4, 2] = 1 / heads.LARGEST, 1

    found = train.quantised(learned)

    assert found.weights[:3, 0].tolist() == [heads.LARGEST, 0, 2]
    assert found.deviations[9, :5, 2].tolist() == [0, 0, 0, 0, heads.LARGEST]


def test_stored_heads_read_as_the_trained_ones(tmp_path: Path) -> None:
    texts, chance = ["小区停水三天没人管", "谢谢", ""], np.random.default_rng(0)
    learned, part = train.Weights.empty(), train.part([Example(text=text, label=0, origin="", key=0) for text in texts])
    known = np.unique(part.counts.indices)[::2]
    learned.shared[known] = chance.normal(size=(len(known), heads.CLASS7.start))
    learned.deviations[:, known] = chance.normal(size=(len(heads.KINDS), len(known), 3))
    trained, tuned = train.quantised(learned), train.neutral_calibration()

    train.write(trained, tuned, tmp_path, {})

    np.testing.assert_allclose(heads.load(tmp_path).read(texts).moods, trained.moods(part.counts, tuned), atol=1e-5)


def test_stored_classes_read_as_the_trained_ones_doubted_or_not(tmp_path: Path) -> None:
    words = ("小区停水", "工厂排污", "公交停运", "学校补课", "拖欠工资", "虚假宣传", "医院收费")
    # Three of the classes cannot be told apart.
    texts = [f"{words[i % 7 if i % 7 > 2 else i // 7 % 3]}{'了' * (i % 5)}" for i in range(140)]
    part = train.part(
        [Example(text=text, label=i % 7, origin="", key=i) for i, text in enumerate(texts)], features.MATTERS
    )
    trained = train.trained(classes=part)
    tuned = train.calibrated(trained, None, part, None)

    train.write(trained, tuned, tmp_path, {})

    read = heads.load(tmp_path).read(texts).classes
    np.testing.assert_allclose(read, trained.classes(part, tuned), atol=1e-4)
    assert 0 < (read.max(axis=1) < heads.SURE).sum() < len(texts)


def test_calibration_finds_the_slope_that_made_the_labels() -> None:
    chance = np.random.default_rng(0)
    scores = chance.normal(size=(4000, 3)).astype(np.float32)
    chances = heads.softmax(3 * scores)
    labels = np.array([chance.choice(3, p=row / row.sum()) for row in chances.astype(float)])

    slope, _ = calibration.softmax(scores, labels)

    assert slope == pytest.approx(3, rel=0.1)
    assert calibration.error(heads.softmax(slope * scores), labels) < 0.03


def test_calibration_finds_how_the_slope_changes_with_length() -> None:
    chance = np.random.default_rng(0)
    scores, lengths = chance.normal(size=(4000, 3)).astype(np.float32), chance.choice([25.0, 400.0], size=(4000, 1))
    chances = heads.softmax((scores * 8 * lengths**-0.25).astype(np.float32))
    labels = np.array([chance.choice(3, p=row / row.sum()) for row in chances.astype(float)])

    found = calibration.by_length(scores[None], labels, lengths.ravel().astype(np.float32))

    assert found.powers == pytest.approx(-0.25, abs=0.05)
    assert found.slopes == pytest.approx(8, rel=0.2)


def test_a_rare_mood_is_said_more_readily_than_its_share() -> None:
    chance = np.random.default_rng(0)
    labels = (chance.random(4000) < 0.1).astype(np.int64)
    margins = (np.stack([1.0 - labels, labels], axis=1) + chance.normal(size=(4000, 2))).astype(np.float32)

    slope, offset = calibration.moods(margins, np.ones((4000, 1), np.float32), labels, np.zeros(4000, np.int64))

    said = (margins * slope + offset).argmax(axis=1)
    assert 0.1 < said.mean() < 0.3


def test_the_offsets_of_a_kind_of_text_correct_part_of_its_bias_not_all() -> None:
    chance, kinds, labels = np.random.default_rng(0), np.arange(4000) % 2, np.arange(4000) // 2 % 2
    margins = np.stack([1 - 2 * labels + chance.normal(size=4000) + kinds, np.zeros(4000)], axis=1)

    slope, offset = calibration.moods(margins.astype(np.float32), np.eye(2, dtype=np.float32)[kinds], labels, kinds)

    assert -0.9 * slope < offset[1, 0] - offset[0, 0] < -0.3 * slope


def test_as_many_texts_are_called_complaints_as_are() -> None:
    chance = np.random.default_rng(0)
    complaint = chance.random(1000) < 0.7
    margins = (complaint + chance.normal(size=1000)).astype(np.float32)

    shift = calibration.unbiased(margins, complaint)

    assert (margins + shift > 0).sum() == complaint.sum()


def test_no_message_was_judged_twice() -> None:
    lines = (Path(corpora.__file__).parent / "government.tsv").read_text("utf-8").splitlines()

    assert len(corpora.judged()) == len(lines)


def test_of_messages_drawn_to_be_judged_every_third_is_held_out() -> None:
    examples = [Example(text="停水", label=0, origin="gov", key=key, drawn=key < 30) for key in range(60)]

    part = train.part(examples)

    assert (part.held_out & part.drawn).sum() == 10
    assert part.held_out.sum() == 13


def test_the_same_texts_train_the_same_bytes() -> None:
    words = ("小区停水", "工厂排污", "公交停运", "学校补课", "拖欠工资", "虚假宣传", "医院收费")
    examples = [Example(text=f"{words[i % 7]}{'了' * (i % 5)}", label=i % 7, origin="topics", key=i) for i in range(70)]

    first, second = (train.trained(classes=train.part(examples, features.MATTERS)) for _ in range(2))

    assert first.matters.any()
    np.testing.assert_array_equal(first.matters, second.matters)
    np.testing.assert_array_equal(first.scales.weight, second.scales.weight)

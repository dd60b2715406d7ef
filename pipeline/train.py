"""`python -m pipeline.train`: train the heads again from CAIFENG_DATA and write pipeline/models/.

1. Read the labelled texts, drop repeats, hold out every tenth text (by the key its duplicates share).
2. Train each column of the matrix on the rest; fit slopes and offsets of the probabilities on what was held out.
3. Train again on everything, fold to int8, write weights, test vectors, word statistics and the card.

One thread, the same bits each time; about six minutes on a free core.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTHONHASHSEED="0")

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import features, likeness
from pipeline.clean import simplified
from pipeline.heads import (
    CLASS7,
    CLASSES,
    COLUMNS,
    GATES,
    GOVERNMENT,
    KINDS,
    LARGEST,
    MODELS,
    MOODS,
    SHARED,
    SURE,
    ByLength,
    Calibration,
    Floats,
    Scales,
    class_chances,
    likely,
    load,
    mood_chances,
    save,
)
from pipeline.likeness import Likeness
from pipeline.training import alike, calibration, corpora, linear, words
from pipeline.training.corpora import Example

log = logging.getLogger("caifeng.train")
MOOD_COST, CLASS_COST, GATE_COST, GATE_EPOCHS = 0.5, 0.3, 0.3, 8
#: Government is told by what is common; it needs no rare n-grams.
GATE_SMOOTHING = 1.0
#: N-grams of fewer texts teach nothing; for the classes the beginnings of a message count as texts of their own.
MOOD_LEAST, CLASS_LEAST = 3, 6
#: How freely a kind of text may deviate from what holds for all, and how much of that counts: the rest is the kinds' mean,
#: for a text of no known kind passes for two that it is not.
SHARE, OWN = 0.7, 0.8
#: Posts are short: the classes also learn from the beginnings of messages, the gate from nothing else.
CUTS = (30, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Training texts of one head as a matrix."""

    counts: linear.Matrix
    #: The same texts, simplified.
    texts: Sequence[str]
    labels: NDArray[np.int64]
    #: Index of the kind of text.
    kinds: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    #: False for mere beginnings of texts.
    whole: NDArray[np.bool_]
    #: Messages chance had chosen for a reader to judge.
    drawn: NDArray[np.bool_]

    def chosen(self, rows: NDArray[np.bool_]) -> Part:
        """The part of these rows."""
        return Part(
            counts=self.counts[rows],
            texts=list(compress(self.texts, rows)),
            labels=self.labels[rows],
            kinds=self.kinds[rows],
            held_out=self.held_out[rows],
            whole=self.whole[rows],
            drawn=self.drawn[rows],
        )


def part(examples: Sequence[Example], shape: features.Shape = features.MOODS) -> Part:
    """Hash the texts; every tenth key is held out, cuts of a text with it, and of the few that were drawn every third."""
    texts = [simplified(example.text) for example in examples]
    return Part(
        counts=linear.matrix(texts, shape),
        texts=texts,
        labels=np.array([example.label for example in examples]),
        kinds=np.array([KINDS.index(example.origin) if example.origin in KINDS else -1 for example in examples]),
        held_out=np.array([example.key % (3 if example.drawn else 10) == 0 for example in examples]),
        whole=np.array([example.whole for example in examples]),
        drawn=np.array([example.drawn for example in examples]),
    )


def cut(examples: list[Example], lengths: tuple[int, ...]) -> list[Example]:
    """The examples and their beginnings."""
    return examples + [
        replace(example, text=example.text[:length], whole=False)
        for length in lengths
        for example in examples
        if len(example.text) > length
    ]


def gate_examples(sentiment: list[Example], classes: list[Example], messages: list[Example]) -> list[Example]:
    """Label 1: citizens' messages; 0: ordinary posts and reviews."""
    yes = [replace(example, label=1) for example in classes + messages]
    no = [replace(example, label=0) for example in sentiment if example.key % 4 == 0]
    short, long = CUTS
    return cut([replace(example, text=example.text[:long]) for example in yes + no], (short,))


@dataclass(slots=True)
class Weights:
    """Weights and biases while they are learned."""

    #: [buckets, columns before the classes], [buckets, classes] and [COLUMNS].
    shared: Floats
    matters: Floats
    bias: Floats
    #: [kinds, buckets, moods] and [kinds, moods].
    deviations: Floats
    deviation_bias: Floats
    likeness: Likeness

    @classmethod
    def empty(cls) -> Weights:
        """All zero."""
        buckets = features.MOODS.buckets
        return cls(
            np.zeros((buckets, CLASS7.start), np.float32),
            np.zeros((features.MATTERS.buckets, len(CLASSES)), np.float32),
            np.zeros(COLUMNS, np.float32),
            np.zeros((len(KINDS), buckets, len(MOODS)), np.float32),
            np.zeros((len(KINDS), len(MOODS)), np.float32),
            alike.nothing(len(CLASSES)),
        )

    def learn_moods(self, moods: Part) -> None:
        """Shared margins, deviations of the kinds, and the gates that tell the kinds apart."""
        common = linear.common(moods.counts, MOOD_LEAST)
        counts = moods.counts[:, common]
        for mood in range(len(MOODS)):
            weights, bias, deviations, biases = linear.mixture(
                counts, moods.labels == mood, moods.kinds, len(KINDS), MOOD_COST, SHARE
            )
            self.shared[common, mood] = weights + (1 - OWN) * deviations.mean(axis=1)
            self.bias[mood] = bias + (1 - OWN) * biases.mean()
            self.deviations[:, common, mood], self.deviation_bias[:, mood] = OWN * deviations.T, OWN * biases
            log.info("mood %s learned from %d texts", MOODS[mood], len(moods.labels))
        for kind in np.unique(moods.kinds):
            column = GATES.start + kind
            self.shared[common, column], self.bias[column] = linear.nb_svm(
                counts, moods.kinds == kind, MOOD_COST, epochs=GATE_EPOCHS
            )
            log.info("kind %s learned from %d texts", KINDS[kind], len(moods.labels))

    def learn_classes(self, classes: Part) -> None:
        """The seven classes."""
        common = linear.common(classes.counts, CLASS_LEAST)
        counts = classes.counts[:, common]
        for label in range(len(CLASSES)):
            self.matters[common, label], self.bias[CLASS7.start + label] = linear.nb_svm(
                counts, classes.labels == label, CLASS_COST
            )
        whole = classes.chosen(classes.whole)
        self.likeness = alike.learned(whole.texts, whole.labels, len(CLASSES))

    def learn_gate(self, gate: Part) -> None:
        """Is it a matter of government."""
        self.shared[:, GOVERNMENT], self.bias[GOVERNMENT] = linear.nb_svm(
            gate.counts, gate.labels == 1, GATE_COST, GATE_SMOOTHING, GATE_EPOCHS
        )
        log.info("matters of government learned from %d texts", len(gate.labels))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantised:
    """Learned heads as they are stored."""

    weights: NDArray[np.int8]
    matters: NDArray[np.int8]
    deviations: NDArray[np.int8]
    scales: Scales
    likeness: Likeness

    def scores(self, counts: linear.Matrix) -> Floats:
        """Scores of the columns before the classes, as `Heads` sums them."""
        return _scores(counts, self.weights, self.scales, slice(CLASS7.start))

    def class_scores(self, part: Part) -> Floats:
        """[2, texts, classes]: linear scores and likeness; the part is hashed as `features.MATTERS`."""
        likeness = self.likeness.scores(alike.points(self.likeness, part.texts))
        return np.stack([_scores(part.counts, self.matters, self.scales, CLASS7), likeness])

    def mixed(self, counts: linear.Matrix, scores: Floats, gates: Floats) -> Floats:
        """Mood margins of hashed texts, given how likely each kind is."""
        total = scores[:, SHARED].copy()
        for kind in range(len(KINDS)):
            own = np.asarray(counts @ (self.deviations[kind] * self.scales.deviation[kind]), dtype=np.float32)
            total += gates[:, kind, None] * (own + self.scales.deviation_bias[kind])
        return total

    def moods(self, counts: linear.Matrix, calibration: Calibration) -> Floats:
        """[texts, moods]: probabilities for hashed texts."""
        scores = self.scores(counts)
        kinds = likely(scores, calibration)
        return mood_chances(self.mixed(counts, scores, kinds), kinds, calibration)

    def classes(self, part: Part, calibration: Calibration) -> Floats:
        """[texts, classes]: probabilities for texts hashed as `features.MATTERS`."""
        scores, sizes = self.class_scores(part), lengths(part.counts)
        alone = class_chances(scores[:1], sizes, calibration.alone)
        doubted = alone.max(axis=1, keepdims=True) < SURE
        return np.where(doubted, class_chances(scores, sizes, calibration.together), alone)


def _scores(counts: linear.Matrix, weights: NDArray[np.int8], scales: Scales, columns: slice) -> Floats:
    return np.asarray(counts @ (weights * scales.weight[columns]) + scales.bias[columns], dtype=np.float32)


def _steps(weights: Floats, axis: int) -> Floats:
    """What one integer step is worth. Nothing is clipped: the few heaviest weights are what tells the classes apart."""
    steps: Floats = (np.maximum(np.abs(weights).max(axis=axis), 1e-6) / LARGEST).astype(np.float32)
    return steps


def _rounded(weights: Floats, steps: Floats) -> NDArray[np.int8]:
    rounded: NDArray[np.int8] = np.clip(np.rint(weights / steps), -LARGEST, LARGEST).astype(np.int8)
    return rounded


def quantised(learned: Weights) -> Quantised:
    """Integers and what they are worth."""
    weight, matter = _steps(learned.shared, 0), _steps(learned.matters, 0)
    deviation = _steps(learned.deviations, 1)
    weights, deviations = _rounded(learned.shared, weight), _rounded(learned.deviations, deviation[:, None, :])
    # N-grams that never weigh more than one step would double the tables and tell nothing.
    telling = np.maximum(np.abs(weights).max(axis=1), np.abs(deviations).max(axis=(0, 2))) > 1
    return Quantised(
        weights=weights * telling[:, None],
        matters=_rounded(learned.matters, matter),
        deviations=deviations * telling[:, None],
        scales=Scales(
            weight=np.concatenate([weight, matter]),
            bias=learned.bias,
            deviation=deviation,
            deviation_bias=learned.deviation_bias,
        ),
        likeness=learned.likeness,
    )


def lengths(counts: linear.Matrix) -> Floats:
    """[texts]: n-grams of each text; its counts were divided by their root."""
    result: Floats = np.asarray(counts.sum(axis=1), dtype=np.float32).ravel() ** 2
    return result


def neutral_calibration() -> Calibration:
    """Scores as they are."""
    return Calibration(
        slope=np.ones(CLASS7.start, np.float32),
        offset=np.zeros(CLASS7.start, np.float32),
        alone=_unfitted(1),
        together=_unfitted(2),
        mood_slope=1.0,
        mood_offset=np.zeros((len(KINDS), len(MOODS)), np.float32),
    )


def _unfitted(opinions: int) -> ByLength:
    ones, zeros = np.ones(opinions, np.float32), np.zeros(opinions, np.float32)
    return ByLength(slopes=ones, powers=zeros, offset=np.zeros(len(CLASSES), np.float32))


def calibrated(heads: Quantised, moods: Part | None, classes: Part | None, gate: Part | None) -> Calibration:
    """Slopes and offsets that make these texts' probabilities true; the texts are those held out."""
    found = neutral_calibration()
    if classes is not None:
        scores, sizes = heads.class_scores(classes), np.maximum(lengths(classes.counts), 1)
        alone, together = (calibration.by_length(some, classes.labels, sizes) for some in (scores[:1], scores))
        found = replace(found, alone=alone, together=together)
    if gate is not None:
        scores = heads.scores(gate.counts)[:, GOVERNMENT]
        found.slope[GOVERNMENT], found.offset[GOVERNMENT] = calibration.sigmoid(scores, gate.labels)
    if moods is None:
        return found
    scores = heads.scores(moods.counts)
    found.slope[GATES], found.offset[GATES] = calibration.softmax(scores[:, GATES], moods.kinds)
    gates = likely(scores, found)
    mixed = heads.mixed(moods.counts, scores, gates)
    slope, offset = calibration.moods(mixed, gates, moods.labels, moods.kinds)
    if moods.drawn.any():
        margins = (mixed * slope + gates @ offset)[moods.drawn]
        complaints = margins[:, 0] - margins[:, 1:].max(axis=1)
        offset[KINDS.index("gov"), 0] += calibration.unbiased(complaints, moods.labels[moods.drawn] == 0)
    return replace(found, mood_slope=slope, mood_offset=offset)


def trained(moods: Part | None = None, classes: Part | None = None, gate: Part | None = None) -> Quantised:
    """The heads of these texts; a head without texts stays zero."""
    learned = Weights.empty()
    if moods is not None:
        learned.learn_moods(moods)
    if classes is not None:
        learned.learn_classes(classes)
    if gate is not None:
        learned.learn_gate(gate)
    return quantised(learned)


def figures(heads: Quantised, tuned: Calibration, moods: Part, classes: Part) -> dict[str, float]:
    """What the card says of texts the trial never saw."""
    of_moods, of_classes = heads.moods(moods.counts, tuned), heads.classes(classes, tuned)
    found = {
        "class7_macro_f1_with_cuts": calibration.macro_f1(of_classes.argmax(axis=1), classes.labels),
        "class7_ece": calibration.error(of_classes, classes.labels),
        "sentiment_ece": calibration.error(of_moods, moods.labels),
        "least_sure_tenth_mood": float(np.quantile(of_moods.max(axis=1), 0.1)),
        "least_sure_tenth_class": float(np.quantile(of_classes.max(axis=1), 0.1)),
    }
    for index, kind in enumerate(KINDS):
        own = moods.kinds == index
        chances, labels = of_moods[own], moods.labels[own]
        if 1 in labels:
            found[f"{kind}_macro_f1"] = calibration.macro_f1(chances.argmax(axis=1), labels)
        else:
            found[f"{kind}_accuracy"] = float(((chances[:, 2] > chances[:, 0]) == (labels == 2)).mean())
    return {name: round(value, 4) for name, value in found.items()}


def write(heads: Quantised, tuned: Calibration, folder: Path, found: dict[str, float]) -> None:
    """Weights, card, test vectors."""
    folder.mkdir(exist_ok=True)
    likeness.save(folder, heads.likeness)
    save(folder, heads.weights, heads.deviations, heads.matters, heads.scales, tuned)
    card = {
        "version": VERSION,
        "seed": 0,
        "kinds": KINDS,
        "classes": CLASSES,
        "hash": features.constants(),
        "held_out": found,
    }
    (folder / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", "utf-8")
    load.cache_clear()
    read = load(folder).read(SAMPLES)
    vectors = [
        {
            "text": text,
            "moods": [round(float(x), 4) for x in read.moods[row]],
            "classes": [round(float(x), 4) for x in read.classes[row]],
            "government": round(float(read.government[row]), 4),
        }
        for row, text in enumerate(SAMPLES)
    ]
    (folder / "vectors.json").write_text(json.dumps(vectors, ensure_ascii=False, indent=1) + "\n", "utf-8")


VERSION = "2026.11"
SAMPLES = (
    "小区半夜施工噪音太大，投诉多次没人管。",
    "请问居住证在哪里办理？",
    "感谢社区工作人员，路灯当天就修好了！",
    "今天天气真好[太开心]",
)


def main(folder: Path = MODELS) -> None:
    """Train, calibrate, train again, write."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    sentiment, topics, messages = corpora.sentiment(), corpora.classes(), corpora.messages()
    parts = [
        part(sentiment + messages),
        part(cut(topics, CUTS), features.MATTERS),
        part(gate_examples(sentiment, topics, messages)),
    ]
    rest, held_out = ([one.chosen(~one.held_out) for one in parts], [one.chosen(one.held_out) for one in parts])
    trial = trained(*rest)
    tuned = calibrated(trial, *held_out)
    found = figures(trial, tuned, held_out[0], held_out[1])
    log.info("%s", json.dumps(found))
    write(trained(*parts), tuned, folder, found)
    words.write(
        folder,
        [[one.text for one in kind] for kind in (sentiment, topics + corpora.all_messages())],
        {label: [one.text for one in topics if one.label == label] for label in range(len(CLASSES))},
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))

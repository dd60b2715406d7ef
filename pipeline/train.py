"""`python -m pipeline.train`: train the heads again from CAIFENG_DATA and write pipeline/models/.

1. Read the labelled texts, drop repeats, hold out every tenth text (by the key its duplicates share).
2. Train each column of the matrix on the rest; fit slopes and offsets of the probabilities on what was held out.
3. Train again on everything, fold to int8, write weights, test vectors, word statistics and the card.

One thread, the same bits each time; about fifteen minutes.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTHONHASHSEED="0")

import json
import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import features
from pipeline.clean import simplified
from pipeline.heads import CLASSES, MODELS, MOODS, Floats, Heads
from pipeline.training import calibration, corpora, linear, words
from pipeline.training.corpora import Example

log = logging.getLogger("caifeng.train")
SENTIMENT_COST, CLASS_COST, GATE_COST = 1.0, 1.0, 0.3
#: Posts are short: the classes also learn from the beginnings of messages.
CUTS = (30, 80)
GATE_CUT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Training texts of one head as a matrix."""

    counts: linear.Matrix
    labels: NDArray[np.int64]
    held_out: NDArray[np.bool_]


def part(examples: list[Example]) -> Part:
    """Hash the texts; every tenth key is held out, cuts of a text with it."""
    return Part(
        counts=linear.matrix([simplified(example.text) for example in examples]),
        labels=np.array([example.label for example in examples]),
        held_out=np.array([example.key % 10 == 0 for example in examples]),
    )


def cut(examples: list[Example], lengths: tuple[int, ...]) -> list[Example]:
    """The examples and their beginnings."""
    return examples + [
        replace(example, text=example.text[:length])
        for length in lengths
        for example in examples
        if len(example.text) > length
    ]


def gate_examples(sentiment: list[Example], classes: list[Example], messages: list[Example]) -> list[Example]:
    """Label 1: citizens' messages; 0: ordinary posts and reviews."""
    yes = [replace(example, label=1) for example in classes + messages]
    no = [replace(example, label=0) for example in sentiment if example.key % 4 == 0]
    return [replace(example, text=example.text[:GATE_CUT]) for example in yes + no]


def columns(moods: Part, classes: Part, gate: Part, *, final: bool) -> tuple[Floats, Floats]:
    """[buckets, columns] weights and their biases, from all rows or from those not held out."""
    weights, biases = [], []
    for head, count, cost in ((moods, 3, SENTIMENT_COST), (classes, 7, CLASS_COST), (gate, 1, GATE_COST)):
        used = np.ones(len(head.labels), bool) if final else ~head.held_out
        for label in range(count):
            positive = head.labels[used] == (label if count > 1 else 1)
            weight, bias = linear.nb_svm(head.counts[used], positive, cost)
            weights.append(weight)
            biases.append(bias)
            log.info("column %d trained on %d texts", len(weights), int(used.sum()))
    return np.stack(weights, axis=1), np.array(biases, dtype=np.float32)


def to_heads(weights: Floats, bias: Floats, slope: Floats, offset: Floats, version: str) -> Heads:
    """int8 per column; a rare bucket's extreme weight is clipped rather than coarsening all others."""
    scale = (np.quantile(np.abs(weights), 0.99995, axis=0) / 127).astype(np.float32)
    rounded = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
    return Heads(weights=rounded, scale=scale, bias=bias, slope=slope, offset=offset, version=version)


def margins(heads: Heads, counts: linear.Matrix) -> Floats:
    """Scores of hashed texts, as `Heads.scores` gives them."""
    return np.asarray(counts @ (heads.weights * heads.scale) + heads.bias, dtype=np.float32)


def calibrated(heads: Heads, moods: Part, classes: Part, gate: Part) -> Heads:
    """Slopes and offsets that make the held-out texts' probabilities true."""
    slope, offset = np.ones(11, np.float32), np.zeros(11, np.float32)
    for head, columns_ in ((moods, slice(0, 3)), (classes, slice(3, 10))):
        scores = margins(heads, head.counts[head.held_out])[:, columns_]
        slope[columns_], offset[columns_] = calibration.softmax(scores, head.labels[head.held_out])
    scores = margins(heads, gate.counts[gate.held_out])[:, 10]
    slope[10], offset[10] = calibration.sigmoid(scores, gate.labels[gate.held_out])
    return replace(heads, slope=slope, offset=offset)


def write(heads: Heads, folder: Path, figures: dict[str, float]) -> None:
    """Weights, test vectors, card."""
    folder.mkdir(exist_ok=True)
    with (folder / "heads.npz").open("wb") as file:
        np.savez_compressed(
            file, weights=heads.weights, scale=heads.scale, bias=heads.bias, slope=heads.slope, offset=heads.offset
        )
    samples = (
        "小区半夜施工噪音太大，投诉多次没人管。",
        "请问居住证在哪里办理？",
        "感谢社区工作人员，路灯当天就修好了！",
        "今天天气真好[太开心]",
    )
    reading = heads.read(samples)
    vectors = [
        {
            "text": text,
            "moods": [round(float(x), 4) for x in moods],
            "classes": [round(float(x), 4) for x in classes],
            "government": round(float(gate), 4),
        }
        for text, moods, classes, gate in zip(samples, reading.moods, reading.classes, reading.government, strict=True)
    ]
    (folder / "vectors.json").write_text(json.dumps(vectors, ensure_ascii=False, indent=1) + "\n", "utf-8")
    card = {
        "version": heads.version,
        "seed": 0,
        "columns": [*MOODS, *CLASSES, "government"],
        "hash": features.constants(),
        "held_out": figures,
    }
    (folder / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", "utf-8")


def main() -> None:
    """Train, calibrate, train again, write."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    sentiment, topics, messages = corpora.sentiment(), corpora.classes(), corpora.messages()
    parts = (
        part(cut(sentiment + messages, ())),
        part(cut(topics, CUTS)),
        part(gate_examples(sentiment, topics, messages)),
    )
    flat = np.ones(11, np.float32), np.zeros(11, np.float32)
    trial = calibrated(to_heads(*columns(*parts, final=False), *flat, version=""), *parts)
    final = to_heads(*columns(*parts, final=True), trial.slope, trial.offset, version="2026.11")
    write(
        final,
        MODELS,
        calibration.figures(trial, *((head.counts[head.held_out], head.labels[head.held_out]) for head in parts)),
    )
    words.write(MODELS / "words.txt.gz", [example.text for example in sentiment + topics + messages])


if __name__ == "__main__":
    main()

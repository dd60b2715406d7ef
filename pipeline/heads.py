"""The learned heads: sentiment, the seven government classes, and whether it is a matter of government at all.

One hash pass, one int8 matrix: a text's score is the sum of the rows its n-grams select, divided by the square root
of their number. Probabilities come from temperatures and biases fitted on texts held out from training.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import features

MODELS = Path(__file__).parent / "models"
MOODS = ("neg", "neu", "pos")
CLASSES = ("城乡建设", "环境保护", "交通运输", "教育文体", "劳动和社会保障", "商贸旅游", "卫生计生")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the heads say of a batch: one row per text."""

    #: Probabilities of negative, neutral, positive.
    moods: Floats
    #: Probabilities of the seven classes, given that it is a matter of government.
    classes: Floats
    #: Probability that it is.
    government: Floats


@dataclass(frozen=True, slots=True)
class Heads:
    """The matrix and its calibration."""

    #: [buckets, columns] int8: three moods, seven classes, the gate.
    weights: NDArray[np.int8]
    scale: Floats
    bias: Floats
    #: Per column: scores are multiplied by this before the softmax or sigmoid.
    slope: Floats
    offset: Floats
    version: str

    def read(self, texts: Sequence[str]) -> Reading:
        """Probabilities for texts in simplified characters."""
        scores = self.scores(texts) * self.slope + self.offset
        return Reading(
            moods=_softmax(scores[:, :3]),
            classes=_softmax(scores[:, 3:10]),
            government=1 / (1 + np.exp(-scores[:, 10])),
        )

    def scores(self, texts: Sequence[str]) -> Floats:
        """Raw margins [texts, columns]."""
        total = np.zeros((len(texts), self.weights.shape[1]), dtype=np.float32)
        counts = np.zeros(len(texts), dtype=np.int64)
        for buckets, lengths in features.grams(texts):
            counts += lengths
            filled = lengths > 0
            if not len(buckets):
                continue
            starts = (np.cumsum(lengths) - lengths)[filled]
            total[filled] += np.add.reduceat(self.weights.take(buckets, axis=0), starts, axis=0, dtype=np.int32)
        normed: Floats = total * self.scale / np.sqrt(np.maximum(counts, 1)).astype(np.float32)[:, None] + self.bias
        return normed


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


@functools.cache
def load(folder: Path = MODELS) -> Heads:
    """The committed heads."""
    with np.load(folder / "heads.npz", allow_pickle=False) as file:
        return Heads(
            weights=file["weights"],
            scale=file["scale"],
            bias=file["bias"],
            slope=file["slope"],
            offset=file["offset"],
            version=json.loads((folder / "card.json").read_text("utf-8"))["version"],
        )

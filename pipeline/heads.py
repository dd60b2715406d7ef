"""The learned heads: sentiment, the seven government classes, and whether it is a matter of government at all.

One hash pass; a text's score is the sum of the int8 rows its n-grams select, divided by the square root of their
number. Sentiment is a mixture: what holds everywhere plus what the two likeliest kinds of text (hotel reviews,
microblogs, messages to an office …) deviate from it. Probabilities come from slopes and offsets fitted on texts held
out from training.

Sentiment reads n-grams of one to three characters; what a text is about shows in one and two.

Sums are taken four columns at a time: a 64-bit word holds four weights as unsigned 16-bit lanes. No lane overflows:
an order of n-grams occurs at most `features.HEAD + features.TAIL` times, and 600 × 108 < 2¹⁶.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zstandard
from numpy.typing import NDArray

from pipeline import features

MODELS = Path(__file__).parent / "models"
MOODS = ("neg", "neu", "pos")
CLASSES = ("城乡建设", "环境保护", "交通运输", "教育文体", "劳动和社会保障", "商贸旅游", "卫生计生")
#: Kinds of texts sentiment was learned from; `gov` are citizens' messages and offices' replies.
KINDS = ("htl", "waimai", "shop", "chn", "weibo18", "covid2", "usual3", "virus3", "nlpcc3", "gov")

#: Columns every text is scored on, each group filled up to a multiple of four; deviations of the kinds follow apart.
SHARED = slice(0, 3)
GATES = slice(3, 3 + len(KINDS))
#: From this column on only the first `MATTER_ORDERS` orders of n-grams count.
MATTERS = 16
MATTER_ORDERS = 2
CLASS7 = slice(MATTERS, MATTERS + len(CLASSES))
GOVERNMENT = CLASS7.stop
COLUMNS = 24
#: A weight is between -LARGEST and LARGEST steps.
LARGEST = 54
#: So many kinds share a text.
_LIKELY = 2

Floats = NDArray[np.float32]
Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the heads say of a batch: one row per text."""

    #: Probabilities of negative, neutral, positive.
    moods: Floats
    #: Probabilities of the seven classes, given that it is a matter of government.
    classes: Floats
    #: Probability that it is.
    government: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns scores into probabilities."""

    #: Per column of `COLUMNS`.
    slope: Floats
    offset: Floats
    mood_slope: float
    #: [kinds, moods]: shift of the moods for each kind of text.
    mood_offset: Floats


def likely(scores: Floats, calibration: Calibration) -> Floats:
    """[texts, kinds]: how likely each text is of its two likeliest kinds; 0 for the others."""
    chances = softmax(scores[:, GATES] * calibration.slope[GATES] + calibration.offset[GATES])
    least = np.partition(chances, -_LIKELY, axis=1)[:, -_LIKELY, None]
    chances = np.where(chances >= least, chances, 0)
    result: Floats = chances / chances.sum(axis=1, keepdims=True)
    return result


def reading(scores: Floats, mixed: Floats, kinds: Floats, calibration: Calibration) -> Reading:
    """Probabilities of column scores, mixed mood margins and the likely kinds."""
    tuned = scores * calibration.slope + calibration.offset
    return Reading(
        moods=softmax(mixed * calibration.mood_slope + kinds @ calibration.mood_offset),
        classes=softmax(tuned[:, CLASS7]),
        government=1 / (1 + np.exp(-tuned[:, GOVERNMENT])),
    )


def softmax(scores: Floats) -> Floats:
    """Rows that add up to 1."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


class Heads:
    """The weights, ready to be summed."""

    def __init__(
        self,
        weights: NDArray[np.int8],
        deviations: NDArray[np.int8],
        scales: Scales,
        calibration: Calibration,
        version: str,
    ) -> None:
        #: [buckets, columns / 4] and [kinds * buckets]: four biased weights a word.
        self._moods = _packed(np.ascontiguousarray(weights[:, :MATTERS]))
        self._matters = _packed(np.ascontiguousarray(weights[:, MATTERS:]))
        self._deviations = _packed(deviations).ravel()
        self._scales = scales
        self._calibration = calibration
        self.version = version

    def read(self, texts: Sequence[str]) -> Reading:
        """Probabilities for texts in simplified characters."""
        grams = features.grams(texts)
        root, matter_root = _root(grams), _root(grams[:MATTER_ORDERS])
        sums = np.hstack([_sum(self._moods, grams) / root, _sum(self._matters, grams[:MATTER_ORDERS]) / matter_root])
        scores = sums * self._scales.weight + self._scales.bias
        kinds = likely(scores, self._calibration)
        mixed = scores[:, SHARED].copy()
        for place in range(_LIKELY):
            kind = np.argsort(-kinds, axis=1, kind="stable")[:, place]
            mixed += np.take_along_axis(kinds, kind[:, None], axis=1) * self._deviation(grams, kind, root)
        return reading(scores, mixed, kinds, self._calibration)

    def _deviation(self, grams: features.Grams, kind: NDArray[np.int64], root: Floats) -> Floats:
        """[texts, moods]: what each text's kind adds to the shared margins."""
        totals = np.zeros((len(kind), 4), dtype=np.int32)
        first = kind << features.BITS
        for buckets, lengths in grams:
            _add(totals, self._deviations.take(buckets + np.repeat(first, lengths))[:, None], lengths)
        result: Floats = (
            totals[:, :3].astype(np.float32) * self._scales.deviation[kind] / root + self._scales.deviation_bias[kind]
        )
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What an integer step is worth, and the biases."""

    weight: Floats
    bias: Floats
    #: [kinds, moods].
    deviation: Floats
    deviation_bias: Floats


def _root(grams: features.Grams) -> Floats:
    """[texts, 1]: square root of the number of n-grams."""
    counts = np.sum([lengths for _, lengths in grams], axis=0)
    result: Floats = np.sqrt(np.maximum(counts, 1)).astype(np.float32)[:, None]
    return result


def _sum(words: Words, grams: features.Grams) -> Floats:
    """[texts, columns]: steps summed over each text's n-grams."""
    totals = np.zeros((len(grams[0][1]), 4 * words.shape[1]), dtype=np.int32)
    for buckets, lengths in grams:
        _add(totals, words.take(buckets, axis=0), lengths)
    return totals.astype(np.float32)


def _packed(weights: NDArray[np.int8]) -> Words:
    """Groups of four weights of the last axis as one word of four unsigned lanes."""
    return (weights.astype(np.int16) + LARGEST).astype("<u2").view("<u8")


def _add(totals: NDArray[np.int32], words: Words, lengths: NDArray[np.int64]) -> None:
    """Add to each text's totals the weights of its words; `words` are [occurrences, columns / 4]."""
    filled = lengths > 0
    if not len(words):
        return
    starts = (np.cumsum(lengths) - lengths)[filled]
    sums = np.add.reduceat(words, starts, axis=0)
    totals[filled] += sums.view("<u2").astype(np.int32) - (LARGEST * lengths[filled, None]).astype(np.int32)


def save(
    folder: Path, weights: NDArray[np.int8], deviations: NDArray[np.int8], scales: Scales, calibration: Calibration
) -> None:
    """Write `heads.zst` (both arrays, one after the other) and `heads.json`."""
    raw = weights.tobytes() + deviations.tobytes()
    (folder / "heads.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(raw))
    numbers = {
        "weight": scales.weight.tolist(),
        "bias": scales.bias.tolist(),
        "deviation": scales.deviation.tolist(),
        "deviation_bias": scales.deviation_bias.tolist(),
        "slope": calibration.slope.tolist(),
        "offset": calibration.offset.tolist(),
        "mood_slope": calibration.mood_slope,
        "mood_offset": calibration.mood_offset.tolist(),
    }
    (folder / "heads.json").write_text(json.dumps(numbers) + "\n", "utf-8")


@functools.cache
def load(folder: Path = MODELS) -> Heads:
    """The committed heads."""
    raw = np.frombuffer(zstandard.ZstdDecompressor().decompress((folder / "heads.zst").read_bytes()), dtype=np.int8)
    buckets = 1 << features.BITS
    numbers = json.loads((folder / "heads.json").read_text("utf-8"))
    arrays = {name: np.array(value, dtype=np.float32) for name, value in numbers.items() if name != "mood_slope"}
    return Heads(
        raw[: buckets * COLUMNS].reshape(buckets, COLUMNS),
        raw[buckets * COLUMNS :].reshape(len(KINDS), buckets, 4),
        Scales(**{name: arrays[name] for name in ("weight", "bias", "deviation", "deviation_bias")}),
        Calibration(
            slope=arrays["slope"],
            offset=arrays["offset"],
            mood_slope=numbers["mood_slope"],
            mood_offset=arrays["mood_offset"],
        ),
        json.loads((folder / "card.json").read_text("utf-8"))["version"],
    )

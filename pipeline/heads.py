"""The learned heads: sentiment, the seven government classes, and whether it is a matter of government at all.

One hash pass; a text's score is the sum of the int8 rows its n-grams select, divided by the square root of their
number. Sentiment is a mixture: what holds everywhere plus what the two likeliest kinds of text (hotel reviews,
microblogs, messages to an office …) deviate from it. Probabilities come from slopes and offsets fitted on texts held
out from training.

Sentiment reads n-grams of one to three characters; what a text is about shows in one and two, and most in its title.

Weights stay bytes, as unsigned steps above `-LARGEST`. Sums are taken a word at a time: of each word the even and the
odd bytes are summed as 16-bit lanes. No lane overflows: an order of n-grams occurs at most `features.HEAD +
features.TAIL` times in a text, and 600 × 108 < 2¹⁶.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from pipeline import features

MODELS = Path(__file__).parent / "models"
MOODS = ("neg", "neu", "pos")
CLASSES = ("城乡建设", "环境保护", "交通运输", "教育文体", "劳动和社会保障", "商贸旅游", "卫生计生")
#: Kinds of texts sentiment was learned from; `gov` are citizens' messages and offices' replies.
KINDS = ("htl", "waimai", "shop", "chn", "weibo18", "covid2", "usual3", "virus3", "nlpcc3", "gov")

#: Columns every text is scored on, filled up to whole words; deviations of the kinds follow apart.
SHARED = slice(0, 3)
GATES = slice(3, 3 + len(KINDS))
#: From this column on only `features.Grams.matters` count.
MATTERS = 16
CLASS7 = slice(MATTERS, MATTERS + len(CLASSES))
GOVERNMENT = CLASS7.stop
COLUMNS = 24
#: A weight is between -LARGEST and LARGEST steps.
LARGEST = 54
#: So many kinds share a text.
_LIKELY = 2

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


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
    #: The classes' slopes change with this power of the number of n-grams: long texts' scores grow faster than their truth.
    class_power: float
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


def reading(scores: Floats, lengths: Floats, mixed: Floats, kinds: Floats, calibration: Calibration) -> Reading:
    """Probabilities of column scores, mixed mood margins and the likely kinds; `lengths` [texts, 1] are n-grams."""
    tuned = scores * calibration.slope
    tuned[:, CLASS7] *= lengths**calibration.class_power
    tuned += calibration.offset
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
        self, weights: Bytes, deviations: Bytes, scales: Scales, calibration: Calibration, version: str
    ) -> None:
        #: [buckets, words], and [buckets * kinds, 1] with the moods and an unused byte in a word: the kinds of a bucket
        #: stand side by side, for a text is read as two of them.
        self._weights = weights[:, :MATTERS].copy().view("<u8")
        self._matters = weights[:, MATTERS:].copy().view("<u8")
        self._deviations = deviations.view("<u4").reshape(-1, 1)
        self._scales = scales
        self._calibration = calibration
        self.version = version

    def read(self, texts: Sequence[str]) -> Reading:
        """Probabilities for texts in simplified characters."""
        grams = features.grams(texts)
        matters = grams.matters()
        root, matter_root = _root(grams.lengths), _root(matters.lengths)
        scores = np.empty((len(texts), COLUMNS), np.float32)
        scores[:, :MATTERS] = _sums(self._weights.take(grams.buckets, axis=0), grams.lengths).sum(axis=0) / root
        scores[:, MATTERS:] = _sums(self._matters.take(matters.buckets, axis=0), matters.lengths).sum(axis=0)
        scores[:, MATTERS:] /= matter_root
        scores = scores * self._scales.weight + self._scales.bias
        kinds = likely(scores, self._calibration)
        mixed = scores[:, SHARED].copy()
        order = np.argsort(-kinds, axis=1, kind="stable")[:, :_LIKELY]
        for kind in order.T:
            mixed += np.take_along_axis(kinds, kind[:, None], axis=1) * self._deviation(grams, kind, root)
        return reading(scores, matter_root**2, mixed, kinds, self._calibration)

    def _deviation(self, grams: features.Grams, kind: NDArray[np.int64], root: Floats) -> Floats:
        """[texts, moods]: what each text's kind adds to the shared margins."""
        rows = grams.buckets * len(KINDS) + grams.of_texts(kind)
        totals = _sums(self._deviations.take(rows, axis=0), grams.lengths).sum(axis=0)[:, : len(MOODS)]
        result: Floats = totals * self._scales.deviation[kind] / root + self._scales.deviation_bias[kind]
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What an integer step is worth, and the biases."""

    weight: Floats
    bias: Floats
    #: [kinds, moods].
    deviation: Floats
    deviation_bias: Floats


def _root(lengths: NDArray[np.int64]) -> Floats:
    """[texts, 1]: square root of the number of n-grams."""
    result: Floats = np.sqrt(np.maximum(lengths.sum(axis=0), 1)).astype(np.float32)[:, None]
    return result


def _sums(words: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """[orders, texts, columns]: steps summed over each text's n-grams; `words` are [occurrences, words]."""
    orders, texts = lengths.shape
    columns = words.shape[1] * words.itemsize
    totals = np.zeros((orders * texts, columns // 2, 2), np.int32)
    flat = lengths.ravel()
    filled = flat > 0
    if len(words):
        starts = (np.cumsum(flat) - flat)[filled]
        width = words.dtype.type
        even = width(0x00FF00FF00FF00FF & np.iinfo(words.dtype).max)
        for odd in (0, 1):
            lanes = np.add.reduceat(words >> width(8 * odd) & even, starts, axis=0, dtype=words.dtype)
            totals[filled, :, odd] = lanes.view("<u2")
    result: NDArray[np.int32] = totals.reshape(orders, texts, columns) - (LARGEST * lengths[:, :, None]).astype(
        np.int32
    )
    return result


def save(
    folder: Path, weights: NDArray[np.int8], deviations: NDArray[np.int8], scales: Scales, calibration: Calibration
) -> None:
    """Write `heads.zst` (both arrays, one after the other) and `heads.json`."""
    parts = weights, deviations.transpose(1, 0, 2)
    raw = b"".join((steps + LARGEST).astype(np.uint8).tobytes() for steps in parts)
    (folder / "heads.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(raw))
    numbers = {
        "weight": scales.weight.tolist(),
        "bias": scales.bias.tolist(),
        "deviation": scales.deviation.tolist(),
        "deviation_bias": scales.deviation_bias.tolist(),
        "slope": calibration.slope.tolist(),
        "offset": calibration.offset.tolist(),
        "class_power": calibration.class_power,
        "mood_slope": calibration.mood_slope,
        "mood_offset": calibration.mood_offset.tolist(),
    }
    (folder / "heads.json").write_text(json.dumps(numbers) + "\n", "utf-8")


@functools.cache
def load(folder: Path = MODELS) -> Heads:
    """The committed heads."""
    raw = np.frombuffer(zstandard.ZstdDecompressor().decompress((folder / "heads.zst").read_bytes()), np.uint8)
    buckets = 1 << features.BITS
    numbers = json.loads((folder / "heads.json").read_text("utf-8"))
    arrays = {name: np.array(value, dtype=np.float32) for name, value in numbers.items() if isinstance(value, list)}
    return Heads(
        raw[: buckets * COLUMNS].reshape(buckets, COLUMNS),
        raw[buckets * COLUMNS :].reshape(buckets, len(KINDS), 4),
        Scales(**{name: arrays[name] for name in ("weight", "bias", "deviation", "deviation_bias")}),
        Calibration(
            slope=arrays["slope"],
            offset=arrays["offset"],
            class_power=numbers["class_power"],
            mood_slope=numbers["mood_slope"],
            mood_offset=arrays["mood_offset"],
        ),
        json.loads((folder / "card.json").read_text("utf-8"))["version"],
    )

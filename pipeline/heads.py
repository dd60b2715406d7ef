"""The learned heads: sentiment, the seven government classes, and whether it is a matter of government at all.

One hash pass; a text's score is the sum of the int8 rows its n-grams select, divided by the square root of their
number. Sentiment is a mixture: what holds everywhere plus what the two likeliest kinds of text (hotel reviews,
microblogs, messages to an office …) deviate from it. A message whose class is in doubt is read once more (`likeness`).
Probabilities come from slopes and offsets fitted on texts held out from training.

Weights stay bytes, as unsigned steps above `-LARGEST`. Sums are taken a word at a time, in 16-bit lanes: the even bytes
of the words, and what is missing from the sum of the whole words are the odd ones. A word's last byte is 0, so that
nothing is carried out of it. No lane overflows: an order of n-grams occurs at most `features.HEAD + features.TAIL`
times in a text, and 600 × 108 < 2¹⁶.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from pipeline import features, likeness
from pipeline.likeness import Likeness

MODELS = Path(__file__).parent / "models"
MOODS = ("neg", "neu", "pos")
CLASSES = ("城乡建设", "环境保护", "交通运输", "教育文体", "劳动和社会保障", "商贸旅游", "卫生计生")
#: Kinds of texts sentiment was learned from; `gov` are citizens' messages and offices' replies.
KINDS = ("htl", "waimai", "shop", "chn", "weibo18", "covid2", "usual3", "virus3", "nlpcc3", "gov")

#: Columns of scores: those of `features.MOODS`, then the classes, which read `features.MATTERS`. Deviations of the kinds
#: follow apart.
SHARED = slice(0, 3)
GATES = slice(3, 3 + len(KINDS))
GOVERNMENT = GATES.stop
CLASS7 = slice(GOVERNMENT + 1, GOVERNMENT + 1 + len(CLASSES))
COLUMNS = CLASS7.stop
#: A weight is between -LARGEST and LARGEST steps.
LARGEST = 54
#: A text less likely than this a matter of government has no class.
GATE = 0.02
#: A class less likely than this by the linear scores alone is in doubt.
SURE = 0.85
#: A text less likely than this a matter of government is not worth a second reading.
_WORTH = 0.2
#: Below this a margin is as good as none; its power would leave 32 bits.
_SURELY_NOT = -80
#: So many kinds share a text, if each has at least this share of it.
_LIKELY, _SHARE = 2, 0.09

Floats = NDArray[np.float32]
Words = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the heads say of a batch: one row per text."""

    #: Probabilities of negative, neutral, positive.
    moods: Floats
    #: Probabilities of the seven classes, given that it is a matter of government; 0 where that is less than `GATE`.
    classes: Floats
    #: Probability that it is.
    government: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLength:
    """What turns scores of one or more opinions into probabilities: long texts' scores grow faster than their truth."""

    #: [opinions]: slopes, and the powers of a text's number of n-grams they change with.
    slopes: Floats
    powers: Floats
    #: [labels].
    offset: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns scores into probabilities."""

    #: Per column before the classes.
    slope: Floats
    offset: Floats
    #: Of the classes' linear scores, and of these with likeness.
    alone: ByLength
    together: ByLength
    mood_slope: float
    #: [kinds, moods]: shift of the moods for each kind of text.
    mood_offset: Floats


def likely(scores: Floats, calibration: Calibration) -> Floats:
    """[texts, kinds]: how likely each text is of its one or two likeliest kinds; 0 for the others."""
    chances = softmax(scores[:, GATES] * calibration.slope[GATES] + calibration.offset[GATES])
    least = np.maximum(np.partition(chances, -_LIKELY, axis=1)[:, -_LIKELY, None], _SHARE)
    chances = np.where(chances >= least, chances, 0)
    result: Floats = chances / chances.sum(axis=1, keepdims=True)
    return result


def mood_chances(mixed: Floats, kinds: Floats, calibration: Calibration) -> Floats:
    """[texts, moods]: probabilities of mixed mood margins, given the likely kinds."""
    return softmax(mixed * calibration.mood_slope + kinds @ calibration.mood_offset)


def class_chances(scores: Floats, counts: NDArray[Any], calibration: ByLength) -> Floats:
    """[texts, classes]: probabilities by scores [opinions, texts, classes]; `counts` [texts] are n-grams."""
    slopes = calibration.slopes * np.maximum(counts, 1).astype(np.float32)[:, None] ** calibration.powers
    return softmax(np.einsum("otc,to->tc", scores, slopes) + calibration.offset)


def softmax(scores: Floats) -> Floats:
    """Rows that add up to 1."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Weights as words: [rows, words], of no n-gram 0."""

    #: [`features.MOODS.rows`]: which row of the next two; all n-grams without any weight share the first.
    places: NDArray[np.int32]
    moods: Words
    #: [kinds * rows, 1]: the rows of a kind stand together, for most texts are of few kinds.
    deviations: Words
    matters: Words


class Heads:
    """The weights, ready to be summed."""

    def __init__(
        self, tables: Tables, scales: Scales, likeness: Likeness, calibration: Calibration, version: str
    ) -> None:
        self._tables = tables
        self._likeness = likeness
        self._scales = scales
        self._calibration = calibration
        self.version = version

    def read(self, texts: Sequence[str]) -> Reading:
        """Probabilities for texts in simplified characters."""
        grams, scales, tuned = features.grams(texts), self._scales, self._calibration
        rows = self._tables.places.take(grams.rows(features.MOODS), mode="clip").astype(np.intp)
        counts = grams.counts(features.MOODS)
        totals = _totals(self._tables.moods, rows, grams.starts)
        scores = _means(totals, counts) * scales.weight[: CLASS7.start] + scales.bias[: CLASS7.start]
        kinds = likely(scores, tuned)
        mixed = scores[:, SHARED].copy()
        sizes = grams.sizes + 1
        first, second = np.argsort(-kinds, axis=1, kind="stable")[:, :_LIKELY].T
        mixed += _share(kinds, first) * self._deviation(rows, sizes, counts, first)
        less = _share(kinds, second)
        torn = less[:, 0] > 0
        mixed[torn] += less[torn] * self._deviation(
            rows.take(grams.within(torn), axis=1), sizes[torn], counts[torn], second[torn]
        )
        sure = scores[:, GOVERNMENT] * tuned.slope[GOVERNMENT] + tuned.offset[GOVERNMENT]
        government = 1 / (1 + np.exp(-np.maximum(sure, _SURELY_NOT)))
        classes = np.zeros((len(texts), len(CLASSES)), np.float32)
        likely_enough = government >= GATE
        classes[likely_enough] = self._classes(grams.of(likely_enough), government[likely_enough])
        return Reading(moods=mood_chances(mixed, kinds, tuned), classes=classes, government=government)

    def _deviation(
        self,
        rows: features.Places,
        sizes: features.Places,
        counts: features.Places,
        kind: NDArray[np.intp],
    ) -> Floats:
        """[texts, moods]: what each text's kind adds to the shared margins."""
        places = rows + np.repeat(kind * len(self._tables.moods), sizes)
        totals = _totals(self._tables.deviations, places, np.cumsum(sizes) - sizes)
        return _means(totals, counts) * self._scales.deviation[kind] + self._scales.deviation_bias[kind]

    def _classes(self, grams: features.Grams, government: Floats) -> Floats:
        counts = grams.counts(features.MATTERS)
        starts = np.stack([grams.starts, grams.title_ends(features.MATTERS)], axis=1).ravel()
        totals = _totals(self._tables.matters, grams.rows(features.MATTERS), starts)
        scores = _means(2 * totals[::2] + totals[1::2], counts) * self._scales.weight[CLASS7]
        scores += self._scales.bias[CLASS7]
        chances = class_chances(scores[None], counts, self._calibration.alone)
        doubted = (chances.max(axis=1) < SURE) & (government >= _WORTH)
        if doubted.any():
            alike = self._likeness.scores(self._likeness.points(grams.of(doubted)))
            both = np.stack([scores[doubted], alike])
            chances[doubted] = class_chances(both, counts[doubted], self._calibration.together)
        return chances


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What an integer step is worth, and the biases."""

    weight: Floats
    bias: Floats
    #: [kinds, moods].
    deviation: Floats
    deviation_bias: Floats


def _share(kinds: Floats, kind: NDArray[np.intp]) -> Floats:
    """[texts, 1]: how likely each text is of this kind."""
    return kinds[np.arange(len(kind)), kind][:, None]


def _totals(table: Words, rows: features.Places, starts: features.Places) -> NDArray[np.int32]:
    """[starts, columns]: steps above `-LARGEST` of the n-grams from each start to the next, all orders together."""
    words, (orders, positions) = table.take(rows.ravel(), axis=0, mode="clip"), rows.shape
    shape = orders, len(starts), table.shape[1], table.itemsize
    places = (starts + positions * np.arange(orders)[:, None]).ravel()
    even = table.dtype.type(0x00FF00FF00FF00FF & np.iinfo(table.dtype).max)
    whole = np.add.reduceat(words, places, axis=0, dtype=words.dtype)
    words &= even
    evens = np.add.reduceat(words, places, axis=0, dtype=words.dtype)
    odds = whole - evens >> table.dtype.type(8)
    lanes = np.stack([evens.view("<u2"), odds.view("<u2")], axis=-1)
    totals: NDArray[np.int32] = lanes.reshape(shape).sum(axis=0, dtype=np.int32)[..., :-1]
    return totals.reshape(len(starts), shape[2] * (shape[3] - 1))


def _means(totals: NDArray[np.int32], counts: features.Places) -> Floats:
    """Steps divided by the square root of the number of n-grams."""
    steps = totals - LARGEST * counts[:, None]
    result: Floats = (steps / np.sqrt(np.maximum(counts, 1))[:, None]).astype(np.float32)
    return result


def _packed(steps: NDArray[np.int8], columns: int) -> bytes:
    """Bytes as they are summed: [rows, anything × `columns`] with 0 after each `columns` and a last row of 0."""
    above = (steps.reshape(len(steps), -1, columns) + LARGEST).astype(np.uint8)
    return np.pad(above, ((0, 1), (0, 0), (0, 1))).tobytes()


def save(
    folder: Path,
    moods: NDArray[np.int8],
    deviations: NDArray[np.int8],
    matters: NDArray[np.int8],
    scales: Scales,
    calibration: Calibration,
) -> None:
    """Write `heads.json`, and `heads.zst`: a bit for each bucket of moods that has any weight, then the tables."""
    weighty = moods.any(axis=1) | deviations.any(axis=(0, 2))
    kept = [np.pad(part[weighty], ((1, 0), (0, 0))) for part in (moods, *deviations)]
    kinds = b"".join(_packed(kind, len(MOODS)) for kind in kept[1:])
    raw = np.packbits(weighty).tobytes() + _packed(kept[0], 7) + kinds + _packed(matters, 7)
    (folder / "heads.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(raw))
    numbers = {
        "weight": scales.weight.tolist(),
        "bias": scales.bias.tolist(),
        "deviation": scales.deviation.tolist(),
        "deviation_bias": scales.deviation_bias.tolist(),
        "slope": calibration.slope.tolist(),
        "offset": calibration.offset.tolist(),
        "alone": _numbers(calibration.alone),
        "together": _numbers(calibration.together),
        "mood_slope": calibration.mood_slope,
        "mood_offset": calibration.mood_offset.tolist(),
    }
    (folder / "heads.json").write_text(json.dumps(numbers) + "\n", "utf-8")


def _numbers(calibration: ByLength) -> dict[str, list[float]]:
    return {name: getattr(calibration, name).tolist() for name in ByLength.__slots__}


def _by_length(numbers: Mapping[str, list[float]]) -> ByLength:
    return ByLength(**{name: np.array(value, dtype=np.float32) for name, value in numbers.items()})


@functools.cache
def load(folder: Path = MODELS) -> Heads:
    """The committed heads."""
    raw = np.frombuffer(zstandard.ZstdDecompressor().decompress((folder / "heads.zst").read_bytes()), "<u4")
    bits = features.MOODS.buckets // 32
    weighty = np.unpackbits(raw[:bits].view(np.uint8))
    places = np.append(np.cumsum(weighty, dtype=np.int32) * weighty, np.int32(weighty.sum() + 1))
    moods, matters = bits + 4 * (places[-1] + 1), -2 * features.MATTERS.rows
    numbers = json.loads((folder / "heads.json").read_text("utf-8"))
    arrays = {name: np.array(value, dtype=np.float32) for name, value in numbers.items() if isinstance(value, list)}
    return Heads(
        Tables(
            places=places,
            moods=raw[bits:moods].view("<u8").reshape(-1, 2),
            deviations=raw[moods:matters, None],
            matters=raw[matters:].view("<u8")[:, None],
        ),
        Scales(**{name: arrays[name] for name in ("weight", "bias", "deviation", "deviation_bias")}),
        likeness.load(folder, len(CLASSES)),
        Calibration(
            slope=arrays["slope"],
            offset=arrays["offset"],
            alone=_by_length(numbers["alone"]),
            together=_by_length(numbers["together"]),
            mood_slope=numbers["mood_slope"],
            mood_offset=arrays["mood_offset"],
        ),
        json.loads((folder / "card.json").read_text("utf-8"))["version"],
    )

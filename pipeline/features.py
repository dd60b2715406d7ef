"""Texts become hashed character 1-, 2- and 3-grams, a whole batch at a time, without a tokeniser.

1. Full width becomes half width, Latin letters lower case, digits 0; white space goes.
2. Every n-gram of the code points is hashed with the constants below to `BITS` bits.
3. The caller gets the bucket of every occurrence and how many each text has of each order.

The constants are part of the trained weights: changing one means training again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 18
ORDERS = (1, 2, 3)
#: Longer texts are cut: their head and tail say what they are about.
HEAD, TAIL = 450, 150

#: So many orders tell what a text is about.
MATTER_ORDERS = 2
#: A message's title comes first and says what it is about: n-grams that begin in so many characters count twice there.
TITLE = 40

_MULTIPLIERS = tuple(
    np.uint64(value) for value in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
)
_SALTS = tuple(np.uint64(value) for value in (0, 0x1B873593CC9E2D51, 0x85EBCA6BC2B2AE35, 0xD6E8FEB86659FD93))
_SEPARATOR = "\x00"


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of a batch of texts."""

    #: Every occurrence, order after order, text after text.
    buckets: NDArray[np.int32]
    #: [orders, texts]: how many each text has. `matters` has each order twice.
    lengths: NDArray[np.int64]

    def of_texts(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """A value of each text for each occurrence."""
        return np.repeat(np.tile(values, len(self.lengths)), self.lengths.ravel())

    def matters(self) -> Grams:
        """What tells a matter: the first `MATTER_ORDERS` orders, and once more those of each text's beginning."""
        lengths = self.lengths[:MATTER_ORDERS]
        starts = np.cumsum(lengths) - lengths.ravel()
        buckets = self.buckets[: lengths.sum()]
        place = np.arange(len(buckets)) - np.repeat(starts, lengths.ravel())
        return Grams(
            np.concatenate([buckets, buckets[place < TITLE]]), np.concatenate([lengths, np.minimum(lengths, TITLE)])
        )


def constants() -> dict[str, list[str]]:
    """The hash constants as text, for the model card and its test."""
    return {
        "multipliers": [f"{int(value):#x}" for value in _MULTIPLIERS],
        "salts": [f"{int(value):#x}" for value in _SALTS],
        "shape": [f"bits={BITS}", f"orders={ORDERS}", f"head={HEAD}", f"tail={TAIL}", f"title={TITLE}"],
    }


def window(text: str) -> str:
    """The part of a text the models read."""
    return text if len(text) <= HEAD + TAIL else text[:HEAD] + text[-TAIL:]


def _codes(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Code points of all texts, each followed by 0, and where those zeros are."""
    joined = _SEPARATOR.join(window(text).replace(_SEPARATOR, "") for text in texts) + _SEPARATOR
    # A lone surrogate cannot be encoded; hostile input may hold one.
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).copy()
    codes[(codes >= 0xFF01) & (codes <= 0xFF5E)] -= 0xFEE0
    codes[(codes >= 65) & (codes <= 90)] += 32
    codes[(codes >= 48) & (codes <= 57)] = 48
    blank = (codes == 32) | (codes == 0x3000) | ((codes >= 9) & (codes <= 13))
    codes = codes[~blank].astype(np.uint64)
    return codes, codes == 0


def matters(texts: Sequence[str]) -> Grams:
    """The n-grams of a batch that tell its matters."""
    return grams(texts).matters()


def grams(texts: Sequence[str]) -> Grams:
    """All n-grams of a batch, hashed."""
    codes, ends = _codes(texts)
    owner: NDArray[np.int64] = np.cumsum(ends) - ends
    shift = np.uint64(64 - BITS)
    rolling = codes * _MULTIPLIERS[0]
    crossing = ends
    buckets, lengths = [], []
    for order in ORDERS:
        if order > 1:
            rolling = rolling[:-1] * _MULTIPLIERS[1] + codes[order - 1 :] * _MULTIPLIERS[0]
            rolling ^= rolling >> np.uint64(29)
            crossing = crossing[:-1] | ends[order - 1 :]
        inside = ~crossing
        mixed = (rolling[inside] + _SALTS[order]) * _MULTIPLIERS[2]
        mixed ^= mixed >> np.uint64(32)
        mixed *= _MULTIPLIERS[3]
        buckets.append((mixed >> shift).astype(np.int32))
        lengths.append(np.bincount(owner[: len(inside)][inside], minlength=len(texts)))
    return Grams(np.concatenate(buckets), np.stack(lengths))

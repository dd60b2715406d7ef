"""Texts become hashed character n-grams, a whole batch at a time, without a tokeniser.

1. Full width becomes half width, Latin letters lower case, digits 0; white space goes.
2. Every character has a number that looks random; an n-gram's hash is a polynomial of its characters' numbers, 32 bits.
3. A table of weights takes as many of the upper bits as it has rows for (`Shape`).

The constants are part of the trained weights: changing one means training again.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: n-grams have up to so many characters.
ORDERS = 3
#: Longer texts are cut: their head and tail say what they are about.
HEAD, TAIL = 450, 150

_MULTIPLIERS = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_ROLLING = 0x2C1B3C6D
#: Characters from here on, rare ideographs, share one number.
_RARE = 0x20000
_SEPARATOR = "\x00"
#: What white space and the end of a text become; no other character becomes either.
_BLANK, _END = 0, 1

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a table of weights sees n-grams."""

    #: It has 2 ** bits rows, and a last one for what is no n-gram.
    bits: int
    orders: int
    #: n-grams that begin in so many characters count twice.
    title: int = 0

    @property
    def buckets(self) -> int:
        """Rows that n-grams share."""
        return 1 << self.bits

    @property
    def rows(self) -> int:
        """All rows."""
        return self.buckets + 1


MOODS = Shape(bits=20, orders=ORDERS)
#: What a text is about shows in one and two characters; a message's title comes first and says it.
MATTERS = Shape(bits=20, orders=2, title=40)


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of a batch: its texts stand one after the other, each followed by an end."""

    #: [orders, positions]: hash of the n-gram that begins here; where it would cross an end it means nothing.
    hashes: NDArray[np.uint32]
    #: [texts]: where each text's end stands.
    ends: Places

    @property
    def starts(self) -> Places:
        """[texts]: where each text begins."""
        return np.append(0, self.ends + 1)[:-1]

    @property
    def sizes(self) -> Places:
        """[texts]: how many characters each text has."""
        return self.ends - self.starts

    def within(self, chosen: NDArray[np.bool_]) -> Places:
        """Positions of the chosen texts and of their ends."""
        return np.flatnonzero(np.repeat(chosen, self.sizes + 1))

    def of(self, chosen: NDArray[np.bool_]) -> Grams:
        """Those of the chosen texts only."""
        return Grams(self.hashes.take(self.within(chosen), axis=1), np.cumsum(self.sizes[chosen] + 1) - 1)

    def rows(self, shape: Shape) -> Places:
        """[orders, positions]: row of the table for each n-gram, the last one where there is none."""
        found: Places = (self.hashes[: shape.orders] >> np.uint32(32 - shape.bits)).astype(np.intp)
        order, back = _crossing(shape.orders)
        found[order, np.maximum(self.ends - back, 0)] = shape.buckets
        return found

    def title_ends(self, shape: Shape) -> Places:
        """[texts]: where the part ends that counts twice."""
        return np.minimum(self.starts + shape.title, self.ends)

    def counts(self, shape: Shape) -> Places:
        """[texts]: how many n-grams each text has, those of its title counted twice."""
        most = self.sizes[:, None] - np.arange(shape.orders)
        grams: Places = np.maximum(most, 0).sum(axis=1)
        return grams + np.clip(most, 0, shape.title).sum(axis=1) if shape.title else grams


@functools.cache
def _crossing(orders: int) -> tuple[Places, Places]:
    """n-grams of which order hold a text's end when they begin so many characters before it: two columns."""
    order, back = np.tril_indices(orders)
    return order[:, None], back[:, None]


def constants() -> dict[str, list[str]]:
    """The hash constants as text, for the model card and its test."""
    return {
        "multipliers": [f"{value:#x}" for value in (*_MULTIPLIERS, _ROLLING)],
        "shape": [f"moods={MOODS}", f"matters={MATTERS}", f"head={HEAD}", f"tail={TAIL}"],
    }


def _numbers() -> NDArray[np.uint32]:
    """The number of each character."""
    codes = np.arange(_RARE + 1, dtype=np.uint32)
    codes[0xFF01:0xFF5F] -= np.uint32(0xFEE0)
    blank = (codes == 32) | (codes == 0x3000) | ((codes >= 9) & (codes <= 13))
    codes[(codes >= 65) & (codes <= 90)] += np.uint32(32)
    codes[(codes >= 48) & (codes <= 57)] = 48
    for multiplier, shift in zip(_MULTIPLIERS, (15, 13, 16), strict=True):
        codes *= np.uint32(multiplier)
        codes ^= codes >> np.uint32(shift)
    codes |= np.uint32(2)
    codes[blank], codes[0] = _BLANK, _END
    return codes


_NUMBERS = _numbers()


def window(text: str) -> str:
    """The part of a text the models read."""
    return text if len(text) <= HEAD + TAIL else text[:HEAD] + text[-TAIL:]


def grams(texts: Sequence[str]) -> Grams:
    """All n-grams of a batch, hashed."""
    joined = _SEPARATOR.join([*map(window, texts), ""])
    if joined.count(_SEPARATOR) != len(texts):
        return grams([text.replace(_SEPARATOR, "") for text in texts])
    # A lone surrogate cannot be encoded; hostile input may hold one.
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    numbers = _NUMBERS.take(codes, mode="clip")
    numbers = numbers[numbers != _BLANK]
    hashes = np.zeros((ORDERS, len(numbers)), np.uint32)
    hashes[0] = numbers
    for order in range(1, ORDERS):
        np.multiply(hashes[order - 1, :-1], np.uint32(_ROLLING), out=hashes[order, :-1])
        hashes[order, :-order] += numbers[order:]
    return Grams(hashes, np.flatnonzero(numbers == _END))

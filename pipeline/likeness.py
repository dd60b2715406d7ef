"""What a message is about, told by the messages it is like.

Linear weights end at what each n-gram says by itself. Here a text is a point: the sums of the directions of its
n-grams, of the whole and of the title, each made length 1. Its scores are a plane over the points and a bell around
each of some hundred points met in training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import zstandard
from numpy.typing import NDArray

from pipeline import features

SHAPE = features.Shape(bits=20, orders=2)
#: The space has so many sides; a direction goes at most so many steps along each.
SIDES, LARGEST = 128, 7
#: A title counts so much beside the whole.
SHARE = 0.7
#: How soon a bell falls: exp(-NARROW · distance²).
NARROW = 1.0
#: Bells stand at multiples of 1 / FINE.
BELLS, FINE = 512, 127

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Directions of n-grams, and what was learned of their space."""

    #: [`SHAPE.rows`]: row of `directions`; all n-grams that go nowhere share the first.
    places: NDArray[np.int32]
    #: [n-grams, SIDES].
    directions: NDArray[np.int8]
    #: [BELLS, 2 * SIDES].
    centres: Floats
    #: [BELLS + 2 * SIDES + 1, classes]: of the bells, of the plane, and its height.
    weights: Floats

    def scores(self, points: Floats) -> Floats:
        """[points, classes]."""
        result: Floats = basis(points, self.centres) @ self.weights
        return result

    def points(self, grams: features.Grams) -> Floats:
        """[texts, 2 * SIDES]: where each text lies; without known n-grams at 0, else no farther than 1 from it."""
        numbers, bounds = self._owned(grams)
        firsts = np.flatnonzero(np.diff(numbers, prepend=-1))
        roots = np.sqrt(np.diff(firsts, append=len(numbers)), dtype=np.float32)
        directions = self.directions.take(numbers[firsts] % len(self.directions), axis=0).astype(np.float32)
        sums = np.empty((len(bounds) - 1, SIDES), np.float32)
        for owner, (first, end) in enumerate(pairwise(np.searchsorted(firsts, bounds).tolist())):
            np.dot(roots[first:end], directions[first:end], out=sums[owner])
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6) * math.hypot(1, SHARE)
        sums[1::2] *= SHARE
        return sums.reshape(-1, 2 * SIDES)

    def _owned(self, grams: features.Grams) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """A number for every known n-gram, sorted, and where those of each owner begin and the last ones end.

        Owners are the first text, its title, the second text, its title …; an owner has a number for each direction.
        """
        texts, known = len(grams.ends), np.int32(len(self.directions))
        places, lengths = self.places.take(grams.rows(SHAPE), mode="clip"), grams.sizes + 1
        floors = np.arange(2 * texts + 1, dtype=np.int32) * known
        whole = places + np.repeat(floors[:-1:2], lengths)
        chosen = places > 0
        in_title = np.arange(whole.shape[1]) < np.repeat(grams.title_ends(features.MATTERS), lengths)
        numbers = np.sort(np.concatenate([whole[chosen], whole[chosen & in_title] + known]))
        return numbers, np.searchsorted(numbers, floors)


def basis(points: Floats, centres: Floats) -> Floats:
    """[points, BELLS + 2 * SIDES + 1]: each bell's height at the points, the points, and 1."""
    bells = np.exp(2 * NARROW * (points @ centres.T - 1))
    return np.hstack([bells, points, np.ones((len(points), 1), np.float32)])


def save(folder: Path, likeness: Likeness) -> None:
    """Write `likeness.zst`: a bit for each n-gram that goes anywhere, centres, weights, directions at 4 bits a step."""
    steps = (likeness.directions[1:] + LARGEST).astype(np.uint8)
    raw = (
        np.packbits(likeness.places[:-1] > 0).tobytes()
        + np.rint(likeness.centres * FINE).astype(np.int8).tobytes()
        + likeness.weights.tobytes()
        + (steps[:, ::2] << 4 | steps[:, 1::2]).tobytes()
    )
    (folder / "likeness.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(raw))


def load(folder: Path, classes: int) -> Likeness:
    """What `save` wrote."""
    raw = np.frombuffer(zstandard.ZstdDecompressor().decompress((folder / "likeness.zst").read_bytes()), np.uint8)
    sizes = SHAPE.buckets // 8, BELLS * 2 * SIDES, (BELLS + 2 * SIDES + 1) * classes * 4
    bits, centres, weights, pairs = np.split(raw, np.cumsum(sizes))
    pairs = pairs.reshape(-1, SIDES // 2)
    directions = np.zeros((len(pairs) + 1, SIDES), np.int8)
    directions[1:, ::2], directions[1:, 1::2] = pairs >> 4, pairs & 15
    directions[1:] -= LARGEST
    places, known = np.zeros(SHAPE.rows, np.int32), np.flatnonzero(np.unpackbits(bits))
    places[known] = np.arange(1, len(known) + 1)
    return Likeness(
        places=places,
        directions=directions,
        centres=np.divide(centres.view(np.int8).reshape(BELLS, -1), FINE, dtype=np.float32),
        weights=weights.view("<f4").reshape(-1, classes),
    )

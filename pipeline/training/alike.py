"""Directions of n-grams by latent semantic analysis, and a ridge regression on bells in their space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.utils.extmath import randomized_svd

from pipeline import features
from pipeline.likeness import BELLS, FINE, LARGEST, SHAPE, SIDES, Floats, Likeness, basis
from pipeline.training.linear import Matrix, common, matrix

Labels = NDArray[np.int64]
#: N-grams of fewer messages go nowhere.
LEAST = 10
#: One step of a direction, in standard deviations of all: common n-grams, which tell little, round to nowhere.
STEP = 1.0
#: How dear height of the bells and steepness of the plane are.
BELL_COST, PLANE_COST = 0.1, 1.0


def nothing(classes: int) -> Likeness:
    """No text is like any."""
    return Likeness(
        places=np.zeros(SHAPE.rows, np.int32),
        directions=np.zeros((1, SIDES), np.int8),
        centres=np.zeros((BELLS, 2 * SIDES), np.float32),
        weights=np.zeros((BELLS + 2 * SIDES + 1, classes), np.float32),
    )


def learned(texts: Sequence[str], labels: Labels, classes: int) -> Likeness:
    """What these messages teach. The same input gives the same bits."""
    empty = nothing(classes)
    counts = matrix(texts, SHAPE)
    known = common(counts, LEAST)
    found = _directions(counts[:, known], labels, classes)
    anywhere = found.any(axis=1)
    empty.places[known[anywhere]] = np.arange(1, anywhere.sum() + 1)
    space = Likeness(
        places=empty.places,
        directions=np.pad(found[anywhere], ((1, 0), (0, 0))),
        centres=empty.centres,
        weights=empty.weights,
    )
    lie = points(space, texts)
    chosen = np.random.default_rng(0).choice(len(lie), min(BELLS, len(lie)), replace=False)
    space.centres[: len(chosen)] = np.rint(lie[chosen] * FINE) / FINE
    space.weights[:] = _ridge(lie, space.centres, labels, classes)
    return space


def points(space: Likeness, texts: Sequence[str], batch: int = 1000) -> Floats:
    """[texts, 2 * SIDES]: where many texts lie."""
    batches = [features.grams(texts[first : first + batch]) for first in range(0, len(texts), batch)]
    return np.concatenate([space.points(grams) for grams in batches])


def _directions(counts: Matrix, labels: Labels, classes: int) -> NDArray[np.int8]:
    """[n-grams, SIDES]: the strongest directions of n-grams weighed by rarity and by the root of what they tell."""
    present = counts.sign()
    rarity = np.log(counts.shape[0] / np.asarray(present.sum(axis=0)).ravel())
    weights = rarity * np.sqrt(told(present, labels, classes) + 0.02)
    weighed = counts.sqrt() @ sparse.diags(weights)
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    weighed = (sparse.diags(1 / np.maximum(lengths, 1e-6)) @ weighed).astype(np.float32)
    sides = min(SIDES, *weighed.shape)
    axes: Any = randomized_svd(weighed, sides, n_iter=4, random_state=0)[2]
    directions = axes.T * weights[:, None]
    steps = np.clip(np.rint(directions / (STEP * directions.std())), -LARGEST, LARGEST).astype(np.int8)
    return np.pad(steps, ((0, 0), (0, SIDES - sides)))


def told(present: Matrix, labels: Labels, classes: int) -> NDArray[np.float64]:
    """Bits each n-gram tells of the class, all as likely before. Shares of all messages are mixed in for rare ones."""
    shares = np.stack(
        [
            (np.asarray(present[labels == label].sum(axis=0)).ravel() + 0.2) / ((labels == label).sum() + 1)
            for label in range(classes)
        ]
    )
    shares += 0.3 * np.asarray(present.mean(axis=0)).ravel()
    shares /= shares.sum(axis=0)
    bits: NDArray[np.float64] = np.log2(classes) + (shares * np.log2(shares)).sum(axis=0)
    return bits


def _ridge(points: Floats, centres: Floats, labels: Labels, classes: int) -> Floats:
    """Weights of the basis that come closest to 1 for a text's class and -1 for the others."""
    heights = basis(points, centres).astype(np.float64)
    bells = len(centres)
    cost = np.diag(np.append(np.full(heights.shape[1] - 1, PLANE_COST), 0.0))
    # Bells that stand close share their height: what costs is the height of the sum.
    cost[:bells, :bells] = BELL_COST * basis(centres, centres)[:, :bells] + 1e-4 * np.eye(bells)
    wanted = 2 * np.eye(classes)[labels] - 1
    found: Floats = linalg.solve(heights.T @ heights + cost, heights.T @ wanted, assume_a="pos").astype(np.float32)
    return found

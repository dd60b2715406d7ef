"""Scores become probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from pipeline.heads import Floats, Heads

Labels = NDArray[np.int64]


def softmax(scores: Floats, labels: Labels) -> tuple[float, Floats]:
    """One slope and an offset per class that maximise the likelihood of held-out labels."""
    count = scores.shape[1]

    def loss(parameters: NDArray[np.float64]) -> float:
        powers = scores * np.exp(parameters[0]) + np.append(parameters[1:], 0.0)
        powers -= powers.max(axis=1, keepdims=True)
        likelihood = powers[np.arange(len(labels)), labels] - np.log(np.exp(powers).sum(axis=1))
        return float(-likelihood.mean() + 1e-4 * (parameters**2).sum())

    found = optimize.minimize(loss, np.zeros(count), method="L-BFGS-B").x
    return float(np.exp(found[0])), np.append(found[1:], 0.0).astype(np.float32)


def sigmoid(scores: Floats, labels: Labels) -> tuple[float, float]:
    """The same for a yes-or-no head."""
    slope, offset = softmax(np.stack([np.zeros_like(scores), scores], axis=1), labels)
    return slope, float(offset[1] - offset[0])


def error(probabilities: Floats, labels: Labels, bins: int = 10) -> float:
    """Expected calibration error of the winning label over equal-width bins of its probability."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(right[place == bin_].sum() - sure[place == bin_].sum()) for bin_ in range(bins)]
    return float(sum(gaps) / len(labels))


def macro_f1(predicted: Labels, labels: Labels) -> float:
    """Mean of the classes' F1."""
    scores = []
    for label in np.unique(labels):
        hit = ((predicted == label) & (labels == label)).sum()
        scores.append(2 * hit / ((predicted == label).sum() + (labels == label).sum()))
    return float(np.mean(scores))


def figures(heads: Heads, *held_out: tuple[sparse.csr_matrix, Labels]) -> dict[str, float]:
    """What the card says of texts the trial never saw."""
    result = {}
    for (counts, labels), name, columns in zip(
        held_out, ("sentiment", "class7"), (slice(0, 3), slice(3, 10)), strict=False
    ):
        scores = np.asarray(counts @ (heads.weights * heads.scale) + heads.bias) * heads.slope + heads.offset
        powers = np.exp(scores[:, columns] - scores[:, columns].max(axis=1, keepdims=True))
        chances = powers / powers.sum(axis=1, keepdims=True)
        result[f"{name}_macro_f1"] = round(macro_f1(chances.argmax(axis=1), labels), 4)
        result[f"{name}_ece"] = round(error(chances, labels), 4)
    return result

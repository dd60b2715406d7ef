"""Scores become probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from pipeline.heads import Floats

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


def moods(margins: Floats, gates: Floats, labels: Labels) -> tuple[float, Floats]:
    """One slope, and an offset per kind and mood, for a mixture's margins. Offsets of the last mood are 0."""
    kinds, count = gates.shape[1], margins.shape[1]

    def unpack(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        offsets = np.zeros((kinds, count))
        offsets[:, :-1] = parameters[1:].reshape(kinds, count - 1)
        return float(np.exp(parameters[0])), offsets

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, offsets = unpack(parameters)
        powers = margins * slope + gates @ offsets
        powers = np.exp(powers - powers.max(axis=1, keepdims=True))
        chances = powers / powers.sum(axis=1, keepdims=True)
        likelihood = np.log(chances[np.arange(len(labels)), labels] + 1e-12).mean()
        wrong = chances.copy()
        wrong[np.arange(len(labels)), labels] -= 1
        wrong /= len(labels)
        gradient = np.append((wrong * margins).sum() * slope, (gates.T @ wrong)[:, :-1].ravel())
        return float(-likelihood + 1e-4 * (parameters**2).sum()), gradient + 2e-4 * parameters

    found = optimize.minimize(loss, np.zeros(1 + kinds * (count - 1)), jac=True, method="L-BFGS-B").x
    slope, offsets = unpack(found)
    return slope, offsets.astype(np.float32)

"""Scores become probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from pipeline.heads import ByLength, Floats

Labels = NDArray[np.int64]


def softmax(scores: Floats, labels: Labels) -> tuple[float, Floats]:
    """One slope and an offset per class that maximise the likelihood of held-out labels."""
    found = by_length(scores[None], labels, np.ones(len(labels), np.float32))
    return float(found.slopes[0]), found.offset


def by_length(scores: Floats, labels: Labels, lengths: Floats) -> ByLength:
    """The same for [opinions, texts, labels], each opinion with a slope that changes by a power of a text's length.

    `lengths` are [texts].
    """
    opinions, _, count = scores.shape
    logs = np.log(lengths)[:, None]

    def loss(parameters: NDArray[np.float64]) -> float:
        slopes, exponents, offsets = np.split(parameters, (opinions, 2 * opinions))
        powers = np.einsum("otc,to->tc", scores, np.exp(slopes + logs * exponents)) + np.append(offsets, 0.0)
        powers -= powers.max(axis=1, keepdims=True)
        likelihood = powers[np.arange(len(labels)), labels] - np.log(np.exp(powers).sum(axis=1))
        return float(-likelihood.mean() + 1e-4 * (parameters**2).sum())

    found = optimize.minimize(loss, np.zeros(2 * opinions + count - 1), method="L-BFGS-B").x.astype(np.float32)
    slopes, exponents, offsets = np.split(found, (opinions, 2 * opinions))
    return ByLength(slopes=np.exp(slopes), powers=exponents, offset=np.append(offsets, np.float32(0)))


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


#: How dearly a kind's offsets depart from those all kinds share: an unknown kind's texts get some kind's.
_DEPARTURE = 4e-2


def _emphasis(labels: Labels, kinds: Labels) -> NDArray[np.float64]:
    """[texts]: weights that add up to 1; the moods of a kind of text weigh alike, however rare."""
    groups, place, counts = np.unique(
        np.stack([kinds, labels], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    of_kind = np.array([counts[groups[:, 0] == kind].sum() for kind in groups[:, 0]])
    weights: NDArray[np.float64] = (of_kind / counts)[place.ravel()]
    weights /= weights.sum()
    return weights


def moods(margins: Floats, gates: Floats, labels: Labels, text_kinds: Labels) -> tuple[float, Floats]:
    """One slope, and an offset per kind and mood, for a mixture's margins. Offsets of the last mood are 0."""
    kinds, count = gates.shape[1], margins.shape[1]
    weights = _emphasis(labels, text_kinds)
    # The last row of offsets is what all kinds share.
    of_offset = np.hstack([gates, np.ones((len(gates), 1))])
    penalty = np.append(np.full(1 + kinds * (count - 1), _DEPARTURE), np.full(count - 1, 1e-4))
    penalty[0] = 1e-4

    def unpack(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        offsets = np.zeros((kinds + 1, count))
        offsets[:, :-1] = parameters[1:].reshape(kinds + 1, count - 1)
        return float(np.exp(parameters[0])), offsets

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, offsets = unpack(parameters)
        powers = margins * slope + of_offset @ offsets
        powers = np.exp(powers - powers.max(axis=1, keepdims=True))
        chances = powers / powers.sum(axis=1, keepdims=True)
        likelihood = weights @ np.log(chances[np.arange(len(labels)), labels] + 1e-12)
        wrong = chances.copy()
        wrong[np.arange(len(labels)), labels] -= 1
        wrong *= weights[:, None]
        gradient = np.append((wrong * margins).sum() * slope, (of_offset.T @ wrong)[:, :-1].ravel())
        return float(-likelihood + (penalty * parameters**2).sum()), gradient + 2 * penalty * parameters

    found = optimize.minimize(loss, np.zeros(1 + (kinds + 1) * (count - 1)), jac=True, method="L-BFGS-B").x
    slope, offsets = unpack(found)
    return slope, (offsets[:-1] + offsets[-1]).astype(np.float32)


def unbiased(margins: Floats, labels: NDArray[np.bool_]) -> float:
    """What makes as many margins positive as labels are true when it is added to them; some are true and some false."""
    first, next_ = np.sort(margins)[::-1][labels.sum() - 1 : labels.sum() + 1]
    return -float(first + next_) / 2

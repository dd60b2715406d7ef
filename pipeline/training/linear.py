"""NB-SVM on hashed n-grams: naive Bayes log-count ratios scale the features of a linear support vector machine."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from pipeline import features

#: A scipy.sparse.csr_matrix of float32; scipy has no types.
Matrix = Any
Floats = NDArray[np.float32]
EPOCHS = 15
#: Added to sums before a ratio is taken. Counts are fractions far below 1: adding 1 would flatten every ratio.
SMOOTHING = 0.1


def matrix(texts: Sequence[str], shape: features.Shape = features.MOODS, batch: int = 1000) -> Matrix:
    """[texts, buckets]: counts divided by the square root of a text's n-grams, as `heads` does."""
    parts = []
    for first in range(0, len(texts), batch):
        part = texts[first : first + batch]
        found = features.grams(part)
        rows, owners = found.rows(shape), np.repeat(np.arange(len(part)), found.sizes + 1)
        values = (1 / np.sqrt(np.maximum(found.counts(shape), 1))).astype(np.float32)[owners]
        values[np.arange(len(owners)) < found.title_ends(shape)[owners]] *= 2
        entries = np.tile(values, shape.orders), (np.tile(owners, shape.orders), rows.ravel())
        parts.append(sparse.csr_matrix(entries, shape=(len(part), shape.rows))[:, : shape.buckets])
    return sparse.vstack(parts, format="csr")


def common(counts: Matrix, least: int) -> NDArray[np.int64]:
    """Buckets that at least so many texts have; what is rarer teaches the accidents of single texts."""
    return np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= least)


def ratio(counts: Matrix, positive: NDArray[np.bool_], smoothing: float) -> Floats:
    """Log of how much likelier each bucket is among the positive texts."""
    yes = np.asarray(counts[positive].sum(axis=0)).ravel() + smoothing
    no = np.asarray(counts[~positive].sum(axis=0)).ravel() + smoothing
    result: Floats = np.log((yes / yes.sum()) / (no / no.sum())).astype(np.float32)
    return result


def _machine(counts: Matrix, positive: NDArray[np.bool_], cost: float, epochs: int) -> LinearSVC:
    machine = LinearSVC(C=cost, tol=1e-3, max_iter=epochs, random_state=0)
    with warnings.catch_warnings():
        # Stopping after some epochs is the intention: 300 change macro-F1 by less than 0.001 and take ten times as long.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return machine.fit(counts, positive)


def nb_svm(
    counts: Matrix, positive: NDArray[np.bool_], cost: float, smoothing: float = SMOOTHING, epochs: int = EPOCHS
) -> tuple[Floats, float]:
    """Weights folded over the ratios, and the bias. The same input gives the same bits."""
    scale = ratio(counts, positive, smoothing)
    machine = _machine(counts @ sparse.diags(scale).astype(np.float32), positive, cost, epochs)
    return (machine.coef_.ravel() * scale).astype(np.float32), float(machine.intercept_[0])


def mixture(
    counts: Matrix, positive: NDArray[np.bool_], groups: NDArray[np.int64], group_count: int, cost: float, share: float
) -> tuple[Floats, float, Floats, Floats]:
    """One machine for all groups and what each group deviates from it ("frustratingly easy" domain adaptation).

    `share` scales the copy of the features only a group sees: the smaller, the more must hold for all.
    Returns shared weights and bias, deviations [buckets, groups] and their biases [groups].
    """
    order = np.argsort(groups, kind="stable")
    scale = ratio(counts, positive, SMOOTHING)
    scaled = (counts @ sparse.diags(scale).astype(np.float32)).tocsr()
    own = sparse.block_diag([scaled[groups == group] * np.float32(share) for group in range(group_count)])
    member = sparse.csr_matrix(
        (np.ones(len(groups), np.float32), (np.arange(len(groups)), groups[order])), shape=(len(groups), group_count)
    )
    machine = _machine(sparse.hstack([scaled[order], own, member], format="csr"), positive[order], cost, EPOCHS)
    weights, buckets = machine.coef_.ravel().astype(np.float32), counts.shape[1]
    deviations = weights[buckets : buckets * (group_count + 1)].reshape(group_count, buckets).T * np.float32(share)
    return (
        weights[:buckets] * scale,
        float(machine.intercept_[0]),
        deviations * scale[:, None],
        weights[buckets * (group_count + 1) :],
    )

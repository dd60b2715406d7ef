"""SnowNLP's sentiment, selectable by `sentiment: snownlp` and the baseline of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from snownlp import sentiment

#: Its one number is the probability of positive; between these it says nothing either way.
_LOW, _HIGH = 0.4, 0.6


def moods(texts: Sequence[str]) -> NDArray[np.float32]:
    """[texts, 3] negative, neutral, positive; neutral is the width of the middle."""
    return np.array(
        [_spread(float(sentiment.classify(text)) if text.strip() else 0.5) for text in texts], dtype=np.float32
    )


def _spread(positive: float) -> tuple[float, float, float]:
    if _LOW <= positive <= _HIGH:
        return (1 - positive) / 2, 0.5, positive / 2
    return 0.9 * (1 - positive), 0.1, 0.9 * positive

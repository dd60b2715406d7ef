"""How rare words and pairs of characters are: statistics of the training texts, committed beside the models."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Mapping
from pathlib import Path

_MODELS = Path(__file__).parent / "models"


@functools.cache
def _rarities(name: str) -> Mapping[str, float]:
    lines = gzip.decompress((_MODELS / name).read_bytes()).decode().splitlines()
    return {term: int(tenths) / 10 for term, tenths in (line.split("\t") for line in lines)}


def usual_words() -> Mapping[str, float]:
    """Words of the training texts with their rarity; a word not in it is rarer than all of them."""
    return _rarities("words.txt.gz")


def usual_pairs() -> Mapping[str, float]:
    """Pairs of characters of citizens' messages with their rarity."""
    return _rarities("pairs.txt.gz")

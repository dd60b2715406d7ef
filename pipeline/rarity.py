"""How rare words and pairs of characters are, how much words tell of the matter: statistics of the training texts."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Mapping
from pathlib import Path

_MODELS = Path(__file__).parent / "models"


@functools.cache
def _table(name: str, parts: int) -> Mapping[str, float]:
    lines = gzip.decompress((_MODELS / name).read_bytes()).decode().splitlines()
    return {term: int(number) / parts for term, number in (line.split("\t") for line in lines)}


def usual_words() -> Mapping[str, float]:
    """Words of the training texts with their rarity; a word not in it is rarer than all of them."""
    return _table("words.txt.gz", 10)


def usual_pairs() -> Mapping[str, float]:
    """Pairs of characters of citizens' messages with their rarity."""
    return _table("pairs.txt.gz", 10)


def matters() -> Mapping[str, float]:
    """Words that tell what a message is about, with the bits they tell of its class."""
    return _table("matters.txt.gz", 100)

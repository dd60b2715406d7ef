"""Word statistics for keywords and incidents: how rare each word is in the kind of text where it is commonest."""

from __future__ import annotations

import gzip
import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import rjieba

_WORD = re.compile("[\u4e00-\u9fa5]{2,8}")
_RUN = re.compile("[\u4e00-\u9fa5a-z0-9]{2,}")
_MOST = 25_000
#: A word this rare everywhere is as good as unknown.
_LEAST = 3


def _counts(texts: Sequence[str], cutter: rjieba.Jieba) -> Counter[str]:
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update({word for word in cutter.cut(text[:600], True) if _WORD.fullmatch(word)})
    return seen


def rarities(kinds: Sequence[Sequence[str]]) -> dict[str, int]:
    """word → tenths of ln(texts per text with the word), the least over the kinds of texts.

    `扰民` is rare on the whole and in every tenth complaint: it tells no complaint from another.
    """
    cutter = rjieba.Jieba()
    found: dict[str, int] = {}
    for texts in kinds:
        for word, count in _counts(texts, cutter).items():
            if count >= _LEAST:
                rarity = round(10 * math.log(len(texts) / count))
                found[word] = min(rarity, found.get(word, rarity))
    return found


def pairs(messages: Sequence[str]) -> dict[str, int]:
    """Pairs of neighbouring characters in the first sentences of messages, and how rare they are."""
    seen: Counter[str] = Counter()
    for message in messages:
        seen.update({pair for run in _RUN.findall(message[:220].lower()) for pair in map("".join, pairwise(run))})
    return {pair: round(10 * math.log(len(messages) / count)) for pair, count in seen.items() if count >= _LEAST}


def write(folder: Path, kinds: Sequence[Sequence[str]]) -> None:
    """`words.txt.gz` and `pairs.txt.gz`: `term<TAB>rarity`, commonest first. The last kind are the messages."""
    for name, found in (("words", rarities(kinds)), ("pairs", pairs(kinds[-1]))):
        common = sorted(found.items(), key=lambda item: (item[1], item[0]))[:_MOST]
        text = "\n".join(f"{term}\t{rarity}" for term, rarity in common)
        (folder / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))

"""Word statistics for keywords and incidents: how rare each word is in the kind of text where it is commonest."""

from __future__ import annotations

import gzip
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import rjieba

_WORD = re.compile("[\u4e00-\u9fa5]{2,8}")
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


def write(path: Path, kinds: Sequence[Sequence[str]]) -> None:
    """`word<TAB>rarity`, commonest first."""
    common = sorted(rarities(kinds).items(), key=lambda item: (item[1], item[0]))[:_MOST]
    path.write_bytes(gzip.compress("\n".join(f"{word}\t{rarity}" for word, rarity in common).encode(), 9, mtime=0))

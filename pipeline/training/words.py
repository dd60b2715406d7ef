"""Word statistics for keywords: how rare each word is in the training texts."""

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


def write(path: Path, texts: Sequence[str]) -> None:
    """`word<TAB>rarity`: tenths of the natural log of texts per text with the word, commonest first."""
    seen: Counter[str] = Counter()
    cutter = rjieba.Jieba()
    for text in texts:
        seen.update({word for word in cutter.cut(text[:600], True) if _WORD.fullmatch(word)})
    common = sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:_MOST]
    lines = [f"{word}\t{round(10 * math.log(len(texts) / count))}" for word, count in common]
    path.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))

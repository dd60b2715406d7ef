"""Word statistics for keywords and incidents: how rare a word is, and how much it tells of the matter."""

from __future__ import annotations

import gzip
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import rjieba

from pipeline.keywords import STOP

_WORD = re.compile("[\u4e00-\u9fa5]{2,8}")
_RUN = re.compile("[\u4e00-\u9fa5a-z0-9]{2,}")
_MOST = 25_000
#: A word this rare everywhere is as good as unknown.
_LEAST = 3
#: Bits; a word that tells less of the class tells nothing.
_TELLING = 0.2


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


def matters(classes: Mapping[int, Sequence[str]]) -> dict[str, int]:
    """word → hundredths of a bit it tells of a message's class, those of a fifth and more; any class as likely before.

    油烟 stands in the messages of one class and says what the matter is; 加快 stands in all and says nothing.
    """
    cutter = rjieba.Jieba()
    counts = {name: _counts(texts, cutter) for name, texts in classes.items()}
    every = sum(counts.values(), Counter[str]())
    whole = sum(map(len, classes.values()))
    found = {}
    for word, count in every.items():
        if count < _LEAST or word in STOP:
            continue
        # A word of three messages is all in one class by chance: the share of all messages is mixed in.
        shares = [
            (counts[name][word] + 0.2) / (len(texts) + 1) + 0.3 * count / whole for name, texts in classes.items()
        ]
        told = math.log2(len(shares)) + sum(share / sum(shares) * math.log2(share / sum(shares)) for share in shares)
        if told >= _TELLING:
            found[word] = round(100 * told)
    return found


def write(folder: Path, kinds: Sequence[Sequence[str]], classes: Mapping[int, Sequence[str]]) -> None:
    """`words.txt.gz`, `pairs.txt.gz`, `matters.txt.gz`: `term<TAB>number`. The last kind are the messages."""
    rare = (("words", rarities(kinds), _MOST), ("pairs", pairs(kinds[-1]), _MOST))
    # Of rarities the commonest are kept; of what tells matters the last would be the best.
    for name, found, most in (*rare, ("matters", matters(classes), None)):
        first = sorted(found.items(), key=lambda item: (item[1], item[0]))[:most]
        text = "\n".join(f"{term}\t{number}" for term, number in first)
        (folder / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))

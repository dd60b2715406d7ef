"""What an incident says, in its posts' own words: sentences quoted unchanged, each with the post it stands in.

1. The posts are cut into sentences; greetings, wishes and scraps are left out.
2. A sentence is its pairs of characters; a pair weighs by how rare it is and by how many sentences have it.
3. The sentence that says most for its length is quoted, an early one rather than a late one; what it said weighs
   nothing any more, and the next one is chosen, until three are quoted or nothing new is left.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.clean import simplified
from pipeline.rarity import usual_pairs

MOST = 3
#: Read of each post, and posts read of an incident: its first ones tell what it is about.
_READ, POSTS = 800, 100
_SENTENCE = re.compile(r"[^。！？!?；;\n…]+[。！？!?；;…]*")
_SHORTEST, _LONGEST = 8, 120
_RUN = re.compile("[\u4e00-\u9fffA-Za-z0-9]{2,}")
_COURTESY = re.compile(
    r"^(?:尊敬的|敬爱的|您好|你好|各位领导|领导好|此致|敬礼|谢谢|感谢|恳请|望领导|希望领导|请领导|盼复|特此)|"
    r"(?:百忙之中|感激不尽|不胜感激|万分感谢|高度重视|给予重视|谢谢您?|敬请回复)[。！!]*$"
)
#: Rarity of a pair that stands in no table; below the second figure a pair tells nothing.
_UNKNOWN, _COMMON = 7.0, 1.0
#: A sentence of a post weighs by its place: the first 1, the sixth a quarter.
_LATER = 0.6
#: Long sentences hold more pairs; their weight is divided by a power of their number, brief ones spared.
_BRIEF, _POWER = 8, 0.7
#: The next quotation must say so much of what the first one said.
_WORTH = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A sentence as it stands in a post."""

    post: str
    text: str


@dataclass(frozen=True, slots=True)
class _Sentence:
    quote: Quote
    pairs: frozenset[str]
    #: What its place in the post makes of its weight.
    place: float


def quotes(posts: Iterable[tuple[str, str]], most: int = MOST) -> tuple[Quote, ...]:
    """The most telling sentences of (id, text) pairs, the most telling first; at most `most`, none twice."""
    sentences, shared = _sentences([(post, text[:_READ]) for post, text in posts][:POSTS])
    rarity = usual_pairs()
    weights = {
        pair: max(0.0, rarity.get(pair, _UNKNOWN) - _COMMON) * math.log2(1 + count) for pair, count in shared.items()
    }
    chosen: list[Quote] = []
    least = 0.0
    while sentences and len(chosen) < most:
        value, best = max(((_value(sentence, weights), sentence) for sentence in sentences), key=lambda item: item[0])
        if value <= least:
            break
        least = least or _WORTH * value
        chosen.append(best.quote)
        weights |= dict.fromkeys(best.pairs, 0.0)
        sentences.remove(best)
    return tuple(chosen)


def _sentences(posts: Sequence[tuple[str, str]]) -> tuple[list[_Sentence], Counter[str]]:
    """Sentences worth quoting, and how many sentences say each pair of characters."""
    found: list[_Sentence] = []
    shared: Counter[str] = Counter()
    seen: set[frozenset[str]] = set()
    for post, text in posts:
        pieces = [piece.strip() for piece in _SENTENCE.findall(text)]
        kept = [piece for piece in pieces if len(piece) >= _SHORTEST and not _COURTESY.search(piece)]
        for place, piece in enumerate(kept):
            pairs = frozenset(_pairs(piece))
            shared.update(pairs)
            if pairs and pairs not in seen and len(piece) <= _LONGEST:
                seen.add(pairs)
                found.append(_Sentence(Quote(post=post, text=piece), pairs, 1 / (1 + _LATER * place)))
    return found, shared


def _pairs(text: str) -> set[str]:
    return {a + b for run in _RUN.findall(simplified(text).lower()) for a, b in pairwise(run)}


def _value(sentence: _Sentence, weights: dict[str, float]) -> float:
    said = sum(weights[pair] for pair in sentence.pairs)
    return sentence.place * said / math.pow(len(sentence.pairs) + _BRIEF, _POWER)

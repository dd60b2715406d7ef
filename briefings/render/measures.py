"""Measures of GB/T 9704 and of the 简报 head, shared by all formats."""

from __future__ import annotations

import math
import unicodedata
from itertools import pairwise

#: Millimetres.
TOP, BOTTOM, LEFT, RIGHT = 37, 35, 28, 26
WIDTH_MM = 156
POINTS_PER_MM = 72 / 25.4
WIDTH_POINTS = WIDTH_MM * POINTS_PER_MM
#: Sizes in points: 3号, 2号, 4号, 小四.
BODY, TITLE, PAGE_NUMBER, TABLE = 16.0, 22.0, 14.0, 10.5
#: 28 characters of 16 pt fill the line of 156 mm.
TRACKING = -0.2
NAME_SIZE, RED = 44.0, "C00000"
TITLE_LINE = 20


def ems(text: str) -> float:
    """Width in characters: a Chinese one is 1, a Latin one about half, and a quarter stands between the two."""
    wide = [unicodedata.east_asian_width(sign) in "WFA" for sign in text]
    seams = sum(one != other for one, other in pairwise(wide))
    return sum(1.0 if sign else 0.55 for sign in wide) + seams / 4


def fitting(text: str, size: float, *, least: float = 9.0) -> float:
    """The size at which a text fits the line, no larger than `size`."""
    return max(least, min(size, WIDTH_POINTS / max(ems(text), 1) * 0.98))


def title_lines(title: str) -> list[str]:
    """A headline broken between words into lines of like length, the longest first; never one or two signs alone."""
    count = math.ceil(ems(title) / TITLE_LINE)
    if count <= 1:
        return [title] if title else []
    lines, rest = [], _words(title)
    for left in range(count, 1, -1):
        aim = sum(ems(word) for word in rest) / left
        line = ""
        while rest and (not line or ems(line) + ems(rest[0]) / 2 <= aim):
            line += rest.pop(0)
        lines.append(line)
    return [line for line in (*lines, "".join(rest)) if line]


def _words(title: str) -> list[str]:
    """Words with the signs that may not begin a line."""
    words: list[str] = []
    # Its dictionary takes 30 MB: loaded when a title is broken, not when the console starts.
    import rjieba

    for word in rjieba.cut(title):
        if words and word[0] in "，。、；：！？）》〉】”’":
            words[-1] += word
        else:
            words.append(word)
    return words

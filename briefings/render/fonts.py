"""Fonts of the documents: an office's own licensed ones where they are, else the open ones shipped with Caifeng."""

from __future__ import annotations

import functools
from pathlib import Path

import pylopdf_fonts_zh_cn
import typst
from django.conf import settings

SANS, SERIF = "Noto Sans SC", "Noto Serif SC"
#: Part of a page → names official documents use, then ours. A .docx carries names only.
OFFICIAL = {
    "name": ("方正小标宋简体", "FZXiaoBiaoSong-B05S"),
    "body": ("仿宋_GB2312", "FangSong_GB2312", "FangSong"),
    "heading": ("黑体", "SimHei"),
    "subheading": ("楷体_GB2312", "KaiTi_GB2312", "KaiTi"),
    "page": ("宋体", "SimSun"),
}
_OURS = {"name": SERIF, "body": SERIF, "heading": SANS, "subheading": SERIF, "page": SERIF}


def folders() -> list[str]:
    """Where fonts are looked for: `fonts` in the home first."""
    own: Path = settings.HOME / "fonts"
    shipped = Path(sans_path()).parent
    return [str(folder) for folder in (own, shipped) if folder.is_dir()]


def loaded() -> typst.Fonts:
    """The fonts of these folders, read once; those of the system are left alone."""
    return _loaded(tuple(folders()))


@functools.lru_cache(maxsize=2)
def _loaded(places: tuple[str, ...]) -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(places))


def sans_path() -> str:
    """File of the shipped sans font."""
    return str(pylopdf_fonts_zh_cn.sans_path())


def families(known: frozenset[str]) -> dict[str, list[str]]:
    """Per part of a page the families to use, among those at hand: naming one that is missing is an error."""
    return {part: [*(name for name in names if name in known), _OURS[part], SANS] for part, names in OFFICIAL.items()}


@functools.cache
def covered() -> frozenset[int]:
    """Code points the shipped fonts can draw."""
    from fontTools.ttLib import TTFont

    found: set[int] = set()
    for path in (sans_path(), str(pylopdf_fonts_zh_cn.serif_path())):
        with TTFont(path, lazy=True) as font:
            found |= font.getBestCmap().keys()
    return frozenset(found)


def drawable(text: str) -> str:
    """Signs no font at hand can draw (emoji) become their code point in brackets: said, not lost as an empty box."""
    if text.isascii():
        return text
    known = covered()
    return "".join(
        sign if ord(sign) in known or sign in "\u200b\u200d\ufe0f" else f"〔U+{ord(sign):04X}〕" for sign in text
    ).translate({0x200D: None, 0xFE0F: None})

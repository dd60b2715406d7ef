"""A page as a list of paragraphs in reading order, and the boxes they stand in.

Every box covers one run of paragraphs, so with running totals any question about a box
(how much text, how much of it links) is a subtraction. One walk over the page, no recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

#: Text in these is not for reading.
_SKIPPED = frozenset(
    {
        "script",
        "style",
        "noscript",
        "iframe",
        "select",
        "option",
        "button",
        "textarea",
        "object",
        "embed",
        "svg",
        "canvas",
        "template",
        "video",
        "audio",
        "map",
        "datalist",
        "head",
        "math",
    }
)
#: These stand within a line of text.
_INLINE = frozenset(
    {
        "a",
        "span",
        "b",
        "strong",
        "em",
        "i",
        "u",
        "font",
        "sub",
        "sup",
        "small",
        "big",
        "abbr",
        "acronym",
        "code",
        "mark",
        "s",
        "strike",
        "ins",
        "del",
        "img",
        "wbr",
        "q",
        "cite",
        "time",
        "label",
        "input",
        "tt",
        "var",
        "kbd",
        "samp",
        "bdo",
        "bdi",
        "nobr",
        "ruby",
        "rt",
        "rb",
        "tbody",
        "thead",
        "tfoot",
        "o:p",
        "st1:chsdate",
        "html",
        "link",
        "meta",
    }
)
_BLOCK, _INSIDE, _BREAK, _SKIP = range(4)
_SORTS = dict.fromkeys(_INLINE, _INSIDE) | dict.fromkeys(_SKIPPED, _SKIP) | {"br": _BREAK}
#: Nobody asks what shorter paragraphs are made of.
_COUNTED = 8
_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_MARKS = re.compile(r"[，。！？；：、“”（）《》,.!?;]")
_HIDDEN = re.compile(r"display\s*:\s*none", re.I)


@dataclass(slots=True, eq=False)
class Box:
    """A block element; `first` and `last` are the half-open run of its paragraphs."""

    tag: str
    #: Class and id, lower case.
    name: str
    parent: Box | None
    hidden: bool
    first: int
    last: int = 0

    def ancestors(self) -> Iterator[Box]:
        """The box itself, then outwards."""
        box: Box | None = self
        while box is not None:
            yield box
            box = box.parent


@dataclass(slots=True, eq=False)
class Paragraph:
    """A run of text without a block boundary; lengths count characters without spaces."""

    text: str
    box: Box
    length: int
    linked: int
    #: Chinese characters and punctuation marks; not counted in the shortest.
    chinese: int
    marks: int


@dataclass(slots=True, eq=False)
class Layout:
    """The paragraphs and boxes of a page, with running totals of length and linked length."""

    paragraphs: list[Paragraph] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    lengths: list[int] = field(default_factory=lambda: [0])
    links: list[int] = field(default_factory=lambda: [0])

    def chinese_share(self) -> float:
        """Share of Chinese characters in all the text there is."""
        text = "".join(paragraph.text for paragraph in self.paragraphs)
        return len(_CHINESE.findall(text)) / len(text) if text else 0.0

    def length(self, box: Box) -> int:
        """Characters in the box, without spaces."""
        return self.lengths[box.last] - self.lengths[box.first]

    def link_share(self, box: Box) -> float:
        """Share of the box's characters that stand in links; 1 for an empty box."""
        length = self.length(box)
        return (self.links[box.last] - self.links[box.first]) / length if length else 1.0

    def paragraphs_of(self, box: Box) -> list[Paragraph]:
        """The paragraphs of the box, in reading order."""
        return self.paragraphs[box.first : box.last]


class _Line:
    """The paragraph being read."""

    __slots__ = ("linked", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.linked = 0

    def add(self, text: str, *, linked: bool) -> None:
        """Go on with a piece of text."""
        self.pieces.append(text)
        if linked:
            self.linked += len(text.strip())


def read_layout(root: Any) -> Layout:
    """Walk the page once and note every paragraph and box."""
    layout, line = Layout(), _Line()
    box = Box(tag="html", name="", parent=None, hidden=False, first=0)
    layout.boxes.append(box)
    anchors = 0
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        sort = _SORTS.get(tag, _BLOCK)
        if event == "start":
            if sort is _BLOCK:
                _end_paragraph(layout, line, box)
                box = _open(layout, element, box)
            elif sort is _SKIP:
                walk.skip_subtree()
                continue
            elif sort is _BREAK:
                _end_paragraph(layout, line, box)
            elif tag == "a":
                anchors += 1
            if text := element.text:
                line.add(text, linked=anchors > 0)
            continue
        if sort is _BLOCK:
            _end_paragraph(layout, line, box)
            box.last = len(layout.paragraphs)
            box = box.parent or box
        elif tag == "a":
            anchors -= 1
        if text := element.tail:
            line.add(text, linked=anchors > 0)
    _end_paragraph(layout, line, box)
    layout.boxes[0].last = len(layout.paragraphs)
    return layout


def _open(layout: Layout, element: Any, parent: Box) -> Box:
    attributes = element.attrib
    name = f"{attributes.get('class', '')} {attributes.get('id', '')}".strip().lower()
    style = attributes.get("style")
    hidden = bool(style and "none" in style and _HIDDEN.search(style)) and element.tag != "body"
    box = Box(tag=element.tag, name=name, parent=parent, hidden=hidden, first=len(layout.paragraphs))
    layout.boxes.append(box)
    return box


def _end_paragraph(layout: Layout, line: _Line, box: Box) -> None:
    if not line.pieces:
        return
    text = " ".join("".join(line.pieces).split())
    linked, line.linked = line.linked, 0
    line.pieces.clear()
    if not text:
        return
    length = len(text) - text.count(" ")
    counted = length >= _COUNTED
    layout.paragraphs.append(
        Paragraph(
            text=text,
            box=box,
            length=length,
            linked=min(linked, length),
            chinese=len(_CHINESE.findall(text)) if counted else 0,
            marks=len(_MARKS.findall(text)) if counted else 0,
        )
    )
    layout.lengths.append(layout.lengths[-1] + length)
    layout.links.append(layout.links[-1] + min(linked, length))

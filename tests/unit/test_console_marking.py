"""Hostile text is shown, never run."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.marking import cut, mark
from tests.fixtures.console_hostile import PAYLOADS


class Tags(HTMLParser):
    """Collects what a browser would take as tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.found.append((tag, dict(attrs)))


def tags(html: str) -> set[str]:
    """The tags of a piece of HTML, with their class."""
    reader = Tags()
    reader.feed(html)
    return {f"{tag}.{attrs.get('class')}" if attrs else tag for tag, attrs in reader.found}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_a_tag(payload: str) -> None:
    assert tags(mark(payload, ("script", "<", "onerror", "&", '"'))) <= {"mark", "span.mask"}


@given(st.text(), st.lists(st.text(max_size=4), max_size=4))
def test_whatever_is_searched_in_whatever_text_only_marks_appear(text: str, terms: list[str]) -> None:
    assert tags(mark(text, terms)) <= {"mark", "span.mask"}


def test_finds_and_masked_places_are_marked() -> None:
    assert mark("晚饭后肚子疼，电话 138****2107", ("肚子疼", "肚子")) == (
        '晚饭后<mark>肚子疼</mark>，电话 <span class="mask">138****2107</span>'
    )


def test_marks_that_turn_the_direction_are_dropped() -> None:
    assert mark("甲\u202e乙\u200b丙\x00") == "甲乙丙"


def test_a_long_text_is_cut_around_its_first_find() -> None:
    shown = cut("前" * 300 + "停水" + "后" * 300, ("停水",), 100)

    assert len(shown) == 102
    assert "停水" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")

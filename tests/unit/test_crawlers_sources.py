from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import ConfigError
from crawlers.sources import load, parse
from tests.fixtures.collect import a_source

KINDS = [
    {"kind": "feed", "url": "https://a.example.cn/feed.xml"},
    {"kind": "list", "url": "https://a.example.cn/", "selectors": {"item": "ul.news li", "next": "a.next::attr(href)"}},
    {
        "kind": "forum",
        "url": "https://a.example.cn/bbs",
        "selectors": {"item": "tr", "post": ".post", "post_id": "::attr(id)"},
    },
    {"kind": "board", "url": "https://a.example.cn/letters", "selectors": {"item": "li", "reply": ".reply"}},
    {"kind": "hotlist", "url": "https://a.example.cn/api/s?id=weibo", "allowed_domains": ["weibo.com"]},
    {
        "kind": "api",
        "url": "https://a.example.cn/api?from={cursor}",
        "paths": {"items": "data.rows", "cursor": "data.next"},
    },
    {"kind": "sitemap", "url": "https://a.example.cn/sitemap.xml", "link_pattern": "/news/"},
    {"kind": "push"},
    {"kind": "file", "url": "drop/12345", "columns": {"text": "诉求"}},
]


@pytest.mark.parametrize("entry", KINDS, ids=lambda entry: entry["kind"])
def test_each_of_the_nine_kinds_is_an_entry_of_a_few_lines(entry: dict[str, object]) -> None:
    source = parse({"id": "one", "name": "一个信源", **entry})

    assert source.kind == entry["kind"]
    assert source.post_kind in {"news", "forum", "board", "hotline"}


def test_every_fault_of_an_entry_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse({"id": "Not Good", "name": "", "kind": "list", "url": "https://a.cn/", "colour": "red", "every": "soon"})

    reasons = " ".join(fault.reason for fault in caught.value.faults)
    assert len(caught.value.faults) == 4
    assert all(word in reasons for word in ("id:", "name:", "colour: unknown field", "every: not a duration"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "ftp://a.cn/"}, "must be http:// or https://"),
        ({"url": "https://user@a.cn/"}, "user name"),
        ({"url": ""}, "url is missing"),
        ({"kind": "push"}, "takes no url"),
        ({"url": "https://a.cn/?c={cursor}"}, "only api fills"),
        ({"kind": "api", "url": "https://a.cn/?c={cursor}"}, "paths.cursor is missing"),
        ({"selectors": {"item": "li["}}, "not a selector"),
        ({"selectors": {"item": "//li["}}, "not a selector"),
        ({"kind": "api", "paths": {"items": "a[?"}}, "not a JMESPath"),
        ({"link_pattern": "("}, "not a regular expression"),
        ({"allowed_domains": ["http://a.cn"]}, "host name without scheme"),
        ({"every": 0}, "more than zero"),
        ({"every_min": "2h", "every_max": "1h"}, "not above every_max"),
    ],
)
def test_a_fault_is_told_in_words_that_name_the_remedy(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        a_source(**change)


def test_files_are_checked_together_with_file_and_line(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(
        "- id: a\n  name: 甲\n  kind: feed\n  url: https://a.cn/f\n- id: b\n  name: 乙\n  kind: fed\n", "utf-8"
    )
    second.write_text("sources:\n  - {id: a, name: 丙, kind: feed, url: 'https://c.cn/f'}\n", "utf-8")

    with pytest.raises(ConfigError) as caught:
        load(first, second)

    places = [(Path(fault.file).name, fault.line) for fault in caught.value.faults]
    assert ("a.yaml", 5) in places
    assert ("b.yaml", 2) in places


@pytest.mark.parametrize("text", ["- just text\n", "kind: feed\n", "- id: [\n"])
def test_a_file_of_another_shape_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(ConfigError, match=r"sources\.yaml"):
        load(path)


def test_durations_are_written_as_people_write_them() -> None:
    source = a_source(every="90s", delay="2s", silence_after="1d")

    assert (source.every, source.delay, source.silence_after) == (
        timedelta(seconds=90), timedelta(seconds=2), timedelta(days=1)
    )  # fmt: skip

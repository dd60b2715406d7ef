"""The page on adding sources shows entries that are accepted, of every kind, and names every field."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from crawlers.sources import Kind, Source, parse

PAGE = (Path(__file__).parents[2] / "docs" / "how-to-add-a-source.md").read_text("utf-8")


def test_the_examples_are_accepted_and_show_every_kind() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    sources = [parse(entry) for entry in yaml.safe_load(block)]

    assert {source.kind for source in sources} == set(Kind)


def test_every_field_is_named() -> None:
    assert [name for name in Source.model_fields if f"`{name}`" not in PAGE and f"{name}:" not in PAGE] == []

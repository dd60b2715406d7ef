"""`caifeng import`: files become posts by the whole way, once; what cannot be used is kept with its reason."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import Command

MESSAGES = Path(__file__).resolve().parents[1] / "fixtures" / "messages.csv"

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def imported(caifeng: Command) -> Done:
    """The file taken in twice; the first run's result."""
    first = caifeng("import", str(MESSAGES), "--source", "board")
    caifeng("import", str(MESSAGES), "--source", "board")
    return first


def found(caifeng: Command, query: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in caifeng("search", query, "--json").stdout.splitlines()]


def test_a_file_becomes_posts_on_a_fresh_home_and_a_second_time_changes_nothing(
    caifeng: Command, imported: Done
) -> None:
    posts = found(caifeng, "")

    assert (imported.returncode, imported.stdout) == (0, "")
    assert len(posts) == 7
    assert "13900001234" not in json.dumps(posts)


def test_a_row_without_words_is_kept_with_its_place(home: Path, imported: Done) -> None:
    lines = [json.loads(line) for path in (home / "rejected").glob("*.jsonl") for line in path.read_text().splitlines()]

    assert "1 条不可用" in imported.stderr
    assert [(row["file"], row["line"]) for row in lines] == [("messages.csv", 7)]


def test_topics_are_searchable_after_the_import(caifeng: Command, imported: Done) -> None:
    assert [post["title"] for post in found(caifeng, "topic:housing")] == ["物业收费不公开"]


def test_a_file_that_is_not_there_is_wrong_usage(caifeng: Command) -> None:
    assert caifeng("import", "nowhere.csv", "--source", "board").returncode == 2

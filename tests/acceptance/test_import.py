"""`caifeng import`: files become posts by the whole way, once; what cannot be used is kept with its reason."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.conftest import Command

MESSAGES = Path(__file__).resolve().parents[1] / "fixtures" / "messages.csv"


def found(caifeng: Command, query: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in caifeng("search", query, "--json").stdout.splitlines()]


def test_a_file_becomes_posts_on_a_fresh_home(caifeng: Command, home: Path) -> None:
    done = caifeng("import", str(MESSAGES), "--source", "board")

    posts = found(caifeng, "")
    assert (done.returncode, done.stdout) == (0, "")
    assert len(posts) == 7
    assert "13900001234" not in json.dumps(posts)


def test_importing_again_changes_nothing(caifeng: Command) -> None:
    caifeng("import", str(MESSAGES), "--source", "board")
    before = found(caifeng, "")

    caifeng("import", str(MESSAGES), "--source", "board")

    assert found(caifeng, "") == before


def test_a_row_without_words_is_kept_with_its_place(caifeng: Command, home: Path) -> None:
    done = caifeng("import", str(MESSAGES), "--source", "board")

    lines = [json.loads(line) for path in (home / "rejected").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert "1 条不可用" in done.stderr
    assert [(row["file"], row["line"]) for row in lines] == [("messages.csv", 7)]


def test_topics_are_searchable_after_the_import(caifeng: Command) -> None:
    caifeng("import", str(MESSAGES), "--source", "board")

    assert [post["title"] for post in found(caifeng, "topic:housing")] == ["物业收费不公开"]


def test_a_file_that_is_not_there_is_wrong_usage(caifeng: Command) -> None:
    assert caifeng("import", "nowhere.csv", "--source", "board").returncode == 2

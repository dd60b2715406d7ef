"""`caifeng search` and `caifeng store` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.conf import settings

from caifeng import bootstrap
from caifeng.commands.search import search
from caifeng.commands.store import store as store_group
from core.errors import QuerySyntax
from core.query import Everything
from storage import opening
from storage.sqlite import SqliteStore
from tests.fixtures.storage_posts import a_post, an_id

RECENT = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    """The store of a home with three posts."""
    store = SqliteStore(tmp_path / "posts.sqlite3")
    ages = {1: 0, 2: 10, 3: 500}
    store.upsert(
        [
            a_post(key, title=f"第{key}条\n欠薪", published_at=RECENT - age * timedelta(days=1))
            for key, age in ages.items()
        ]
    )
    monkeypatch.setattr(settings, "HOME", tmp_path)
    monkeypatch.setattr(bootstrap, "ready", lambda: None)
    monkeypatch.setattr(bootstrap, "post_store", lambda: store)
    yield store
    store.close()


def run(command: object, *arguments: str) -> Result:
    """Run and let errors through."""
    return CliRunner().invoke(command, arguments, catch_exceptions=False)  # type: ignore[arg-type]


def test_search_prints_one_object_a_line_newest_first(store: SqliteStore) -> None:
    lines = run(search, "欠薪", "--json").stdout.splitlines()

    found = [json.loads(line) for line in lines]
    assert [post["id"] for post in found] == [an_id(1), an_id(2), an_id(3)]
    assert set(found[0]) == {"id", "title", "text", "published_at", "source", "topics", "sentiment", "regions", "risk"}
    assert found[0]["topics"] == ["wages"]
    assert found[0]["sentiment"] == "negative"


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ((), [1, 2, 3]),
        (("--limit", "2"), [1, 2]),
        (("--limit", "0"), [1, 2, 3]),
        (("--since", "7d"), [1]),
        (("第2条", "OR", "第3条", "--since", "20天"), [2]),
        (("--", "-第1条"), [2, 3]),
        (("没有的词",), []),
    ],
)
def test_search_options(store: SqliteStore, arguments: tuple[str, ...], keys: list[int]) -> None:
    lines = run(search, "--json", *arguments).stdout.splitlines()

    assert [json.loads(line)["id"] for line in lines] == [an_id(key) for key in keys]


def test_search_for_people_keeps_a_post_on_one_line(store: SqliteStore) -> None:
    result = run(search, "第1条")

    assert result.stdout.count("\n") == 1
    assert "负面" in result.stdout
    assert "第1条 欠薪" in result.stdout


def test_search_names_the_place_of_a_mistake(store: SqliteStore) -> None:
    with pytest.raises(QuerySyntax, match="第 1 个字：缺右括号"):
        run(search, "(欠薪")


def test_info_is_machine_readable(store: SqliteStore) -> None:
    info = json.loads(run(store_group, "info", "--json").stdout)

    assert info["store"] == "sqlite"
    assert info["posts"] == 3


def test_expire_asks_first_and_drops_what_is_older(store: SqliteStore) -> None:
    assert run(store_group, "expire").exit_code == 1
    assert store.count(Everything()) == 3

    assert run(store_group, "expire", "--yes").exit_code == 0
    assert store.count(Everything()) == 2


def test_migrate_copies_every_post_and_forgets_its_place(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = SqliteStore(tmp_path / "target" / "posts.sqlite3")
    monkeypatch.setattr(opening, "open_store", lambda name, _: target if name == "elasticsearch" else store)

    result = run(store_group, "migrate", "--to", "elasticsearch")

    assert "3 条已搬到 elasticsearch" in result.stderr
    assert list(target.scan(Everything())) == list(store.scan(Everything()))
    assert not list(tmp_path.glob("*.cursor"))
    target.close()


def test_reindex_keeps_everything_findable(store: SqliteStore) -> None:
    assert run(store_group, "reindex").exit_code == 0

    assert len(run(search, "欠薪", "--json").stdout.splitlines()) == 3

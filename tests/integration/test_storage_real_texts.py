"""Search on real messages of citizens, against brute force over the same texts."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.model import TaggedPost
from core.query import Node
from storage.normal import matching_form
from storage.query import matches, parse
from storage.sqlite import SqliteStore
from tests.fixtures.storage_posts import NOW, a_post, an_id

MESSAGES = Path(os.environ.get("CAIFENG_DATA", "../shared/data")) / "messages" / "board.jsonl.gz"
pytestmark = pytest.mark.skipif(not MESSAGES.exists(), reason="CAIFENG_DATA has no messages/board.jsonl.gz")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Titles with texts."""
    with gzip.open(MESSAGES, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:1000]
    return [f"{row['title']}\n{row['text']}" for row in rows]


@pytest.fixture(scope="module")
def store(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """The texts as posts, a minute apart."""
    store = SqliteStore(tmp_path_factory.mktemp("real") / "posts.sqlite3")
    store.upsert([post_of(number, text) for number, text in enumerate(texts)])
    yield store
    store.close()


def post_of(number: int, text: str) -> TaggedPost:
    """The post of a text."""
    title, _, body = text.partition("\n")
    return a_post(number, title=title, text=body, published_at=NOW - timedelta(minutes=number))


def keywords(texts: list[str], count: int, seed: int) -> list[str]:
    """Pieces of one to six characters cut from the texts anywhere."""
    luck = random.Random(seed)
    cut: list[str] = []
    while len(cut) < count:
        text = luck.choice(texts)
        start = luck.randrange(len(text))
        piece = text[start : start + luck.randint(1, 6)]
        if not any(sign in piece for sign in '"“”\\\n') and matching_form(piece).strip():
            cut.append(piece)
    return cut


def found(store: SqliteStore, query: Node) -> set[str]:
    """Ids of every match."""
    return {post.post.id for post in store.scan(query)}


def brute(forms: list[str], test: Callable[[str], bool]) -> set[str]:
    """Ids of the texts whose form passes."""
    return {an_id(number) for number, form in enumerate(forms) if test(form)}


def test_keywords_phrases_and_operators_equal_substring_search(store: SqliteStore, texts: list[str]) -> None:
    pieces, forms = keywords(texts, 150, seed=1), [matching_form(text) for text in texts]

    for one, two, three in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        a, b, c = map(matching_form, (one, two, three))
        assert found(store, parse(f'"{one}"', NOW)) == brute(forms, lambda text, a=a: a in text)
        assert found(store, parse(f'"{one}" AND "{two}"', NOW)) == brute(
            forms, lambda text, a=a, b=b: a in text and b in text
        )
        assert found(store, parse(f'"{one}" NOT "{two}"', NOW)) == brute(
            forms, lambda text, a=a, b=b: a in text and b not in text
        )
        assert found(store, parse(f'("{one}" OR "{two}") NOT "{three}"', NOW)) == brute(
            forms, lambda text, a=a, b=b, c=c: (a in text or b in text) and c not in text
        )


def test_the_evaluator_in_process_agrees(store: SqliteStore, texts: list[str]) -> None:
    posts = [post_of(number, text) for number, text in enumerate(texts[:300])]

    for one, two in zip(keywords(texts, 30, seed=2), keywords(texts, 30, seed=3), strict=True):
        query = parse(f'"{one}" OR NOT 标题:"{two}"', NOW)
        mine = {post.post.id for post in posts if matches(query, post)}
        assert found(store, query) & {post.post.id for post in posts} == mine

"""Bulk writes against a stub that answers badly: nothing lost, nothing doubled, nothing hammered."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage.elastic import ElasticStore, bulk
from tests.fixtures.storage_posts import a_post, an_id
from tests.servers.elastic_stub import Stub

FULL = (429, {"type": "cluster_block_exception", "reason": "disk usage exceeded flood-stage watermark"})
BUSY = (429, {"type": "es_rejected_execution_exception", "reason": "queue is full"})
STRICT = (400, {"type": "strict_dynamic_mapping_exception", "reason": "introduction of [x] is not allowed"})


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A stub server on loopback."""
    with Stub() as stub:
        yield stub


@pytest.fixture
def waits() -> list[float]:
    """The waits the store asked for."""
    return []


@pytest.fixture
def store(stub: Stub, tmp_path: Path, waits: list[float]) -> Iterator[ElasticStore]:
    """A store on the stub; it does not really wait."""
    store = ElasticStore(stub.client(), tmp_path / "spool.sqlite3", pause=waits.append, rest=timedelta(0))
    yield store
    store.close()


def test_items_the_cluster_is_too_busy_for_are_sent_again(store: ElasticStore, stub: Stub, waits: list[float]) -> None:
    stub.item_faults = [None, BUSY, None, BUSY]

    assert store.upsert([a_post(key) for key in range(4)]) == 4

    assert sorted(stub.documents) == sorted(an_id(key) for key in range(4))
    assert len(waits) == 1
    assert bulk.BACKOFF[0] / 2 <= waits[0] <= bulk.BACKOFF[0]


def test_waits_grow_and_end_in_the_spool(store: ElasticStore, stub: Stub, waits: list[float]) -> None:
    stub.item_faults = [BUSY] * 100

    assert store.upsert([a_post(1)]) == 0

    assert len(waits) == len(bulk.BACKOFF)
    assert store.spool.sizes() == (1, 0)


def test_a_request_refused_whole_is_sent_again(store: ElasticStore, stub: Stub) -> None:
    stub.request_faults = [429, 503]

    assert store.upsert([a_post(1)]) == 1


def test_an_answer_lost_after_the_write_doubles_nothing(store: ElasticStore, stub: Stub) -> None:
    stub.request_faults = ["cut"]

    store.upsert([a_post(1), a_post(2)])

    assert sorted(stub.documents) == sorted([an_id(1), an_id(2)])
    assert store.spool.sizes() == (0, 0)


def test_a_full_disk_is_spooled_at_once(store: ElasticStore, stub: Stub, waits: list[float]) -> None:
    stub.item_faults = [FULL, FULL]

    store.upsert([a_post(1), a_post(2)])

    assert waits == []
    assert store.spool.sizes() == (2, 0)


def test_what_the_mapping_refuses_is_put_aside_with_the_reason(store: ElasticStore, stub: Stub) -> None:
    stub.item_faults = [None, STRICT]

    store.upsert([a_post(1), a_post(2)])

    [(id_, reason, _)] = store.spool.refusals()
    assert id_ == an_id(2)
    assert reason == "strict_dynamic_mapping_exception: introduction of [x] is not allowed"
    assert list(stub.documents) == [an_id(1)]


def test_wrong_password_spools(store: ElasticStore, stub: Stub) -> None:
    stub.request_faults = [401] * 10

    store.upsert([a_post(1)])

    assert store.spool.sizes() == (1, 0)


def test_an_unreadable_request_costs_only_the_post_at_fault(store: ElasticStore, stub: Stub) -> None:
    stub.unreadable = an_id(2)

    store.upsert([a_post(key) for key in range(4)])

    assert sorted(stub.documents) == sorted([an_id(0), an_id(1), an_id(3)])
    assert [id_ for id_, *_ in store.spool.refusals()] == [an_id(2)]


def test_spooled_posts_arrive_when_the_cluster_is_back(store: ElasticStore, stub: Stub) -> None:
    stub.is_down = True
    store.upsert([a_post(1), a_post(2)])
    stub.is_down = False

    assert store.catch_up() == 2

    assert sorted(stub.documents) == sorted([an_id(1), an_id(2)])
    assert store.spool.sizes() == (0, 0)


def test_info_tells_what_waits_while_the_cluster_is_away(store: ElasticStore, stub: Stub) -> None:
    stub.is_down = True
    store.upsert([a_post(1)])

    info = store.info()

    assert info["spooled"] == 1
    assert "does not answer" in info["cluster"]


def test_the_newest_version_of_a_spooled_post_wins(store: ElasticStore, stub: Stub) -> None:
    stub.is_down = True
    store.upsert([a_post(1, title="旧")])
    store.upsert([a_post(2), a_post(1, title="新")])
    stub.is_down = False

    store.upsert([a_post(3)])

    assert '"title":"新"' in stub.documents[an_id(1)]["record"]
    assert len(stub.documents) == 3


def test_another_process_finds_what_was_spooled(store: ElasticStore, stub: Stub) -> None:
    stub.is_down = True
    store.upsert([a_post(1)])
    stub.is_down = False

    other = ElasticStore(stub.client(), store.spool.path)

    assert other.catch_up() == 1
    other.close()


@pytest.mark.parametrize("seed", range(3))
def test_one_failure_in_ten_loses_and_doubles_nothing(store: ElasticStore, stub: Stub, seed: int) -> None:
    luck = random.Random(seed)
    stub.item_faults = [BUSY if luck.random() < 0.1 else None for _ in range(20_000)]
    stub.request_faults = [luck.choice([429, 503, "cut", "drop"]) if luck.random() < 0.1 else None for _ in range(1000)]
    batches = [[a_post(f"{batch}.{key}") for key in range(40)] for batch in range(25)]

    for batch in batches:
        store.upsert(batch)
    while store.spool.sizes()[0]:
        store.catch_up()

    assert sorted(stub.documents) == sorted(post.post.id for batch in batches for post in batch)
    assert store.spool.sizes() == (0, 0)

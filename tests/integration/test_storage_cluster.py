"""The store on a real Elasticsearch that is killed, fills up, is overloaded, or asks for a password."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import Permanent, Retry
from core.query import Everything, Text
from deploy.elasticsearch.server import Server
from storage.elastic import ElasticStore
from storage.migration import migrate
from storage.sqlite import SqliteStore
from tests.fixtures.storage_posts import NOW, a_post, an_id
from tests.servers import elasticsearch

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow]

EVERYTHING = Everything()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ElasticStore]:
    """An empty store on the run's server."""
    with elasticsearch.store(tmp_path, rest=timedelta(0)) as store:
        yield store


def test_killed_and_restarted_while_writing_it_loses_nothing(tmp_path: Path) -> None:
    with elasticsearch.own_server() as server:
        server.start()
        store = ElasticStore(server.client(), tmp_path / "spool.sqlite3", refresh=True)
        killer = threading.Timer(1.5, server.kill)
        killer.start()

        written = 0
        while killer.is_alive() or not store.spool.sizes()[0]:
            store.upsert([a_post(written + key) for key in range(50)])
            written += 50
        server.start()
        later = ElasticStore(server.client(), tmp_path / "spool.sqlite3", refresh=True)
        while later.spool.sizes()[0]:
            later.catch_up()

        assert later.count(EVERYTHING) == written
        store.close()
        later.close()


def test_a_full_disk_spools_and_empties_later(store: ElasticStore) -> None:
    store.upsert([a_post(1)])
    index = next(iter(store.info()["indices"]))
    store.client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": True})

    store.upsert([a_post(2)])
    waiting = store.spool.sizes()
    store.client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": None})

    assert waiting == (1, 0)
    assert store.catch_up() == 1
    assert store.count(EVERYTHING) == 2


def test_a_foreign_index_with_another_mapping_puts_posts_aside(store: ElasticStore) -> None:
    store.upsert([a_post(1)])
    store.client.indices.create(
        index=f"{store.prefix}-v1-2026.10", mappings={"dynamic": "strict", "properties": {"at": {"type": "boolean"}}}
    )

    store.upsert([a_post(2, id=an_id(2, "202610"))])

    assert [id_ for id_, *_ in store.spool.refusals()] == [an_id(2, "202610")]


def test_months_older_than_the_retention_are_dropped_whole(store: ElasticStore) -> None:
    months = ("202609", "202610", "202611")
    store.upsert(
        [
            a_post(month, id=an_id(1, month), published_at=NOW - timedelta(days=30 * (2 - age)))
            for age, month in enumerate(months)
        ]
    )

    assert store.expire(NOW - timedelta(days=45)) == 1

    assert [name[-7:] for name in store.info()["indices"]] == ["2026.10", "2026.11"]


def test_posts_move_from_file_to_cluster_and_a_break_costs_nothing(store: ElasticStore, tmp_path: Path) -> None:
    file = SqliteStore(tmp_path / "posts.sqlite3")
    file.upsert([a_post(key, published_at=NOW - timedelta(minutes=key)) for key in range(1200)])

    moving = migrate(file, store)
    count, since = next(moving)
    moving.close()
    rest = sum(count for count, _ in migrate(file, store, since))

    assert count == 500
    assert rest == 701
    assert list(store.scan(EVERYTHING)) == list(file.scan(EVERYTHING))
    file.close()


def secured(server: Server) -> None:
    """A certificate, a user with a role that may do just what the store does, and one that may do nothing."""
    config = server.home / "config"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", config / "http.key", "-out", config / "http.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    (config / "roles.yml").write_text(Path("deploy/elasticsearch/roles.yml").read_text())
    for name, role in (("caifeng", "caifeng"), ("stranger", "none")):
        command = [server.home / "bin" / "elasticsearch-users", "useradd", name, "-p", "secret-of-tests", "-r", role]
        subprocess.run(command, check=True, capture_output=True, env=server.environment())


def test_security_on_a_role_of_few_rights_is_enough(tmp_path: Path) -> None:
    settings = {
        "xpack.security.enabled": "true",
        "xpack.security.transport.ssl.enabled": "false",
        "xpack.security.http.ssl.enabled": "true",
        "xpack.security.http.ssl.key": "http.key",
        "xpack.security.http.ssl.certificate": "http.crt",
    }
    with elasticsearch.own_server(**settings) as server:
        secured(server)
        authority = str(server.home / "config" / "http.crt")
        server.access = {"basic_auth": ("caifeng", "secret-of-tests"), "ca_certs": authority}
        server.start()
        store = ElasticStore(server.client(), tmp_path / "spool.sqlite3", refresh=True)

        assert store.upsert([a_post(1), a_post(2, published_at=NOW - timedelta(days=9))]) == 2
        assert store.count(Text("工资")) == 2
        assert len(list(store.scan(EVERYTHING))) == 2
        assert store.terms(EVERYTHING, "topic") == [("wages", 2)]
        assert store.expire(NOW - timedelta(days=1)) == 1
        assert store.info()["posts"] == 1

        wrong = ElasticStore(server.client(basic_auth=("caifeng", "wrong")), tmp_path / "wrong.sqlite3")
        with pytest.raises(Permanent, match="401"):
            wrong.count(EVERYTHING)
        assert wrong.upsert([a_post(3)]) == 0
        assert wrong.spool.sizes() == (1, 0)
        stranger = ElasticStore(server.client(basic_auth=("stranger", "secret-of-tests")), tmp_path / "s.sqlite3")
        with pytest.raises(Permanent, match="403"):
            stranger.count(EVERYTHING)
        unsure = ElasticStore(server.client(ca_certs=None), tmp_path / "unsure.sqlite3")
        with pytest.raises(Retry, match="does not answer"):
            unsure.count(EVERYTHING)
        for each in (store, wrong, stranger, unsure):
            each.close()

"""The Elasticsearch of a test run: the reader's own, else Docker's or Maven Central's, started once."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from deploy.elasticsearch import server
from storage.elastic import ElasticStore

# One line for every request would drown a failing test's own words.
logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)


@functools.cache
def client() -> Elasticsearch:
    """A client of the run's server; skips the test, or fails under CI, when there is none."""
    if url := os.environ.get("CAIFENG_TEST_ELASTICSEARCH_URL"):
        user = os.environ.get("CAIFENG_TEST_ELASTICSEARCH_USER", "")
        password = os.environ.get("CAIFENG_TEST_ELASTICSEARCH_PASSWORD", "")
        options: dict[str, Any] = {"basic_auth": (user, password)} if user else {}
        if authority := os.environ.get("CAIFENG_TEST_ELASTICSEARCH_CA"):
            options["ca_certs"] = authority
        return Elasticsearch(url, **options)
    try:
        started = server.start()
    except server.Unavailable as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    atexit.register(started.stop)
    return started.client()


@contextmanager
def own_server(**settings: str) -> Iterator[server.Server]:
    """A server that the test may kill, from Maven Central."""
    try:
        own = server.unpack()
    except server.Unavailable as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    own.settings = settings
    try:
        yield own
    finally:
        own.stop()


@contextmanager
def store(folder: Path, connection: Elasticsearch | None = None, **options: Any) -> Iterator[ElasticStore]:
    """An empty store whose writes are visible at once; its indices are dropped afterwards."""
    connection = connection or client()
    prefix = f"posts-test-{uuid.uuid4().hex[:12]}"
    made = ElasticStore(connection, folder / "spool.sqlite3", prefix=prefix, refresh=True, **options)
    try:
        yield made
    finally:
        # A cluster may refuse to delete by pattern.
        for index in connection.indices.get(index=f"{prefix}-v*"):
            connection.indices.delete(index=index)
        connection.options(ignore_status=404).indices.delete_index_template(name=prefix)

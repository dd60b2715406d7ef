"""Ingest through the Elasticsearch adapter against a raw `streaming_bulk` of the same documents, batch by batch in turn.

Uses CAIFENG_TEST_ELASTICSEARCH_URL, Docker, or the server build of Maven Central, as the tests do.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from bench.storage_posts import Town
from core.query import Everything
from deploy.elasticsearch import server
from storage.elastic import ElasticStore
from storage.elastic.documents import document, index_of

BATCH = 2000


def main() -> None:
    """Start a server if need be and print the bar."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--posts", type=int, default=20_000)
    count = options.parse_args().posts
    logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)
    url = os.environ.get("CAIFENG_TEST_ELASTICSEARCH_URL")
    try:
        started = None if url else server.start()
    except RuntimeError as error:
        sys.exit(str(error))
    try:
        print(f"{count:,} posts, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        measure(Elasticsearch(url) if started is None else started.client(), count)
    finally:
        if started is not None:
            started.stop()


def measure(client: Elasticsearch, count: int) -> None:
    """Write every batch both ways, first come changing; the first batch of each warms the server up."""
    names = [f"posts-test-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-") as folder:
        stores = [ElasticStore(client, Path(folder) / f"{name}.sqlite3", prefix=name) for name in names]
        stores[1].upsert([])
        posts = Town(1).posts(count + BATCH)
        ours = raw = 0.0
        for turn in range(count // BATCH + 1):
            batch = list(itertools.islice(posts, BATCH))
            documents = [(post.post.id, document(post)) for post in batch]
            for way in (0, 1) if turn % 2 else (1, 0):
                started = time.perf_counter()
                if way == 0:
                    stores[0].upsert(batch)
                else:
                    _raw(stores[1], documents)
                taken = time.perf_counter() - started
                if turn:
                    ours, raw = ours + taken * (way == 0), raw + taken * (way == 1)
        client.indices.refresh(index=[f"{name}-v*" for name in names])
        complete = [store.count(Everything()) for store in stores]
        for index in client.indices.get(index=[f"{name}-v*" for name in names]):
            client.indices.delete(index=index)
        for name in names:
            client.indices.delete_index_template(name=name)
    print("| bar | figure | measured |\n|---|---|---|")
    shares = f"{raw / ours:.0%} ({count / ours:,.0f}/s against {count / raw:,.0f}/s; documents {complete[0]:,} and {complete[1]:,})"
    print(f"| ingest against raw streaming_bulk | ≥ 85 % | {shares} |")


def _raw(store: ElasticStore, documents: list[tuple[str, dict[str, object]]]) -> None:
    """The documents as they are, without building, retrying or spooling anything."""
    store.prepare()
    actions = ({"_index": index_of(store.prefix, id_), "_id": id_, "_source": source} for id_, source in documents)
    for _ in streaming_bulk(store.client, actions, chunk_size=500):
        pass


if __name__ == "__main__":
    main()

"""The post store's port on Elasticsearch: monthly indices under one alias, a spool for when the cluster is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch, TransportError

from core.clock import SHANGHAI
from core.errors import ConfigError, Permanent, Retry
from core.model import TaggedPost
from core.ports import Bucket, Page
from core.query import Node
from storage import similar
from storage.codec import decode, encode
from storage.elastic import bulk
from storage.elastic.documents import document, index_of, template
from storage.elastic.spool import Spool
from storage.elastic.translation import span, to_query
from storage.moments import instant, microseconds
from storage.paging import page_key, read_key
from storage.query import fields

log = logging.getLogger(__name__)

_NEWEST = [{"at": "desc"}, {"id": "desc"}]
_OLDEST = [{"at": "asc"}, {"id": "asc"}]
_SCANNED_AT_ONCE = 1000
_BUCKETS_AT_ONCE = 10000
_KEEP_ALIVE = "5m"


class ElasticStore:
    """`core.ports.PostStore` on a cluster. Posts the cluster cannot take wait in the spool until `catch_up`."""

    def __init__(
        self,
        client: Elasticsearch,
        spool: Path,
        *,
        prefix: str = "posts",
        refresh: bool = False,
        pause: Callable[[float], None] = time.sleep,
        rest: timedelta = timedelta(seconds=10),
    ) -> None:
        """`refresh`: make every write visible to searches at once; costs much, for tests.

        `pause` waits between attempts; for `rest` after a failure everything goes to the spool unasked.
        """
        # Ids are explicit: a write repeated after a lost answer changes nothing.
        self.client = client.options(request_timeout=30, max_retries=2, retry_on_timeout=True)
        # The transport repeats a refused request at once; `bulk` waits in between.
        self._writer = self.client.options(retry_on_status=())
        self.spool = Spool(spool)
        self.prefix = prefix
        self._refresh = refresh
        self._pause = pause
        self._prepared = False
        self._rest = rest
        self._rest_until = 0.0

    @classmethod
    def from_settings(cls, settings: Any) -> ElasticStore:
        """From `caifeng.settings`. Raises ConfigError for a CA file that is not there."""
        authority = settings.ELASTICSEARCH_CA or None
        if authority and not Path(authority).is_file():
            raise ConfigError(f"CAIFENG_ELASTICSEARCH_CA: no file {authority}")
        user = settings.ELASTICSEARCH_USER
        client = Elasticsearch(
            settings.ELASTICSEARCH_URL,
            basic_auth=(user, settings.ELASTICSEARCH_PASSWORD) if user else None,
            **({"ca_certs": authority} if authority else {}),
        )
        return cls(client, settings.HOME / "spool.sqlite3", prefix=settings.ELASTICSEARCH_PREFIX)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    # Writing

    def upsert(self, posts: Sequence[TaggedPost]) -> int:
        """Write by id; return how many were new. What the cluster cannot take now is spooled and not counted."""
        latest = {post.post.id: post for post in posts}
        if self.spool.first(1):
            # An older version of the same post may be waiting; it must not arrive last.
            self.spool.add([(id_, encode(post).decode()) for id_, post in latest.items()])
            return self.catch_up()
        return sum(self._write(batch).created for batch in _built(list(latest.values())))

    def catch_up(self) -> int:
        """Send what waits in the spool, oldest first, as far as the cluster takes it; return how many were new."""
        created = 0
        with self.spool.draining() as is_ours:
            while is_ours and (waiting := self.spool.first(bulk.CHUNK)):
                outcome = self._write({record.id: document(decode(record.record)) for record in waiting}, spooled=True)
                created += outcome.created
                self.spool.done([record for record in waiting if record.id not in outcome.later])
                if outcome.later:
                    break
        return created

    def expire(self, before: datetime) -> int:
        """Drop posts published before: whole indices where all are older, else post by post."""
        high = microseconds(before) - 1
        expired = 0
        for index, newest in self._newest_of_indices().items():
            if newest <= high:
                expired += self._count({"match_all": {}}, index)
                with self._asking() as client:
                    client.indices.delete(index=index)
                log.info("index dropped", extra={"index": index})
        hits = list(self._scan(span("at", None, high)))
        actions = [{"_op_type": "delete", "_index": hit["_index"], "_id": hit["_id"]} for hit in hits]
        outcome = bulk.write(self._writer, actions, self._pause, refresh=self._refresh)
        if outcome.later or outcome.refused:
            raise Retry(f"expire: {next(iter((outcome.later | outcome.refused).values()))}")
        return expired + len(outcome.written)

    def reindex(self) -> Iterator[int]:
        """Write every post again from its record; yields how many at a time."""
        batch: dict[str, dict[str, Any]] = {}
        for hit in self._scan({"match_all": {}}):
            post = decode(hit["_source"]["record"])
            batch[post.post.id] = document(post)
            if len(batch) == bulk.CHUNK:
                self._write(batch)
                yield len(batch)
                batch = {}
        if batch:
            self._write(batch)
            yield len(batch)

    def maintain(self) -> None:
        """Send what waits; the cluster merges by itself."""
        self.catch_up()

    def info(self) -> dict[str, Any]:
        """What an administrator asks first; what waits is told even while the cluster is away."""
        waiting, refused = self.spool.sizes()
        try:
            kept = self._kept()
        except (Retry, Permanent) as error:
            kept = {"cluster": str(error)}
        return {"store": "elasticsearch", **kept, "spooled": waiting, "refused": refused}

    def _kept(self) -> dict[str, Any]:
        with self._asking() as client:
            health = client.cluster.health()
            rows = client.cat.indices(index=f"{self.prefix}-v*", format="json", bytes="b", s="index")
        indices = {row["index"]: int(row["store.size"] or 0) for row in rows if isinstance(row, Mapping)}
        return {
            "cluster": f"{health['cluster_name']} {health['status']}",
            "posts": self._count({"match_all": {}}),
            "indices": indices,
            "bytes": sum(indices.values()),
        }

    def _write(self, batch: Mapping[str, Mapping[str, Any]], *, spooled: bool = False) -> bulk.Outcome:
        """Send documents; what fails is spooled (unless it came from there) or put aside with its reason."""
        outcome = self._sent(batch)
        if outcome.refused:
            self.spool.refuse([(id_, batch[id_]["record"], reason) for id_, reason in outcome.refused.items()])
            log.error(
                "posts refused", extra={"count": len(outcome.refused), "reason": next(iter(outcome.refused.values()))}
            )
        if outcome.later:
            if not spooled:
                self.spool.add([(id_, batch[id_]["record"]) for id_ in outcome.later])
            self._rest_until = time.monotonic() + self._rest.total_seconds()
            log.error(
                "posts spooled", extra={"count": len(outcome.later), "reason": next(iter(outcome.later.values()))}
            )
        return outcome

    def _sent(self, batch: Mapping[str, Mapping[str, Any]]) -> bulk.Outcome:
        if time.monotonic() < self._rest_until:
            return bulk.Outcome(later=dict.fromkeys(batch, "resting after a failure"))
        try:
            self.prepare()
        except (ApiError, TransportError) as error:
            return bulk.Outcome(later=dict.fromkeys(batch, str(error)))
        actions = [
            {"_op_type": "index", "_index": index_of(self.prefix, id_), "_id": id_, "_source": source}
            for id_, source in batch.items()
        ]
        return bulk.write(self._writer, actions, self._pause, refresh=self._refresh)

    def prepare(self) -> None:
        """Put the template once; without it the first write would guess a mapping."""
        if not self._prepared:
            self.client.indices.put_index_template(name=self.prefix, **template(self.prefix))
            self._prepared = True

    # Reading

    def get(self, ids: Sequence[str]) -> list[TaggedPost]:
        """Posts by id, in the order asked."""
        if not ids:
            return []
        asked = [{"_index": index_of(self.prefix, id_), "_id": id_} for id_ in ids]
        with self._asking() as client:
            found = client.mget(docs=asked)["docs"]
        return [decode(item["_source"]["record"]) for item in found if item.get("found")]

    def search(self, query: Node, *, limit: int = 20, after: str | None = None) -> Page:
        """Newest first; `after` is what the page before said."""
        hits = self._hits(to_query(query), _NEWEST, limit + 1, list(read_key(after)) if after else None)
        posts = tuple(decode(hit["_source"]["record"]) for hit in hits[:limit])
        return Page(posts=posts, after=page_key(*hits[limit - 1]["sort"]) if len(hits) > limit else None)

    def scan(self, query: Node) -> Iterator[TaggedPost]:
        """Every match of one snapshot, oldest first."""
        for hit in self._scan(to_query(query)):
            yield decode(hit["_source"]["record"])

    def count(self, query: Node) -> int:
        """Exact number of matches."""
        return self._count(to_query(query))

    def similar(self, post_id: str, *, limit: int = 20) -> list[TaggedPost]:
        """Other posts of the same story, newest first."""
        return similar.others(self, post_id, limit)

    # Counting

    def histogram(
        self, query: Node, *, start: datetime, end: datetime, step: timedelta, facet: str | None = None
    ) -> list[Bucket]:
        """Posts per hour or day of Shanghai."""
        if step not in {timedelta(hours=1), timedelta(days=1)}:
            raise ValueError(f"a histogram has steps of an hour or a day, not {step}")
        interval = {"calendar_interval": "hour" if step == timedelta(hours=1) else "day"}
        time_zone = {"field": "published_at", "time_zone": str(SHANGHAI), **interval}
        sources: list[dict[str, Any]] = [{"start": {"date_histogram": time_zone}}]
        if facet is not None:
            sources.append({"value": {"terms": {"field": _facet(facet)}}})
        window = span("at", microseconds(start), microseconds(end) - 1)
        both = {"bool": {"filter": [to_query(query), window]}}
        return [
            Bucket(start=instant(key["start"] * 1000), value=key.get("value", ""), count=count)
            for key, count in self._composite(both, sources)
        ]

    def terms(self, query: Node, facet: str, *, limit: int = 20) -> list[tuple[str, int]]:
        """Most frequent values, ties by value; exact, however many shards there are."""
        size = max(limit * 10, 100)
        order = [{"_count": "desc"}, {"_key": "asc"}]
        while True:
            counted = {"terms": {"field": _facet(facet), "size": limit, "shard_size": size, "order": order}}
            found = self._aggregate(to_query(query), counted)
            # Each shard reports its own best; an error bound above 0 says that one may have left something out.
            if found.get("doc_count_error_upper_bound", 0) == 0:
                return [(bucket["key"], bucket["doc_count"]) for bucket in found.get("buckets", ())]
            size *= 8

    def _composite(self, query: dict[str, Any], sources: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
        """(key, count) of every combination, in order of the sources."""
        after: dict[str, Any] = {}
        while True:
            found = self._aggregate(query, {"composite": {"sources": sources, "size": _BUCKETS_AT_ONCE, **after}})
            yield from ((bucket["key"], bucket["doc_count"]) for bucket in found.get("buckets", ()))
            if "after_key" not in found:
                return
            after = {"after": found["after_key"]}

    # Requests

    def _hits(self, query: dict[str, Any], order: Any, size: int, after: Any, **where: Any) -> list[dict[str, Any]]:
        body = {"query": query, "sort": order, "size": size, "track_total_hits": False, "_source": ["record"]}
        with self._asking() as client:
            found = client.search(**{**body, **(where or self._everywhere())}, search_after=after)
        hits: list[dict[str, Any]] = found["hits"]["hits"]
        return hits

    def _scan(self, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every hit of a point in time, oldest first."""
        with self._asking() as client:
            pit = client.open_point_in_time(keep_alive=_KEEP_ALIVE, **self._everywhere())["id"]
        try:
            after = None
            while hits := self._hits(
                query, _OLDEST, _SCANNED_AT_ONCE, after, pit={"id": pit, "keep_alive": _KEEP_ALIVE}
            ):
                yield from hits
                after = hits[-1]["sort"]
        finally:
            with self._asking() as client:
                client.close_point_in_time(id=pit)

    def _count(self, query: dict[str, Any], index: str | None = None) -> int:
        with self._asking() as client:
            count: int = client.count(query=query, **({"index": index} if index else self._everywhere()))["count"]
        return count

    def _aggregate(self, query: dict[str, Any], aggregation: dict[str, Any]) -> dict[str, Any]:
        """One aggregation over the matches; empty while there is no index yet."""
        with self._asking() as client:
            found = client.search(query=query, size=0, aggs={"found": aggregation}, **self._everywhere())
        result: dict[str, Any] = found.get("aggregations", {}).get("found", {})
        return result

    def _newest_of_indices(self) -> dict[str, float]:
        """Index → newest publish time in microseconds."""
        by_index = {"terms": {"field": "_index", "size": 10000}, "aggs": {"newest": {"max": {"field": "at"}}}}
        found = self._aggregate({"match_all": {}}, by_index)
        return {bucket["key"]: bucket["newest"]["value"] for bucket in found.get("buckets", ())}

    def _everywhere(self) -> dict[str, Any]:
        """All our indices, by alias; before the first post there are none."""
        return {"index": self.prefix, "ignore_unavailable": True}

    @contextmanager
    def _asking(self) -> Iterator[Elasticsearch]:
        """The client; its errors become ours."""
        try:
            yield self.client
        except (AuthenticationException, AuthorizationException) as error:
            raise Permanent(f"Elasticsearch refuses user or index ({error.status_code}): {error.message}") from error
        except ApiError as error:
            if error.status_code in {429, 502, 503, 504}:
                raise Retry(f"Elasticsearch is busy: {error}") from error
            raise
        except TransportError as error:
            raise Retry(f"Elasticsearch does not answer: {error}") from error


def _built(posts: Sequence[TaggedPost]) -> Iterator[dict[str, dict[str, Any]]]:
    """Documents by id, some at a time; the next ones are built while the cluster answers."""
    pieces = [posts[start : start + bulk.CHUNK] for start in range(0, len(posts), bulk.CHUNK)]
    with ThreadPoolExecutor(max_workers=1) as builder:
        upcoming = [builder.submit(_documents, piece) for piece in pieces]
        for building in upcoming:
            yield building.result()


def _documents(posts: Sequence[TaggedPost]) -> dict[str, dict[str, Any]]:
    return {post.post.id: document(post) for post in posts}


def _facet(name: str) -> str:
    """The index field of a facet; KeyError for a name that is none."""
    if name not in fields.FACETS:
        raise KeyError(name)
    return name

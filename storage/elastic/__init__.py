"""The post store of a cluster: Elasticsearch 8.19 or later through the official client."""

from storage.elastic.store import ElasticStore

__all__ = ["ElasticStore"]

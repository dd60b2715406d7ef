"""Keeping: the inbox, the post store (SQLite, Elasticsearch), the query language."""

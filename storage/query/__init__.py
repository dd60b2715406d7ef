"""The query language: text → `core.query` tree, and the tree on one post."""

from storage.query.evaluation import matches
from storage.query.reading import parse

__all__ = ["matches", "parse"]

"""What is wrong with a rule before it runs: beyond its schema, its query, its fields and its own tests."""

from __future__ import annotations

from datetime import datetime

from core.errors import ConfigError, QuerySyntax
from rules import selftest
from rules.reading import unknown_fields
from rules.schema import KEYS, UNMATCHED, PercentageMatchOptions, Rule
from storage.query import parse


def faults(rule: Rule, now: datetime) -> list[str]:
    """Every fault, in Chinese; nothing when the rule may run."""
    found = [*_query_faults(rule, now), *_field_faults(rule)]
    if rule.type in UNMATCHED and (rule.query or rule.query_key):
        found.append(f"{rule.type} 不看帖文，query 和 query_key 不起作用，请删去")
    if found:
        return found
    try:
        return selftest.failures(rule)
    except ConfigError as error:
        return [str(error)]


def _query_faults(rule: Rule, now: datetime) -> list[str]:
    queries = {"query": rule.query}
    if isinstance(rule.options, PercentageMatchOptions) and isinstance(rule.options.match, str):
        queries["match"] = rule.options.match
    found = []
    for name, query in queries.items():
        try:
            parse(query, now)
        except QuerySyntax as error:
            found.append(f"{name}：{error}")
    return found


def _field_faults(rule: Rule) -> list[str]:
    found = [f"帖文没有“{name}”这一项" for name in unknown_fields(rule)]
    keys = [name for name in rule.key_fields if name not in KEYS]
    return found + [f"query_key 不能用“{name}”，可用：{'、'.join(KEYS)}" for name in keys]

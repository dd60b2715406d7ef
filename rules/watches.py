"""Watches put into the rules that name them."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import ConfigError, Fault
from rules.schema import Rule, Watch


def resolve(rules: Iterable[Rule], watches: Iterable[Watch]) -> list[Rule]:
    """Rules whose query includes their watch's. Raises ConfigError naming every watch there is not."""
    known = {watch.id: watch for watch in watches}
    rules = list(rules)
    missing = [rule for rule in rules if rule.watch and rule.watch not in known]
    if missing:
        raise ConfigError(
            [Fault(file="", line=None, reason=f"规则 {rule.id}：没有监测方案 {rule.watch}") for rule in missing]
        )
    return [_with_watch(rule, known[rule.watch]) if rule.watch else rule for rule in rules]


def _with_watch(rule: Rule, watch: Watch) -> Rule:
    parts = [f"({query})" for query in (watch.expression, rule.query) if query]
    # model_copy would keep the cached version of the rule without its watch.
    return Rule.model_validate({**dict(rule), "watch": "", "query": " AND ".join(parts)})

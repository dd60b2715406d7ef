"""A rule over history: what it found, and what a draft of it would have found differently."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from core.errors import ConfigError
from core.ports import PostReader
from rules.replay import Difference, Replayed, difference, needed, replay
from rules.schema import Rule, parse

#: More posts than this are not replayed while somebody waits; the command line has no limit.
MOST_POSTS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a replay showed. `change` is None when the draft is the rule in force."""

    posts: int
    found: tuple[Replayed, ...]
    told: int
    change: Difference | None


def draft(text: str, rule: Rule) -> Rule:
    """The rule as typed in YAML; its id stays. Raises ConfigError with every fault."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"不是 YAML：{error}") from error
    if not isinstance(given, dict):
        raise ConfigError("规则须为“名称: 值”的形式")
    return parse({**given, "id": rule.id})


def as_text(rule: Rule) -> str:
    """The rule in YAML, as `draft` reads it."""
    flat: dict[str, Any] = {name: value for name, value in rule.dump().items() if name != "tests"}
    return yaml.safe_dump(flat, allow_unicode=True, sort_keys=False)


def trial(rule: Rule, wanted: Rule, store: PostReader, *, since: datetime, now: datetime) -> Trial:
    """Replay the draft, and the rule in force beside it when they differ. Raises ConfigError when it cannot be."""
    found, posts = _run(wanted, store, since, now)
    changed = wanted.version != rule.version
    before = _run(rule, store, since, now)[0] if changed else found
    return Trial(
        posts=posts,
        found=tuple(found),
        told=sum(one.told for one in found),
        change=difference(before, found) if changed else None,
    )


def _run(rule: Rule, store: PostReader, since: datetime, now: datetime) -> tuple[list[Replayed], int]:
    query = needed(rule, since, now)
    number = store.count(query)
    if number > MOST_POSTS:
        raise ConfigError(f"须回放 {number} 帖，超过页面上限 {MOST_POSTS}，请缩短时间或用命令 caifeng rules replay")
    return replay(rule, store.scan(query), since=since, now=now), number

"""Rules that fail: put aside alone, tried again later and later, and reported as a finding."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.clock import SHANGHAI
from rules.models import Health
from rules.schema import Rule, parse
from rules.windows.events import Outcome, ticks

#: Wait after the first failure; it doubles up to an hour.
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)

#: Raises the findings about rules that fail.
HEALTH_RULE = parse(
    {
        "id": "rule-health",
        "title": "规则运行异常",
        "why": "规则出错就等于没有人看着，必须有人知道",
        "type": "any",
        "realert": 0,
    }
)


def rows_of(rules: Iterable[Rule], now: datetime) -> dict[str, Health]:
    """Every rule's row; written anew where the rule, or what it counts, is new."""
    known = {row.rule: row for row in Health.objects.all()}
    fresh = [
        Health(rule=rule.id, version=rule.version, since=now)
        for rule in rules
        if rule.id not in known or known[rule.id].version != rule.version
    ]
    Health.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["rule"],
        update_fields=["version", "since", "failures", "error", "failed_at", "retry_at", "seq", "late"],
    )
    return {**known, **{row.rule: row for row in fresh}}


def fall_ill(rule: Rule, error: Exception | str, seq: int, now: datetime) -> Health:
    """Note a failure and when to try again; failures follow each other when the last try was within the hour."""
    row = Health.objects.get(rule=rule.id)
    if row.retry_at is None or now - row.retry_at > _LONGEST_WAIT:
        row.failures, row.failed_at = 0, now
    row.retry_at = now + min(_FIRST_WAIT * 2 ** min(row.failures, 10), _LONGEST_WAIT)
    row.failures += 1
    row.error = str(error) if isinstance(error, str) else f"{type(error).__name__}: {error}"
    row.seq = seq
    row.save()
    return row


def recover(rule: Rule) -> None:
    """It counts again; the failures are kept until an hour has passed."""
    Health.objects.filter(rule=rule.id).update(seq=None)


def illness(rule: Rule, row: Health) -> Outcome:
    """The finding about it: once per row of failures."""
    retry = "" if row.retry_at is None else f"，{row.retry_at.astimezone(SHANGHAI):%H:%M} 再试"
    why = f"规则“{rule.title or rule.id}”执行出错（连续 {row.failures} 次）{retry}：{row.error}"
    failed_at = row.failed_at or row.since
    once = f"{row.version} {failed_at}"
    return Outcome(rule.id, ticks(failed_at), {"why": why, "error": row.error}, (), None, once)


def unreadable(rule: Rule, text: str, now: datetime) -> Outcome:
    """The finding about a rule whose query cannot be read: once per wording."""
    why = f"规则“{rule.title or rule.id}”的查询无法识别，未能运行：{text}"
    return Outcome(rule.id, ticks(now), {"why": why, "error": text}, (), None, rule.version)


def untold(rule: Rule, text: str, now: datetime) -> Outcome:
    """The finding about findings the desk could not take: once per hour."""
    why = f"规则“{rule.title or rule.id}”的预警未能生成，将重试：{text}"
    return Outcome(rule.id, ticks(now), {"why": why, "error": text}, (), None, f"untold {now:%Y%m%d%H}")

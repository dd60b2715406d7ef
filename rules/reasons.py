"""Why a finding was raised, in plain Chinese with the counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rules.schema import (
    CardinalityOptions,
    FlatlineOptions,
    FrequencyOptions,
    PercentageMatchOptions,
    PolicyOptions,
    Rule,
    SpikeOptions,
)
from rules.windows.events import Outcome

KEY_NAMES = {
    "topic": "主题",
    "region": "地区",
    "incident": "事件",
    "source": "来源",
    "kind": "渠道",
    "sentiment": "情感",
}
_FIELD_NAMES = {
    **KEY_NAMES,
    "author": "作者",
    "institution": "机构",
    "flag": "标记",
    "risk": "风险",
    "keyword": "关键词",
}
_AGGREGATES = {
    "min": "最小值",
    "max": "最大值",
    "avg": "平均值",
    "sum": "合计",
    "cardinality": "不同值个数",
    "value_count": "个数",
}
_TIERS = {"provincial": "省级", "central": "中央"}


def reason(rule: Rule, outcome: Outcome) -> str:
    """One sentence an officer can check against the evidence."""
    if "why" in outcome.values:
        return str(outcome.values["why"])
    sentence = _sentence(rule, outcome)
    if rule.key_fields and outcome.key != "":
        names = "、".join(KEY_NAMES.get(name, name) for name in rule.key_fields)
        return f"{sentence}（{names}：{outcome.key}）"
    return sentence


def _sentence(rule: Rule, outcome: Outcome) -> str:
    values, count = outcome.values, len(outcome.evidence)
    match rule.options:
        case FrequencyOptions(num_events=needed, timeframe=timeframe):
            return f"{words(timeframe)}内出现 {count} 条，达到 {needed} 条"
        case SpikeOptions() as options:
            return _spike(options, values)
        case FlatlineOptions(threshold=threshold, timeframe=timeframe):
            return f"{words(timeframe)}内只有 {values['count']} 条，少于 {threshold:g} 条"
        case CardinalityOptions() as options:
            field = _FIELD_NAMES.get(options.cardinality_field, options.cardinality_field)
            return f"{words(options.timeframe)}内有 {count} 个不同的{field}，{_bounds(options)}"
        case PercentageMatchOptions(bucket=bucket):
            return f"{words(bucket)}内 {values['denominator']} 条中占 {values['percentage']:.1f}%，超出设定范围"
        case PolicyOptions(document=document):
            return _policy(document, values)
        case _:
            return _other(rule, values)


def _spike(options: SpikeOptions, values: Any) -> str:
    usual = "前几周同一时段" if options.baseline == "hour_of_week" else f"此前{words(options.timeframe)}"
    figure = "条" if options.field_value is None else f"（{options.field_value} 均值）"
    now, before = values["spike_count"], values["reference_count"]
    return f"{words(options.timeframe)}内 {now:g} {figure}，{usual}为 {before:g} {figure}"


def _bounds(options: CardinalityOptions) -> str:
    parts = []
    if options.max_cardinality is not None:
        parts.append(f"上限 {options.max_cardinality}")
    if options.min_cardinality is not None:
        parts.append(f"下限 {options.min_cardinality}")
    return "，".join(parts)


def _policy(document: str, values: Any) -> str:
    if "question" in values:
        return f"《{document}》施行后，同一问题被问 {values['times']} 次：{values['question']}"
    share, before = values["negative_share"], values["negative_share_before"]
    return f"《{document}》施行后提及 {values['mentions']} 条，负面占 {share:g}%，施行前为 {before:g}%"


def _other(rule: Rule, values: Any) -> str:
    match rule.type:
        case "change":
            return f"由{_text(values['old_value'])}变为{_text(values['new_value'])}"
        case "new_term":
            field = values.get("new_field") or values.get("missing_field")
            name = "、".join(_FIELD_NAMES.get(part, part) for part in ([field] if isinstance(field, str) else field))
            return f"首次出现新的{name}" if "new_field" in values else f"缺少{name}"
        case "blacklist":
            return f"命中名单：{_text(values['value'])}"
        case "whitelist":
            return f"不在名单内：{_text(values['value'])}"
        case "metric_aggregation":
            return f"{_metric(rule)}为 {values['metric_agg_value']:g}，超出设定范围"
        case "silent_source":
            chance = values["probability"]
            return f"{values['source']}已 {values['hours']:g} 小时没有新内容，按以往规律这种情况的概率为 {chance:.2%}"
        case "incident":
            return _incident(values)
    return "出现一条符合条件的内容"


def _metric(rule: Rule) -> str:
    metric = rule.options.model_dump()["metric"]
    return f"{_FIELD_NAMES.get(metric['field'], metric['field'])}{_AGGREGATES[metric['agg']]}"


def _incident(values: Any) -> str:
    if "heat" in values:
        return f"“{values['title']}”热度由 {values['earlier_heat']:g} 升到 {values['heat']:g}"
    if "sources" in values:
        return f"“{values['title']}”已出现在 {values['sources']} 个来源"
    return f"“{values['title']}”已有{_TIERS[values['media_tier']]}媒体报道"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(_text(item) for item in value)
    return "空" if value is None else f"“{value}”"


def words(duration: timedelta) -> str:
    """`1小时`, `90分钟`, `7天`: the largest unit that needs no fraction."""
    seconds = int(duration.total_seconds())
    for unit, size in (("天", 86400), ("小时", 3600), ("分钟", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}秒"

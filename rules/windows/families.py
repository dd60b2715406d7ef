"""The machine of a rule: the one place that knows which module is whose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from rules.schema import (
    AnyOptions,
    BlacklistOptions,
    CardinalityOptions,
    ChangeOptions,
    FlatlineOptions,
    FrequencyOptions,
    MetricAggregationOptions,
    NewTermOptions,
    PercentageMatchOptions,
    PolicyOptions,
    Rule,
    SpikeOptions,
    WhitelistOptions,
)
from rules.windows import buckets
from rules.windows.cardinality import Cardinality
from rules.windows.events import Event, Machine, span
from rules.windows.policy import Policy
from rules.windows.seasonal import Seasonal
from rules.windows.single import Any_, Blacklist, Change, NewTerm, Whitelist
from rules.windows.sliding import Flatline, Frequency, Spike

_MINUTE = timedelta(minutes=1)
#: A window is looked at this often while it passes.
_LOOKS = 12


def machine(rule: Rule, *, matches: Callable[[Event], bool] | None = None, ticked: bool = True) -> Machine:
    """Empty windows for a rule. Raises ValueError for a type that is fed by facts.

    `matches` is the numerator of percentage_match; without it the field `match` of an event says so.
    """
    keyed = bool(rule.key_fields)
    match rule.options:
        case AnyOptions():
            return Any_()
        case BlacklistOptions() as options:
            return Blacklist(options)
        case WhitelistOptions() as options:
            return Whitelist(options)
        case FrequencyOptions() as options:
            return Frequency(options)
        case SpikeOptions(baseline="hour_of_week") as options:
            return Seasonal(options)
        case SpikeOptions() as options:
            return Spike(options, keyed=keyed)
        case FlatlineOptions() as options:
            return Flatline(options, keyed=keyed)
        case CardinalityOptions() as options:
            return Cardinality(options)
        case ChangeOptions() as options:
            return Change(options)
        case NewTermOptions() as options:
            return NewTerm(options)
        case PercentageMatchOptions() as options:
            return buckets.percentage(options, matches or _marked, keyed=keyed, ticked=ticked)
        case MetricAggregationOptions() as options:
            return buckets.metric(options, keyed=keyed, ticked=ticked)
        case PolicyOptions() as options:
            return Policy(options)
        case _:
            raise ValueError(f"{rule.type} is fed by facts, not by posts")


def _marked(event: Event) -> bool:
    return bool(event.fields["match"])


def pace(rule: Rule) -> int:
    """Microseconds between the ticks of a live rule or replay: a bucket, or a twelfth of the window."""
    options = rule.options
    if isinstance(options, PercentageMatchOptions | MetricAggregationOptions):
        return span(options.bucket)
    timeframe = getattr(options, "timeframe", None) or _MINUTE * _LOOKS
    minutes = max(1, -(-timeframe // (_MINUTE * _LOOKS)))
    return span(minutes * _MINUTE)


def memory(rule: Rule) -> timedelta:
    """How far back a rule's windows remember: what must be read to build them again."""
    options = rule.options
    if isinstance(options, SpikeOptions):
        return timedelta(weeks=5) if options.baseline == "hour_of_week" else 4 * options.timeframe
    if isinstance(options, NewTermOptions):
        return options.terms_window_size
    if isinstance(options, PercentageMatchOptions | MetricAggregationOptions):
        return options.bucket
    if isinstance(options, FlatlineOptions | CardinalityOptions):
        return 2 * options.timeframe
    if isinstance(options, ChangeOptions | PolicyOptions):
        return timedelta(days=30)
    return getattr(options, "timeframe", None) or timedelta()

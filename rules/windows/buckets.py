"""Figures per bucket of time: percentage_match and metric_aggregation.

Buckets are [start, start + length), aligned to midnight in China. A bucket is judged by the first tick at or
after its end; what comes for it later is too late in a stream, while live streams are put in order first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

from rules.schema import MetricAggregationOptions, PercentageMatchOptions
from rules.windows.events import ALL, Event, Key, Outcome, Windows, span

#: China has one time zone and no summer time: eight hours ahead of UTC.
_OFFSET = 8 * 3_600_000_000


class Figures(Protocol):
    """What a bucket remembers of one key's posts, and what it says at its end."""

    refs: list[Any]

    def take(self, event: Event) -> None:
        """A post of the bucket."""

    def verdict(self) -> dict[str, Any] | None:
        """Values when the bounds are left, else None."""

    def twin(self) -> Figures:
        """The same figures, on their own from here."""


class Share:
    """How many of the posts are true of `match`."""

    def __init__(self, options: PercentageMatchOptions, matches: Callable[[Event], bool]) -> None:
        self.options = options
        self.matches = matches
        self.hits = 0
        self.refs: list[Any] = []

    def take(self, event: Event) -> None:
        """A post of the bucket."""
        self.refs.append(event.ref)
        self.hits += self.matches(event)

    def verdict(self) -> dict[str, Any] | None:
        """The percentage when it leaves its bounds."""
        total = len(self.refs)
        if total == 0 or total < self.options.min_denominator:
            return None
        percentage = self.hits / total * 100
        return _outside(
            percentage,
            self.options.min_percentage,
            self.options.max_percentage,
            {"percentage": percentage, "denominator": total},
        )

    def twin(self) -> Share:
        """The same figures, on their own from here."""
        twin = Share(self.options, self.matches)
        twin.hits, twin.refs = self.hits, list(self.refs)
        return twin


class Metric:
    """A figure over the numbers of a field."""

    def __init__(self, options: MetricAggregationOptions) -> None:
        self.options = options
        self.numbers: list[Any] = []
        self.refs: list[Any] = []

    def take(self, event: Event) -> None:
        """A post of the bucket; one without the field is no part of the figure."""
        self.refs.append(event.ref)
        value = event.fields.get(self.options.metric.field)
        if value is not None:
            self.numbers.append(value)

    def verdict(self) -> dict[str, Any] | None:
        """The figure when it leaves its bounds."""
        value = _figure(self.options.metric.agg, self.numbers)
        if value is None:
            return None
        return _outside(value, self.options.min_threshold, self.options.max_threshold, {"metric_agg_value": value})

    def twin(self) -> Metric:
        """The same figures, on their own from here."""
        twin = Metric(self.options)
        twin.numbers, twin.refs = list(self.numbers), list(self.refs)
        return twin


def _figure(agg: str, numbers: list[float]) -> float | None:
    """min, max and avg of nothing are null; sum and counts of nothing are zero, as in Elasticsearch."""
    if agg == "value_count":
        return len(numbers)
    if agg == "cardinality":
        return len({str(value) for value in numbers})
    if agg == "sum":
        return sum(numbers)
    if not numbers:
        return None
    if agg == "avg":
        return sum(numbers) / len(numbers)
    return min(numbers) if agg == "min" else max(numbers)


def _outside(value: float, low: float | None, high: float | None, values: dict[str, Any]) -> dict[str, Any] | None:
    outside = (high is not None and value > high) or (low is not None and value < low)
    return values if outside else None


class Buckets(Windows):
    """Open buckets by key; each is judged once."""

    ticking = True

    def __init__(self, length: int, figures: Callable[[], Figures], *, keyed: bool, ticked: bool = True) -> None:
        self.length = length
        self.figures = figures
        self.keyed = keyed
        #: False for a stream without any tick: a post of a later bucket then ends the earlier ones.
        self.ticked = ticked
        self.open: dict[int, dict[Key, Figures]] = {}
        #: End of the newest bucket that has been judged; None before the first.
        self.judged: int | None = None

    def add(self, event: Event) -> Sequence[Outcome]:
        """A post."""
        start = (event.at + _OFFSET) // self.length * self.length - _OFFSET
        outcomes: Sequence[Outcome] = () if self.ticked else self.tick(start)
        if self.judged is None or start >= self.judged:
            bucket = self.open.setdefault(start, {})
            if event.key not in bucket:
                bucket[event.key] = self.figures()
            bucket[event.key].take(event)
        return outcomes

    def tick(self, at: int) -> Sequence[Outcome]:
        """Judge every bucket that has ended."""
        if not self.open and self.judged is None:
            return ()
        outcomes: list[Outcome] = []
        for start in self._ended(at):
            bucket = self.open.pop(start, None) or ({} if self.keyed else {ALL: self.figures()})
            self.judged = start + self.length
            for key, figures in bucket.items():
                values = figures.verdict()
                if values is not None:
                    outcomes.append(Outcome(key, self.judged, values, tuple(reversed(figures.refs))))
        return outcomes

    def awake(self) -> bool:
        """Whether a bucket waits for its end."""
        return bool(self.open) or (self.judged is not None and not self.keyed)

    def _ended(self, at: int) -> Sequence[int]:
        """Starts of the ended buckets, oldest first; without keys the empty ones between are buckets too."""
        if self.keyed:
            return sorted(start for start in self.open if start + self.length <= at)
        first = min(self.open) if self.judged is None else self.judged
        return range(first, at - self.length + 1, self.length)

    def copy(self) -> Self:
        """The same state, on its own from here."""
        twin = type(self)(self.length, self.figures, keyed=self.keyed, ticked=self.ticked)
        twin.judged = self.judged
        twin.open = {
            start: {key: figures.twin() for key, figures in bucket.items()} for start, bucket in self.open.items()
        }
        return twin


def percentage(
    options: PercentageMatchOptions, matches: Callable[[Event], bool], *, keyed: bool, ticked: bool = True
) -> Buckets:
    """Windows of a percentage_match rule; `matches` is its numerator."""
    return Buckets(span(options.bucket), lambda: Share(options, matches), keyed=keyed, ticked=ticked)


def metric(options: MetricAggregationOptions, *, keyed: bool, ticked: bool = True) -> Buckets:
    """Windows of a metric_aggregation rule."""
    return Buckets(span(options.bucket), lambda: Metric(options), keyed=keyed, ticked=ticked)

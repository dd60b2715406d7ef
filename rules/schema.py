"""What a rule and a watch say, checked strictly and all at once.

Names and options follow ElastAlert2 where it has the type (docs/rules.md lists them). Options stand at
the top level of the YAML form; inside they are one typed value per type, so that no window guesses.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal

from croniter import croniter
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)

from core.clock import parse_duration, parse_instant
from core.errors import ConfigError, Fault

#: A post that came later than this after its own time is kept and found, but moves no window any more.
LATENESS = timedelta(hours=24)
#: ElastAlert2's default silence after a match.
REALERT = timedelta(minutes=1)

#: Fields of a post that may be a live rule's key.
KEYS = ("topic", "region", "incident", "source", "kind", "sentiment")


def _duration(value: object) -> timedelta:
    """Any form of `parse_duration`, or a ready timedelta."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float | Mapping):
        raise ValueError(f"not a duration: {value!r}; write {{minutes: 5}} or 5m")
    return parse_duration(value)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("a duration must be longer than zero")
    return value


def _compact(value: timedelta) -> str:
    """`5m`, `1h`, `90s`: the largest unit that needs no fraction."""
    seconds = value.total_seconds()
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def _instant(value: object) -> object:
    return parse_instant(value) if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(_compact, return_type=str)]
Span = Annotated[
    timedelta,
    BeforeValidator(lambda value: _positive(_duration(value))),
    PlainSerializer(_compact, return_type=str),
]
Instant = Annotated[datetime, BeforeValidator(_instant), PlainSerializer(lambda moment: moment.isoformat())]
Names = Annotated[list[str], BeforeValidator(_as_list)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


class AnyOptions(_Strict):
    """Every post."""

    type: Literal["any"]


class BlacklistOptions(_Strict):
    """A value of `compare_key` is in the list; a missing one never is."""

    type: Literal["blacklist"]
    compare_key: str
    blacklist: list[Any] = Field(min_length=1)
    ignore_null: bool = True


class WhitelistOptions(_Strict):
    """A value of `compare_key` is not in the list; a missing one counts only when `ignore_null` is false."""

    type: Literal["whitelist"]
    compare_key: str
    whitelist: list[Any] = Field(min_length=1)
    ignore_null: bool = False


class FrequencyOptions(_Strict):
    """`num_events` posts within `timeframe`."""

    type: Literal["frequency"]
    num_events: int = Field(ge=1)
    timeframe: Span


class SpikeOptions(_Strict):
    """The current window against the one before it, or against the same hour of earlier weeks."""

    type: Literal["spike"]
    timeframe: Span
    spike_height: float = Field(gt=0, strict=False)
    spike_type: Literal["up", "down", "both"]
    threshold_ref: float = Field(default=0, strict=False)
    threshold_cur: float = Field(default=0, strict=False)
    alert_on_new_data: bool = False
    field_value: str | None = None
    #: previous: ElastAlert2's reference window. hour_of_week: mean of the same hour of the earlier weeks,
    #: or of the earlier days of the same sort (working day, weekend) while there are fewer than two weeks.
    baseline: Literal["previous", "hour_of_week"] = "previous"


class FlatlineOptions(_Strict):
    """Fewer than `threshold` posts within `timeframe`."""

    type: Literal["flatline"]
    threshold: float = Field(strict=False)
    timeframe: Span
    forget_keys: bool = False


class CardinalityOptions(_Strict):
    """More or fewer distinct values of a field than allowed."""

    type: Literal["cardinality"]
    cardinality_field: str
    timeframe: Span
    max_cardinality: int | None = None
    min_cardinality: int | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> CardinalityOptions:
        if self.max_cardinality is None and self.min_cardinality is None:
            raise ValueError("needs max_cardinality or min_cardinality")
        return self


class ChangeOptions(_Strict):
    """A listed value differs from the one of the key's previous post."""

    type: Literal["change"]
    compare_key: Names = Field(validation_alias=AliasChoices("compare_key", "compound_compare_key"), min_length=1)
    timeframe: Span | None = None
    ignore_null: bool = False


class NewTermOptions(_Strict):
    """A value that was neither known before nor seen since."""

    type: Literal["new_term"]
    #: Names; a list inside is a combination.
    fields: list[str | list[str]] = Field(min_length=1)
    #: Field (`a+b` for a combination) → values known beforehand.
    baseline: dict[str, list[Any]] = Field(default_factory=dict)
    terms_window_size: Span = timedelta(days=30)
    alert_on_missing_field: bool = False

    @model_validator(mode="before")
    @classmethod
    def _shape(cls, given: Any) -> Any:
        """`fields: a` is `[a]`; `[a, b]` is the combination where the baseline calls it `a+b`."""
        fields = given.get("fields")
        if isinstance(fields, str):
            return {**given, "fields": [fields]}
        if isinstance(fields, list) and len(fields) > 1 and all(isinstance(name, str) for name in fields):
            joined = "+".join(fields)
            return {**given, "fields": [fields]} if joined in (given.get("baseline") or {}) else given
        return given


class PercentageMatchOptions(_Strict):
    """Share of posts of a bucket for which `match` is true."""

    type: Literal["percentage_match"]
    #: A query, or field → value (or list of values).
    match: str | dict[str, Any]
    max_percentage: float | None = Field(default=None, strict=False)
    min_percentage: float | None = Field(default=None, strict=False)
    min_denominator: int = 0
    bucket: Span = Field(validation_alias=AliasChoices("bucket", "bucket_interval"))

    @model_validator(mode="after")
    def _one_bound(self) -> PercentageMatchOptions:
        if self.max_percentage is None and self.min_percentage is None:
            raise ValueError("needs max_percentage or min_percentage")
        return self


class Metric(_Strict):
    """A figure over a field's numbers in a bucket."""

    agg: Literal["min", "max", "avg", "sum", "cardinality", "value_count"] = Field(
        default="avg", validation_alias=AliasChoices("agg", "type", "function")
    )
    field: str = Field(validation_alias=AliasChoices("field", "key"))


class MetricAggregationOptions(_Strict):
    """A figure over a bucket leaves its bounds."""

    type: Literal["metric_aggregation"]
    metric: Metric
    max_threshold: float | None = Field(default=None, strict=False)
    min_threshold: float | None = Field(default=None, strict=False)
    bucket: Span = Field(validation_alias=AliasChoices("bucket", "bucket_interval"))

    @model_validator(mode="before")
    @classmethod
    def _metric(cls, given: Any) -> Any:
        """`avg(risk)`, `avg:risk`, `{avg: risk}`, `risk` (mean), or ElastAlert2's two option names."""
        given = dict(given)
        if "metric_agg_key" in given:
            given["metric"] = {"field": given.pop("metric_agg_key"), "agg": given.pop("metric_agg_type", "avg")}
        metric = given.get("metric")
        aggregates = ("min", "max", "avg", "sum", "cardinality", "value_count")
        if isinstance(metric, str):
            name, separator, field = metric.replace("(", ":").rstrip(")").partition(":")
            given["metric"] = {"agg": name.strip(), "field": field.strip()} if separator else {"field": metric}
        elif isinstance(metric, dict) and len(metric) == 1 and next(iter(metric)) in aggregates:
            agg, field = next(iter(metric.items()))
            given["metric"] = {"agg": agg, "field": field}
        return given

    @model_validator(mode="after")
    def _one_bound(self) -> MetricAggregationOptions:
        if self.max_threshold is None and self.min_threshold is None:
            raise ValueError("needs max_threshold or min_threshold")
        return self


class SilentSourceOptions(_Strict):
    """A source is quiet longer than its own history makes likely."""

    type: Literal["silent_source"]
    probability: float = Field(default=0.01, gt=0, lt=1)


class PolicyOptions(_Strict):
    """Mentions of a document: doubts after its release against before."""

    type: Literal["policy"]
    document: str
    aliases: list[str] = Field(default_factory=list)
    release: Instant = Field(validation_alias=AliasChoices("release", "release_date"))
    drafting_unit: str = ""
    #: The statement prepared for the case; a finding carries it.
    plan: str = ""
    timeframe: Span = timedelta(hours=24)
    #: Mentions in the window below which nothing is said.
    min_mentions: int = Field(default=10, ge=1)
    #: Rise of the negative share over the time before release, in percentage points.
    negative_rise: float = Field(default=20, strict=False)
    #: Questions of near-equal wording in the window.
    repeated_questions: int = Field(default=5, ge=2)


class IncidentOptions(_Strict):
    """An incident's heat grows, it reaches many sources, or media of a higher tier."""

    type: Literal["incident"]
    timeframe: Span = timedelta(hours=1)
    growth: float | None = Field(default=2, gt=1, strict=False)
    #: Heat under which growth says nothing.
    min_heat: float = Field(default=5, strict=False)
    sources: int | None = Field(default=None, ge=1)
    media_tier: Literal["provincial", "central"] | None = None


Options = Annotated[
    AnyOptions
    | BlacklistOptions
    | WhitelistOptions
    | FrequencyOptions
    | SpikeOptions
    | FlatlineOptions
    | CardinalityOptions
    | ChangeOptions
    | NewTermOptions
    | PercentageMatchOptions
    | MetricAggregationOptions
    | SilentSourceOptions
    | PolicyOptions
    | IncidentOptions,
    Field(discriminator="type"),
]


#: Types that are fed by facts, not by posts.
UNMATCHED = frozenset({"silent_source", "incident"})


class Schedule(_Strict):
    """Groups are sent by the calendar: five fields of cron, local time."""

    schedule: str

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        if not croniter.is_valid(value):
            raise ValueError(f"not a cron expression: {value!r}")
        return value


class QuietTime(_Strict):
    """A recurring time in which findings are kept but nobody is told; local time, may run past midnight."""

    reason: str = Field(min_length=1)
    start: Annotated[
        time, BeforeValidator(lambda value: time.fromisoformat(value) if isinstance(value, str) else value)
    ]
    end: Annotated[time, BeforeValidator(lambda value: time.fromisoformat(value) if isinstance(value, str) else value)]
    #: ISO weekdays 1–7 on which it starts; empty is every day.
    weekdays: list[int] = Field(default_factory=list)


class Expected(_Strict):
    """A finding a rule's own test expects."""

    step: int
    key: str | None = None


class History(_Strict):
    """Ordinary times before a test's noon, so that a baseline has something to go by."""

    days: int = Field(ge=1, le=35)
    per_hour: int = Field(ge=0, le=100)
    event: dict[str, Any] = Field(default_factory=dict)


class RuleTest(_Strict):
    """A small stream with the findings it must give; `rules check` runs it."""

    name: str
    history: History | None = None
    #: Lines as `rules simulate` takes them; times may be offsets (`+5m`) from an arbitrary noon.
    steps: list[dict[str, Any]]
    expect: list[Expected]


class Rule(_Strict):
    """One rule: what to look for, when it matters, and who is disturbed how often."""

    id: str = Field(default="rule", pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    title: str = Field(default="", max_length=200, validation_alias=AliasChoices("title", "name"))
    #: Why this rule exists: what a department would miss without it.
    why: str = ""
    #: Id of a watch; its query AND this rule's query.
    watch: str = ""
    query: str = ""
    query_key: str | list[str] | None = None
    options: Options
    #: Level id suggested to the officer; None leaves it to the grading alone.
    severity: str | None = None
    #: Department id suggested as owner.
    owner: str | None = None
    enabled: bool = True
    lateness: Duration = LATENESS
    realert: Duration | None = None
    exponential_realert: Span | None = None
    aggregation: Duration | Schedule | None = None
    aggregation_key: Names | None = None
    quiet: list[QuietTime] = Field(default_factory=list)
    #: Levels that mute this rule's findings of the same incident while an alert of such a level is open.
    inhibited_by: list[str] = Field(default_factory=list)
    tests: list[RuleTest] = Field(default_factory=list)

    @property
    def type(self) -> str:
        """Name of the rule's type."""
        return self.options.type

    @property
    def silence(self) -> timedelta:
        """Silence after a match: as given, else a minute, else none with aggregation."""
        if self.realert is not None:
            return self.realert
        return timedelta() if self.aggregation else REALERT

    @property
    def key_fields(self) -> tuple[str, ...]:
        """Fields that make the key; empty when all posts share one."""
        if self.query_key is None:
            return ()
        return (self.query_key,) if isinstance(self.query_key, str) else tuple(self.query_key)

    @functools.cached_property
    def version(self) -> str:
        """Changes with everything that decides which posts match and how they are counted."""
        counted = self.dump()
        for untouched in _UNCOUNTED:
            counted.pop(untouched, None)
        return hashlib.sha256(json.dumps(counted, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def dump(self) -> dict[str, Any]:
        """The flat form of YAML, without defaults."""
        flat = self.model_dump(mode="json", exclude_defaults=True, exclude={"options"})
        return {**flat, **self.options.model_dump(mode="json", exclude_defaults=True), "type": self.type}


class Watch(_Strict):
    """监测方案: a named query that rules and pages share."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    title: str
    why: str = ""
    #: What it is about, in the query language; the parts below are joined to it.
    query: str = ""
    #: Names of places, any of them.
    regions: list[str] = Field(default_factory=list)
    #: Topic ids, any of them.
    topics: list[str] = Field(default_factory=list)
    #: Terms that rule a post out.
    exclude: list[str] = Field(default_factory=list)
    owner: str | None = None

    @property
    def expression(self) -> str:
        """Jurisdiction AND topic AND query NOT exclude, in the query language."""
        parts = [
            _any_of([f'region:"{name}"' for name in self.regions]),
            _any_of([f"topic:{name}" for name in self.topics]),
            f"({self.query})" if self.query else "",
            *(f'NOT "{term}"' for term in self.exclude),
        ]
        return " AND ".join(part for part in parts if part)


def _any_of(terms: list[str]) -> str:
    return f"({' OR '.join(terms)})" if len(terms) > 1 else "".join(terms)


def parse(given: Mapping[str, Any], *, file: str = "", lines: Mapping[str, int] | None = None) -> Rule:
    """Read a rule in its flat form. Raises ConfigError naming every fault, with the line of its field if known."""
    common = {name: value for name, value in given.items() if name in _COMMON}
    options = {name: value for name, value in given.items() if name not in _COMMON}
    if "type" not in given:
        raise ConfigError([Fault(file=file, line=(lines or {}).get(""), reason="type: a rule needs a type")])
    try:
        return Rule.model_validate({**common, "options": options})
    except ValidationError as error:
        raise ConfigError(faults(error, file, lines or {})) from error


#: Fields that neither choose posts nor count them: changing one keeps the windows.
_UNCOUNTED = (
    *("title", "why", "severity", "owner", "enabled", "quiet", "tests", "inhibited_by"),
    *("realert", "exponential_realert", "aggregation", "aggregation_key"),
)
_COMMON = {*(name for name in Rule.model_fields if name != "options"), "name"}


def parse_watch(given: Mapping[str, Any], *, file: str = "", lines: Mapping[str, int] | None = None) -> Watch:
    """Read a watch. Raises ConfigError naming every fault."""
    try:
        return Watch.model_validate(dict(given))
    except ValidationError as error:
        raise ConfigError(faults(error, file, lines or {})) from error


def faults(error: ValidationError, file: str, lines: Mapping[str, int]) -> list[Fault]:
    """Every fault pydantic found, by the names an administrator wrote."""
    found = []
    for item in error.errors(include_url=False):
        path = [str(part) for part in item["loc"]]
        if path[:1] == ["options"]:
            path = path[2:] or ["type"]
        name = path[0] if path else ""
        reason = item["msg"].removeprefix("Value error, ")
        found.append(Fault(file=file, line=lines.get(name, lines.get("")), reason=f"{'.'.join(path)}: {reason}"))
    return found

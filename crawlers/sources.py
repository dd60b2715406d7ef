"""What a source is, as an administrator writes it: strict, and every fault named at once.

A new source is an entry of this form, never code. `docs/how-to-add-a-source.md` shows one of each kind.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import jmespath
import yaml
from jmespath.exceptions import JMESPathError
from lxml import etree
from parsel.csstranslator import HTMLTranslator
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.clock import parse_duration
from core.errors import ConfigError, Fault

MINUTE = timedelta(minutes=1)
SHORTEST_PERIOD = 10 * MINUTE
LONGEST_PERIOD = timedelta(hours=24)


class Kind(StrEnum):
    """How a source is read."""

    FEED = "feed"
    LIST = "list"
    FORUM = "forum"
    BOARD = "board"
    HOTLIST = "hotlist"
    API = "api"
    SITEMAP = "sitemap"
    PUSH = "push"
    FILE = "file"


#: Kinds the crawl worker fetches over HTTP.
FETCHED = frozenset({Kind.FEED, Kind.LIST, Kind.FORUM, Kind.BOARD, Kind.HOTLIST, Kind.API, Kind.SITEMAP})

Channel = Literal["news", "government", "forum", "board", "hotline", "microblog", "wechat", "video", "app"]
_CHANNEL_OF_KIND: dict[Kind, Channel] = {
    Kind.FORUM: "forum",
    Kind.BOARD: "board",
    Kind.FILE: "hotline",
    Kind.PUSH: "hotline",
}


def _place(value: str) -> str:
    """CSS, with Scrapy's `::text` and `::attr(name)`, or XPath; refused here rather than at night."""
    try:
        if is_xpath(value):
            etree.XPath(value)
        else:
            HTMLTranslator().css_to_xpath(value)
    except (SyntaxError, RuntimeError, etree.XPathError) as error:
        raise ValueError(f"not a selector: {value!r} ({error})") from error
    return value


def is_xpath(selector: str) -> bool:
    """XPath begins with `/`, `./` or `(`; everything else is CSS."""
    return selector.startswith(("/", "./", "("))


def _path(value: str) -> str:
    """A JMESPath expression."""
    try:
        jmespath.compile(value)
    except JMESPathError as error:
        raise ValueError(f"not a JMESPath expression: {value!r} ({error})") from error
    return value


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str | int | float | Mapping) and not isinstance(value, bool):
        return parse_duration(value)
    raise ValueError(f"not a duration: {value!r}; write 30s, 10m, 1h30m, 1d")


Place = Annotated[str, BeforeValidator(_place)]
Expression = Annotated[str, BeforeValidator(_path)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=False)


class Selectors(_Strict):
    """Where things stand, in CSS or XPath. The first block reads index pages, the second the pages behind them."""

    #: One row of the index page (news list, thread list, message list).
    item: Place | None = None
    #: The link within the row; default is the row's first `a[href]`.
    link: Place | None = None
    #: Text of the row that changes when there is news behind it (count of replies, status).
    changed: Place | None = None
    #: Link to the next index page.
    next: Place | None = None

    title: Place | None = None
    text: Place | None = None
    time: Place | None = None
    author: Place | None = None
    #: Taken out of a page before it is read.
    remove: tuple[Place, ...] = Field(default=(), strict=False)

    #: One contribution on a thread's page; the fields below it are looked up within it.
    post: Place | None = None
    #: What names a contribution for good: `::attr(id)` or its floor number.
    post_id: Place | None = None
    #: Link to the thread's next page.
    next_posts: Place | None = None

    #: The office's answer on a message board, when it came, and where the matter stands.
    reply: Place | None = None
    replied_at: Place | None = None
    replied_by: Place | None = None
    status: Place | None = None

    views: Place | None = None
    comments: Place | None = None
    likes: Place | None = None
    shares: Place | None = None


class Paths(_Strict):
    """Where things stand in JSON, in JMESPath. Fields left out are found by their usual names."""

    #: The list of records.
    items: Expression = "@"
    id: Expression | None = None
    url: Expression | None = None
    title: Expression | None = None
    text: Expression | None = None
    author: Expression | None = None
    published_at: Expression | None = None
    views: Expression | None = None
    comments: Expression | None = None
    likes: Expression | None = None
    shares: Expression | None = None
    #: The cursor of the next page within an answer; it goes into the URL's `{cursor}`.
    cursor: Expression | None = None
    #: Further facts to keep, name → path.
    extra: dict[str, Expression] = Field(default_factory=dict)


class Source(_Strict):
    """One source. Durations are written 30s, 10m, 1h, 1d."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Annotated[Kind, Field(strict=False)]
    #: Sort of place the posts stand at; guessed from the kind when left out.
    channel: Channel | None = None
    media_tier: Literal["central", "provincial", "city", "county", "commercial"] | None = None
    #: Division id or name of the place the source is about.
    region: str | None = None
    #: Department id the source belongs to.
    unit: str | None = None
    enabled: bool = True
    #: False when nobody has seen the entry work against the live site.
    verified: bool = True
    note: str = ""

    #: Page, feed, API or sitemap; `{cursor}`, `{page}` are filled for `api`. For `file` the drop folder.
    url: str = ""
    #: Further index pages of the same source.
    urls: tuple[str, ...] = Field(default=(), strict=False)
    #: Other hosts its pages may stand on, subdomains included.
    allowed_domains: tuple[str, ...] = Field(default=(), strict=False)
    #: Its host may lie in CAIFENG_ALLOWED_NETWORKS; literal addresses need not say so.
    intranet: bool = False
    verify_tls: bool = True

    #: A fixed period; left out, it adapts between `every_min` and `every_max` to the share of new items.
    every: Duration | None = None
    every_min: Duration = SHORTEST_PERIOD
    every_max: Duration = LONGEST_PERIOD
    #: Least pause between two requests to one host; a longer Crawl-delay wins.
    delay: Duration = timedelta(seconds=1)
    #: Pages fetched in one crawl at most.
    limit: Annotated[int, Field(ge=1, le=2000)] = 60
    #: Index pages followed by `next` in one crawl at most.
    pages: Annotated[int, Field(ge=1, le=50)] = 1
    #: feed: fetch the page behind each entry.
    follow: bool = False
    #: Look at known threads and messages again after this long while the index still shows them.
    revisit: Duration = timedelta(hours=6)
    #: Words one of which a link's address must contain; a regular expression.
    link_pattern: str | None = None
    #: Encoding that overrides what pages declare.
    encoding: str | None = None
    selectors: Selectors = Field(default_factory=Selectors)
    paths: Paths = Field(default_factory=Paths)
    #: push, file: other names of columns, ours → theirs.
    columns: dict[str, str] = Field(default_factory=dict)
    #: Headers an interface asks for. Values `$NAME` are read from the environment, so no secret stands here.
    headers: dict[str, str] = Field(default_factory=dict)
    #: Silence is called after this long whatever the history says.
    silence_after: Duration | None = None
    #: Stored documents beside the file, for `caifeng sources test --fixture`: the index, then a page behind it.
    fixtures: tuple[str, ...] = Field(default=(), strict=False)

    @field_validator("link_pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {value!r} ({error})") from error
        return value

    @field_validator("allowed_domains")
    @classmethod
    def _bare_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for domain in value:
            if not re.fullmatch(r"[\w.-]+", domain):
                raise ValueError(f"write a host name without scheme, port or path, not {domain!r}")
        return tuple(domain.lower() for domain in value)

    @model_validator(mode="after")
    def _complete(self) -> Source:
        faults = [*_url_faults(self), *_kind_faults(self), *_period_faults(self)]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def post_kind(self) -> str:
        """The `kind` its posts carry."""
        return self.channel or _CHANNEL_OF_KIND.get(self.kind, "news")

    @property
    def index_urls(self) -> tuple[str, ...]:
        """Every index page, in order, once."""
        return tuple(dict.fromkeys(url for url in (self.url, *self.urls) if url))

    @property
    def origins(self) -> frozenset[tuple[str, int]]:
        """(host, port) of its index pages."""
        return frozenset(origin for url in self.index_urls if (origin := origin_of(url)))


def origin_of(url: str) -> tuple[str, int] | None:
    """Host in lower case and port of an http(s) URL; None when it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in ("http", "https"):
        return None
    return host, port or (443 if parts.scheme == "https" else 80)


def is_literal(host: str) -> bool:
    """True of an IP address written out."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _url_faults(source: Source) -> Iterable[str]:
    if source.kind is Kind.PUSH:
        if source.index_urls:
            yield "push: takes no url, data is sent to us"
        return
    if not source.url:
        yield f"{source.kind}: url is missing"
        return
    if source.kind is Kind.FILE:
        return
    for url in source.index_urls:
        if origin_of(url) is None:
            yield f"url must be http:// or https:// with a host, not {url!r}"
        elif "@" in urlsplit(url).netloc:
            yield f"url must not carry a user name: {url!r}"


def _kind_faults(source: Source) -> Iterable[str]:
    if source.kind is Kind.FORUM and bool(source.selectors.post_id) and not source.selectors.post:
        yield "forum: selectors.post_id needs selectors.post"
    if "{cursor}" in source.url and not source.paths.cursor:
        yield "api: url has {cursor} but paths.cursor is missing"
    if source.kind is not Kind.API and ("{cursor}" in source.url or "{page}" in source.url):
        yield f"{source.kind}: only api fills {{cursor}} and {{page}}"


def _period_faults(source: Source) -> Iterable[str]:
    if source.every is not None and source.every <= timedelta():
        yield "every must be more than zero"
    if not timedelta() < source.every_min <= source.every_max:
        yield "every_min must be above zero and not above every_max"
    if source.delay < timedelta():
        yield "delay must not be negative"


def parse(mapping: Mapping[str, Any], *, file: str = "", line: int | None = None) -> Source:
    """Check one entry. Raises ConfigError naming every fault of it."""
    try:
        return Source.model_validate(dict(mapping))
    except ValidationError as error:
        name = mapping.get("id", "?")
        raise ConfigError(
            [Fault(file=file, line=line, reason=f"source {name}: {_words(one)}") for one in error.errors()]
        ) from error


def _words(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "unknown field"
    return f"{place}: {message}" if place else message


def parse_all(entries: Iterable[tuple[Mapping[str, Any], str, int | None]]) -> tuple[Source, ...]:
    """Check (entry, file, line) triples together: one ConfigError lists the faults of all, twins included."""
    sources: dict[str, Source] = {}
    faults: list[Fault] = []
    for mapping, file, line in entries:
        try:
            source = parse(mapping, file=file, line=line)
        except ConfigError as error:
            faults += error.faults
            continue
        if source.id in sources:
            faults.append(Fault(file=file, line=line, reason=f"source {source.id}: this id is taken by another source"))
        sources[source.id] = source
    if faults:
        raise ConfigError(faults)
    return tuple(sources.values())


def load(*paths: Path) -> tuple[Source, ...]:
    """Read YAML files, each a list of sources or `{sources: [...]}`. Raises ConfigError with file and line."""
    entries: list[tuple[Mapping[str, Any], str, int | None]] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            entries += _entries(path)
        except ConfigError as error:
            faults += error.faults
    try:
        sources = parse_all(entries)
    except ConfigError as error:
        raise ConfigError([*faults, *error.faults]) from error
    if faults:
        raise ConfigError(faults)
    return sources


def _entries(path: Path) -> list[tuple[Mapping[str, Any], str, int | None]]:
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
        loaded = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise ConfigError(
            [Fault(file=str(path), line=line, reason=f"cannot be read: {getattr(error, 'problem', None) or error}")]
        ) from error
    if isinstance(loaded, dict) and isinstance(node, yaml.MappingNode):
        node = next((value for key, value in node.value if key.value == "sources"), None)
        loaded = loaded.get("sources")
    if not isinstance(loaded, list) or not isinstance(node, yaml.SequenceNode):
        raise ConfigError(
            [Fault(file=str(path), line=None, reason="expected a list of sources or `sources:` with one")]
        )
    lines = [child.start_mark.line + 1 for child in node.value]
    wrong = [line for entry, line in zip(loaded, lines, strict=True) if not isinstance(entry, dict)]
    if wrong:
        raise ConfigError(
            [Fault(file=str(path), line=line, reason="a source is a mapping of fields") for line in wrong]
        )
    return [(entry, str(path), line) for entry, line in zip(loaded, lines, strict=True)]

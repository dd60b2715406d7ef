"""The push API: hotlines and vendors hand records in; a record with a known id is a newer version of it.

Mounted by the console under `/api/`. The token in `Authorization: Bearer …` names the source; nothing
else does, so a token reaches its own source only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError
from ninja.security import HttpBearer

from core.errors import Rejected
from core.model import RawItem
from crawlers import states, tokens
from crawlers.files import record_item
from crawlers.sources import Kind, Source

#: Of one request; a vendor's nightly batch is sent in several.
MAX_BODY = 2 * 1024 * 1024
MAX_RECORDS = 1000
#: Characters of one record: a citizen's letter is far below.
MAX_RECORD = 200_000
MAX_DEPTH = 5


class Bad(Schema):
    """A record that was not taken in; the others were."""

    index: int
    reason: str


class Taken(Schema):
    """What became of a push. `new` counts records that were unknown or had changed."""

    accepted: int
    new: int
    rejected: list[Bad]


SourceOf = Callable[[str], Source | None]


class PushBearer(HttpBearer):
    """Finds the source of a token."""

    def __init__(self, source_of: SourceOf, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._source_of, self._clock = source_of, clock

    def authenticate(self, request: HttpRequest, token: str) -> Source | None:
        """The push source behind the token; None is answered with 401."""
        name = tokens.source_of(token, self._clock())
        source = self._source_of(name) if name else None
        return source if source and source.enabled and source.kind is Kind.PUSH else None


def build_router(source_of: SourceOf, clock: Callable[[], datetime]) -> Router:
    """The router; `source_of` finds a source by id."""
    router = Router(auth=PushBearer(source_of, clock), tags=["push"])

    @router.post("/push", response={200: Taken})
    def push(request: HttpRequest) -> Taken:
        """Take in a JSON list of records, `{"records": [...]}`, or JSON lines.

        Fields as in files: id, title, text, author, published_at, url, likes …, or their Chinese names.
        Sending the same record again changes nothing; 400 only when the body as a whole is unreadable.
        """
        source: Source = request.auth  # type: ignore[attr-defined]  # django-ninja puts it there
        return take(_records(request), source, clock())

    return router


def take(records: list[Any], source: Source, now: datetime) -> Taken:
    """Records into the inbox, in one transaction; bad ones come back with their index and reason."""
    items: list[RawItem] = []
    rejected: list[Bad] = []
    for index, record in enumerate(records):
        try:
            items.append(_item(record, source, f"push:{index}", now))
        except Rejected as error:
            rejected.append(Bad(index=index, reason=str(error)))
    states.ensure([source], now)
    new = states.take_in(source.id, items, [], None, now)
    states.note_push(source.id, new, now)
    return Taken(accepted=len(items), new=new, rejected=rejected)


def _item(record: Any, source: Source, trace: str, now: datetime) -> RawItem:
    if not isinstance(record, Mapping):
        raise Rejected("应是一个 JSON 对象")
    if _depth(record) > MAX_DEPTH:
        raise Rejected(f"嵌套超过 {MAX_DEPTH} 层")
    if len(json.dumps(record, ensure_ascii=False)) > MAX_RECORD:
        raise Rejected(f"一条超过 {MAX_RECORD:,} 个字符")
    return record_item(record, source, trace, now)


def _depth(value: Any) -> int:
    """Nesting, followed one level beyond the limit at most."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        inner: list[Any] = []
        for one in level:
            inner += one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else ()
        level = [one for one in inner if isinstance(one, Mapping | list)]
    return depth


def _records(request: HttpRequest) -> list[Any]:
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise HttpError(413, f"一次最多 {MAX_BODY // 1024 // 1024} MB，请分几次发送")
    records = _parsed(body)
    if len(records) > MAX_RECORDS:
        raise HttpError(413, f"一次最多 {MAX_RECORDS} 条，请分几次发送")
    return records


def _parsed(body: bytes) -> list[Any]:
    try:
        answer = json.loads(body)
    except RecursionError as error:
        raise HttpError(400, "JSON 嵌套太深") from error
    except ValueError as error:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) < 2:
            raise HttpError(400, f"不是 JSON：{error}") from error
        return [_line(line) for line in lines[: MAX_RECORDS + 1]]
    if isinstance(answer, dict):
        answer = answer.get("records", [answer])
    if not isinstance(answer, list):
        raise HttpError(400, '应是记录的列表，或 {"records": [...]}')
    return answer


def _line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None

"""Bulk writes that lose nothing: each item's answer decides what becomes of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError
from elasticsearch.helpers import streaming_bulk

CHUNK = 500
CHUNK_BYTES = 8 * 1024 * 1024
#: Waits in seconds between attempts; each is shortened at random so that writers do not come back together.
BACKOFF = (0.5, 1.0, 2.0, 4.0)

_BUSY = frozenset({429, 502, 503, 504})
#: The disk is full (429, cluster_block_exception): trying again at once only hammers the cluster.
_BLOCKED = "cluster_block_exception"
#: A whole request that cannot be read (400) or is too long (413) is sent again item by item.
_UNREADABLE = frozenset({400, 413})

Action = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """Where the items of a bulk write went."""

    #: Ids written, and those of them that were new.
    written: list[str] = field(default_factory=list)
    created: int = 0
    #: Ids to be sent later, with the last reason.
    later: dict[str, str] = field(default_factory=dict)
    #: Ids the cluster will never take, with its reason.
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the cluster said about one item; status 0 when it said nothing."""

    id: str
    status: int
    result: str
    reason: str


def write(
    client: Elasticsearch, actions: Sequence[Action], pause: Callable[[float], None], *, refresh: bool
) -> Outcome:
    """Send actions with explicit ids, so that repeating one whose answer was lost changes nothing.

    1. Send what is left; note what was written and what was refused for good.
    2. Busy or silent: wait and go to 1. Blocked, unreachable, forbidden: leave it for later.
    """
    outcome = Outcome()
    waiting = {action["_id"]: action for action in actions}
    for wait in (*BACKOFF, None):
        again = {}
        for answer in _send(client, list(waiting.values()), refresh):
            if _settle(answer, outcome):
                again[answer.id] = waiting[answer.id]
        waiting = again
        if not waiting or wait is None:
            return outcome
        pause(wait * random.uniform(0.5, 1))  # noqa: S311 - jitter, not a secret
    return outcome


def _settle(answer: _Answer, outcome: Outcome) -> bool:
    """Book one answer; True when the item is worth another attempt."""
    outcome.later.pop(answer.id, None)
    if 200 <= answer.status < 300 or answer.status == 409 or answer.result == "not_found":
        outcome.written.append(answer.id)
        outcome.created += answer.result == "created"
        return False
    if answer.status in {400, 413}:
        outcome.refused[answer.id] = answer.reason
        return False
    outcome.later[answer.id] = answer.reason
    return answer.status in _BUSY and _BLOCKED not in answer.reason


def _send(client: Elasticsearch, actions: Sequence[Action], refresh: bool) -> Iterator[_Answer]:
    """One attempt for every action; a request that fails whole fails for each of its items."""
    unreadable: list[Action] = []
    for answer in _sent(client, actions, CHUNK, refresh):
        if answer.status in _UNREADABLE and answer.result == "request":
            unreadable.append(next(action for action in actions if action["_id"] == answer.id))
        else:
            yield answer
    if unreadable:
        yield from _sent(client, unreadable, 1, refresh)


def _sent(client: Elasticsearch, actions: Sequence[Action], chunk: int, refresh: bool) -> Iterator[_Answer]:
    unanswered = {action["_id"] for action in actions}
    try:
        for _, info in streaming_bulk(
            client, list(actions), chunk_size=chunk, max_chunk_bytes=CHUNK_BYTES,
            # Raising would stop the helper, and with it everything not yet sent.
            raise_on_error=False, raise_on_exception=False, refresh=refresh,
        ):  # fmt: skip
            answer = _answer(info)
            unanswered.discard(answer.id)
            yield answer
    except TransportError as error:
        # The connection, not the cluster: whoever got no answer is sent again, by id, so nothing doubles.
        for id_ in unanswered:
            yield _Answer(id_, 0, "", str(error))


def _answer(info: Mapping[str, Any]) -> _Answer:
    item = next(iter(info.values()))
    error = item.get("error", "")
    whole = item.get("exception")
    if isinstance(whole, ApiError):
        return _Answer(item["_id"], whole.status_code, "request", str(whole))
    reason = f"{error.get('type')}: {error.get('reason')}" if isinstance(error, dict) else str(error)
    return _Answer(item["_id"], item.get("status", 0), item.get("result", ""), reason)

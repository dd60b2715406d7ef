"""The inbox in the workflow database: what crawlers, push and files leave, and the pipeline takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import zstandard
from django.db import transaction
from django.db.models import F, Q

from core.model import RawItem
from core.ports import InboxRow
from storage import writing
from storage.models import InboxItem, Seen

#: A worker that has not finished a row by then is taken for dead.
LEASE = timedelta(minutes=5)
#: A row that killed this many workers is put aside for a person.
MAX_ATTEMPTS = 5
_NAME = ("source", "key")
_SEEN = (*_NAME, "first_seen_at", "payload_hash", "story")
_ITEM = tuple(field.attname for field in InboxItem._meta.concrete_fields if field.name != "id")
#: Rows held at one time: a few dozen workers with a batch each.
_HELD_AT_MOST = 10_000


def item_key(item: RawItem) -> str:
    """What names an item within its source: its own id, else its address, else its content."""
    if item.external_id:
        return item.external_id[:512]
    if item.url:
        return item.url if len(item.url) <= 512 else hashlib.sha256(item.url.encode()).hexdigest()
    return _payload_hash(_encode(item.payload))


class DjangoInbox:
    """`core.ports.Inbox` on Django's database; joins the caller's transaction everywhere."""

    def put(self, items: Sequence[RawItem], now: datetime) -> int:
        """Take in what is new or changed; return how many rows that made.

        1. The last of several items with one key counts.
        2. The same bytes as last time are no news.
        3. Changed bytes come in again under the first sight they had, so the post keeps its id.
        """
        by_key = {(item.source, item_key(item)): item for item in items}
        compressor = zstandard.ZstdCompressor(level=3)
        with transaction.atomic():
            seen = _seen(list(by_key), "payload_hash", "first_seen_at")
            fresh: list[InboxItem] = []
            first: list[tuple[Any, ...]] = []
            changed: list[tuple[str, str, str]] = []
            for (source, key), item in by_key.items():
                payload = _encode(item.payload)
                payload_hash = _payload_hash(payload)
                known, first_seen_at = seen.get((source, key), (None, item.first_seen_at))
                if known == payload_hash:
                    continue
                if known is None:
                    first.append((source, key, first_seen_at, payload_hash, ""))
                else:
                    changed.append((payload_hash, source, key))
                fresh.append(_row(item, key, compressor.compress(payload), first_seen_at))
            writing.insert(Seen, _SEEN, first, unique=_NAME)
            writing.update(Seen, "payload_hash", by=_NAME, rows=changed)
            writing.insert(InboxItem, _ITEM, map(attrgetter(*_ITEM), fresh))
        return len(fresh)

    def claim(self, limit: int, owner: str, now: datetime) -> list[InboxRow]:
        """Lease up to `limit` of the oldest rows nobody holds. An idle look takes no lock."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        waiting = InboxItem.objects.filter(free, state=InboxItem.State.NEW)
        if not waiting.exists():
            return []
        with transaction.atomic():
            rows = list(waiting.select_for_update(skip_locked=True).order_by("id")[:limit])
            ids = [row.id for row in rows]
            InboxItem.objects.filter(id__in=ids).update(
                lease_owner=owner, lease_until=now + LEASE, attempts=F("attempts") + 1
            )
        decompressor = zstandard.ZstdDecompressor()
        return [InboxRow(id=row.id, item=_item(row, decompressor), attempts=row.attempts + 1) for row in rows]

    def finish(self, ids: Sequence[int], now: datetime) -> None:
        """Mark rows done, in the transaction that holds their results."""
        InboxItem.objects.filter(id__in=list(ids)).update(
            state=InboxItem.State.DONE, finished_at=now, lease_until=None, payload=b""
        )

    def release(self, ids: Sequence[int]) -> None:
        """Give rows back untouched, for another try at once."""
        InboxItem.objects.filter(id__in=list(ids)).update(lease_until=None, lease_owner="")

    def reject(self, row: InboxRow, reason: str, now: datetime) -> None:
        """Put a row aside with its reason; payload and all stay for a person to look at."""
        InboxItem.objects.filter(id=row.id).update(
            state=InboxItem.State.REJECTED, reason=reason, finished_at=now, lease_until=None
        )


def sights(keys: Sequence[tuple[str, str]], at: Mapping[tuple[str, str], datetime]) -> dict[tuple[str, str], datetime]:
    """First sight of each key; `at` is the time of those never seen before, which is kept from now on."""
    with transaction.atomic():
        known = _seen(list(dict.fromkeys(keys)), "first_seen_at")
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        writing.insert(Seen, _SEEN, [(*key, at[key], "", "") for key in missing], unique=_NAME)
        known |= _seen(missing, "first_seen_at")
    return {key: first for key, (first,) in known.items()}


def stories(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Story of each key whose post was placed in one."""
    return {key: story for key, (story,) in _seen(list(keys), "story").items() if story}


def placed(stories: Mapping[tuple[str, str], str]) -> None:
    """Remember the story of each key's post, in the transaction that placed it."""
    writing.update(Seen, "story", by=_NAME, rows=[(story, *key) for key, story in stories.items()])


def release_orphans(is_gone: Callable[[str], bool]) -> int:
    """Give back at once what workers held that are gone; return how many rows. Held rows are the oldest ones."""
    waiting = InboxItem.objects.filter(state=InboxItem.State.NEW).order_by("id")
    holders = {owner for owner in waiting.values_list("lease_owner", flat=True)[:_HELD_AT_MOST] if owner}
    gone = [owner for owner in holders if is_gone(owner)]
    if not gone:
        return 0
    return waiting.order_by().filter(lease_owner__in=gone).update(lease_until=None, lease_owner="")


def waiting() -> tuple[int, datetime | None]:
    """How many rows wait, and when the oldest of them was fetched."""
    rows = InboxItem.objects.filter(state=InboxItem.State.NEW)
    return rows.count(), rows.order_by("id").values_list("fetched_at", flat=True).first()


def first_sight() -> datetime | None:
    """When this house first saw anything at all."""
    return Seen.objects.order_by("id").values_list("first_seen_at", flat=True).first()


def forget_finished(before: datetime) -> int:
    """Delete rows finished before; what was seen stays known."""
    return InboxItem.objects.filter(state=InboxItem.State.DONE, finished_at__lt=before).delete()[0]


def _seen(keys: list[tuple[str, str]], *columns: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """The columns of each key that was seen before."""
    by_source: dict[str, list[str]] = {}
    for source, key in keys:
        by_source.setdefault(source, []).append(key)
    found: dict[tuple[str, str], tuple[Any, ...]] = {}
    for source, names in by_source.items():
        # SQLite allows 32,766 parameters in one statement; 1,000 keeps every database content.
        for start in range(0, len(names), 1000):
            rows = Seen.objects.filter(source=source, key__in=names[start : start + 1000]).values_list("key", *columns)
            found.update({(source, key): tuple(values) for key, *values in rows})
    return found


def _encode(payload: bytes | Mapping[str, Any]) -> bytes:
    if isinstance(payload, bytes):
        return payload
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, default=str).encode()


def _payload_hash(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


def _row(item: RawItem, key: str, payload: bytes, first_seen_at: datetime) -> InboxItem:
    return InboxItem(
        source=item.source,
        key=key,
        url=item.url,
        external_id=item.external_id,
        fetched_at=item.fetched_at,
        first_seen_at=first_seen_at,
        content_type=item.content_type[:128],
        payload=payload,
        is_mapping=not isinstance(item.payload, bytes),
        trace=item.trace[:512],
    )


def _item(row: InboxItem, decompressor: zstandard.ZstdDecompressor) -> RawItem:
    payload = decompressor.decompress(row.payload, max_output_size=64 << 20)
    return RawItem(
        source=row.source,
        url=row.url,
        external_id=row.external_id,
        fetched_at=row.fetched_at,
        first_seen_at=row.first_seen_at,
        content_type=row.content_type,
        payload=json.loads(payload) if row.is_mapping else payload,
        trace=row.trace,
    )

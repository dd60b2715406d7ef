"""The crawl worker's rows: leases, pages seen, batches taken in, and how each source stands afterwards.

Every function is one transaction; state changes are conditional UPDATEs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from core.model import RawItem
from crawlers.markup import canonical
from crawlers.models import SeenUrl, SourceState
from crawlers.sources import FETCHED, Kind, Source
from storage import writing
from storage.inbox import DjangoInbox

#: A worker that has not come back by then is taken for dead; above the wall limit of a crawl.
LEASE = timedelta(minutes=15)
#: Pages nobody points to any more are forgotten, so that the table does not grow for ever.
FORGET_PAGES = timedelta(days=120)
_CHUNK = 500
#: What names a page, and what changes when it is fetched again.
_PAGE, _VISIT = ("source", "url_hash"), ("mark", "fetched_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that was fetched, as it is remembered."""

    url: str
    mark: str


@lru_cache(maxsize=1024)  # asked for before a page is fetched and again when it is in
def page_hash(url: str) -> str:
    """What names a page within its source."""
    return hashlib.sha256(canonical(url).encode()).hexdigest()[:32]


def ensure(sources: Iterable[Source], now: datetime) -> None:
    """Make the rows of sources never seen before; they are due at once."""
    wanted = [source for source in sources if source.enabled]
    have = set(SourceState.objects.filter(source__in=[source.id for source in wanted]).values_list("source", flat=True))
    fresh = [SourceState(source=source.id, next_fetch_at=now) for source in wanted if source.id not in have]
    SourceState.objects.bulk_create(fresh, ignore_conflicts=True)


def crawlable(source: Source) -> bool:
    """Whether the crawl worker has anything to do for a source; pushes come by themselves."""
    return source.enabled and (source.kind in FETCHED or source.kind is Kind.FILE)


def due(ids: Sequence[str], now: datetime) -> list[str]:
    """Sources that are due and free, longest due first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    rows = SourceState.objects.filter(free, next_fetch_at__lte=now, source__in=list(ids))
    return list(rows.order_by("next_fetch_at").values_list("source", flat=True))


def next_due(ids: Sequence[str], now: datetime) -> datetime | None:
    """When the next source not held by a live worker is due."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    rows = SourceState.objects.filter(free, source__in=list(ids)).order_by("next_fetch_at")
    return rows.values_list("next_fetch_at", flat=True).first()


def lease(source: str, owner: str, now: datetime) -> SourceState | None:
    """Take a due source; None when somebody else was first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    rows = SourceState.objects.filter(free, source=source, next_fetch_at__lte=now)
    if rows.update(lease_owner=owner, lease_until=now + LEASE, started_at=now) != 1:
        return None
    return SourceState.objects.get(source=source)


def give_back(source: str, owner: str) -> None:
    """End a lease without a result; the source stays due."""
    SourceState.objects.filter(source=source, lease_owner=owner).update(lease_owner="", lease_until=None)


def release_orphans(host: str, lives: Callable[[int], bool]) -> int:
    """End leases of workers of this host that are gone (owners are `host:pid`); return how many."""
    owners = SourceState.objects.filter(lease_owner__startswith=f"{host}:").values_list("lease_owner", flat=True)
    dead = [owner for owner in set(owners) if not lives(int(owner.rpartition(":")[2]))]
    return SourceState.objects.filter(lease_owner__in=dead).update(lease_owner="", lease_until=None)


def seen_pages(source: str, urls: Iterable[str]) -> dict[str, tuple[str, datetime]]:
    """Of these URLs the ones fetched before, with their mark and when."""
    by_hash = {page_hash(url): url for url in urls}
    names = list(by_hash)
    found: dict[str, tuple[str, datetime]] = {}
    for start in range(0, len(names), _CHUNK):
        rows = SeenUrl.objects.filter(source=source, url_hash__in=names[start : start + _CHUNK])
        for name, mark, fetched_at in rows.values_list("url_hash", *_VISIT):
            found[by_hash[name]] = (mark, fetched_at)
    return found


def take_in(
    source: str, items: Sequence[RawItem], pages: Sequence[Page], cursor: Mapping[str, Any] | None, now: datetime
) -> int:
    """Items, the pages they came from and the cursor: all of it or nothing. Returns how many items were news."""
    with transaction.atomic():
        new = DjangoInbox().put(items, now) if items else 0
        marks = {page_hash(page.url): page.mark for page in pages}
        rows = [(source, name, mark, now) for name, mark in marks.items()]
        writing.insert(SeenUrl, (*_PAGE, *_VISIT), rows, unique=_PAGE, update=_VISIT)
        if cursor is not None:
            SourceState.objects.filter(source=source).update(cursor=dict(cursor))
    return new


def finish(source: str, owner: str, changes: Mapping[str, Any]) -> bool:
    """Write how the source stands now and end the lease; False when the lease was lost meanwhile."""
    rows = SourceState.objects.filter(source=source, lease_owner=owner)
    return rows.update(lease_owner="", lease_until=None, due_since=None, **changes) == 1


def note_push(source: str, new: int, now: datetime) -> None:
    """A push counts as a visit that succeeded."""
    changes: dict[str, Any] = {
        "last_ok_at": now,
        "finished_at": now,
        "health": SourceState.Health.OK,
        "health_reason": "正常",
    }
    if new:
        changes |= {"last_new_at": now, "items": F("items") + new}
    SourceState.objects.filter(source=source).update(polls=F("polls") + 1, **changes)


def forget_pages(now: datetime) -> int:
    """Drop pages not fetched for long."""
    return SeenUrl.objects.filter(fetched_at__lt=now - FORGET_PAGES).delete()[0]

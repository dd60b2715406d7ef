"""An officer joins two incidents or splits one: rows, alerts and stored posts change together or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import islice

from django.db import transaction

from alerts.models import Alert
from console.models import Deed
from core.ports import PostStore
from core.query import Field, Node
from storage import incidents
from storage.models import Incident, Story

_BATCH = 500


def join(incident: Incident, into: str, *, why: str, login: str, store: PostStore, now: datetime) -> int:
    """Everything of the incident goes to the other one; return how many posts moved. Raises Refused."""
    with transaction.atomic():
        incidents.join(incident.id, into)
        Alert.objects.filter(incident=incident.id).update(incident=into)
        target = Incident.objects.get(id=into)
        words = f"事件“{incident.title}”（{incident.id}）并入“{target.title}”（{into}）：{why}"
        Deed.objects.create(at=now, login=login, kind="join", words=words)
        return _carry(store, Field("incident", incident.id), into)


def split(incident: Incident, story: str, *, why: str, login: str, store: PostStore, now: datetime) -> str:
    """A story becomes an incident of its own; return its id. The alerts stay where they are. Raises Refused."""
    with transaction.atomic():
        new = incidents.split(story)
        title = Story.objects.get(id=story).title
        words = f"从事件“{incident.title}”（{incident.id}）拆出“{title}”（{new}）：{why}"
        Deed.objects.create(at=now, login=login, kind="split", words=words)
        _carry(store, Field("story", story), new)
        return new


def _carry(store: PostStore, found: Node, incident: str) -> int:
    moved, posts = 0, store.scan(found)
    while batch := [replace(tagged, incident=incident) for tagged in islice(posts, _BATCH)]:
        store.upsert(batch)
        moved += len(batch)
    return moved

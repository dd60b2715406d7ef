"""What people do with a briefing, written: each in one transaction, under the version they saw."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from briefings import document as documents
from briefings import editing, notices
from briefings.document import Paragraph
from briefings.models import Amendment, Briefing, Edit, File, Step
from briefings.render import render
from briefings.review import PUBLISHED, RULES, Action, refusal
from core.clock import SHANGHAI
from core.errors import Conflict, Refused
from core.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who acts."""

    login: str
    name: str
    roles: frozenset[str]


def edit(briefing: Briefing, paragraph: str, text: str, *, person: Person, version: int, now: datetime) -> None:
    """Replace a paragraph's words; an empty text takes earlier edits back. Raises Refused, Conflict."""
    _check(Action.EDIT, briefing, person)
    document = documents.from_json(briefing.body)
    before = next((block for block in document.paragraphs() if block.key == paragraph), None)
    if before is None:
        raise Refused("本期没有这一段，可能已重新取数")
    runs = editing.relinked(text, document, before.runs) if text.strip() else None
    if runs == before.runs:
        runs = None
    with transaction.atomic():
        _move(briefing, version, briefing.state)
        Edit.objects.create(
            briefing=briefing,
            paragraph=paragraph,
            runs=None if runs is None else documents.runs_json(runs),
            actor=person.login,
            actor_name=person.name,
            at=now,
        )
        _step(briefing, "edit", person, now, paragraph)


def act(
    briefing: Briefing, action: Action, *, person: Person, version: int, profile: Profile, now: datetime, note: str = ""
) -> None:
    """Submit, approve, return, sign or publish. Raises Refused, Conflict."""
    _check(action, briefing, person, note)
    if action is Action.PUBLISH:
        _publish(briefing, person, version, profile, now)
        return
    with transaction.atomic():
        _move(briefing, version, RULES[action].to or briefing.state)
        if action is Action.SIGN:
            _date(briefing, now)
        _step(briefing, action.value, person, now, note)


def _date(briefing: Briefing, now: datetime) -> None:
    """A briefing bears the day it was signed."""
    head = {**briefing.body["head"], "date": now.astimezone(SHANGHAI).date().isoformat()}
    Briefing.objects.filter(pk=briefing.pk).update(body={**briefing.body, "head": head})
    briefing.refresh_from_db()


def _publish(briefing: Briefing, person: Person, version: int, profile: Profile, now: datetime) -> None:
    """Freeze the document under its hash, keep the files byte for byte, tell the readers."""
    document = editing.current(briefing)
    files = render(document)
    with transaction.atomic():
        _move(briefing, version, PUBLISHED)
        Briefing.objects.filter(pk=briefing.pk).update(published_at=now, digest=documents.digest(document))
        File.objects.bulk_create(
            File(briefing=briefing, format=name, body=data, sha256=hashlib.sha256(data).hexdigest())
            for name, data in files.items()
        )
        _step(briefing, Action.PUBLISH.value, person, now, documents.digest(document))
        notices.published(briefing, document, files, profile, now)


def correct(briefing: Briefing, paragraph: str, text: str, *, person: Person, now: datetime) -> Amendment:
    """Put a 更正 beside a published briefing, which itself stays as it is. Raises Refused."""
    _check(Action.CORRECT, briefing, person, text)
    keys = {block.key for block in editing.current(briefing).blocks if isinstance(block, Paragraph)}
    with transaction.atomic():
        Briefing.objects.select_for_update().get(pk=briefing.pk)
        amendment = Amendment.objects.create(
            briefing=briefing,
            number=briefing.amendments.count() + 1,
            paragraph=paragraph if paragraph in keys else "",
            text=text.strip(),
            actor=person.login,
            actor_name=person.name,
            at=now,
        )
        _step(briefing, Action.CORRECT.value, person, now, f"更正{amendment.number}")
    return amendment


def _check(action: Action, briefing: Briefing, person: Person, note: str | None = None) -> None:
    if why := refusal(action, briefing.state, person.roles, note):
        raise Refused(why)


def _move(briefing: Briefing, version: int, state: str) -> None:
    """Change the state under the version that was seen."""
    mine = Briefing.objects.filter(pk=briefing.pk, version=version, state=briefing.state)
    if mine.update(state=state, version=F("version") + 1) != 1:
        raise Conflict("简报已被他人改动，请看过新内容再办")
    briefing.refresh_from_db()


def _step(briefing: Briefing, kind: str, person: Person, now: datetime, note: str) -> None:
    Step.objects.create(
        briefing=briefing, kind=kind, actor=person.login, actor_name=person.name, at=now, note=note[:2000]
    )

"""From draft to publication: who may do what, what freezes, what is told, what the pages show."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from alerts.models import Contact, Notification
from briefings import document as documents
from briefings import drafting, editing, office, parts, review
from briefings.models import Briefing
from briefings.office import Person
from briefings.review import Action
from briefings.urls import urlpatterns
from console import deps
from core.errors import Conflict, Refused
from storage.sqlite import SqliteStore
from tests.fixtures import brief_week as week
from tests.fixtures import console_night
from tests.fixtures.console_client import county, wire

pytestmark = [pytest.mark.django_db, pytest.mark.workflow, pytest.mark.urls("tests.fixtures.brief_urls")]

OFFICER = Person(login="shenzhihe", name="沈知禾", roles=frozenset({"duty_officer"}))
LEAD = Person(login="guhuaiqing", name="顾怀清", roles=frozenset({"duty_lead"}))
LEADER = Person(login="leader", name="县领导", roles=frozenset({"leader"}))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A small week behind console and briefings."""
    found = wire(tmp_path, week.NOW)
    found.upsert(list(week.posts(40)))
    parts.install(post_store=lambda: found, profile=county, clock=lambda: week.NOW)
    yield found
    parts._installed.clear()
    deps._installed.clear()
    found.close()


def a_draft(store: SqliteStore) -> Briefing:
    """The weekly, drafted."""
    return drafting.draft("weekly", week.WEEK, profile=county(), store=store, now=week.NOW)


def take(briefing: Briefing, action: Action, person: Person, note: str = "") -> None:
    """One step of the way."""
    office.act(briefing, action, person=person, version=briefing.version, profile=county(), now=week.NOW, note=note)


def published(store: SqliteStore) -> Briefing:
    """The weekly, all the way."""
    briefing = a_draft(store)
    for action, person in (
        (Action.SUBMIT, OFFICER),
        (Action.APPROVE, LEAD),
        (Action.SIGN, LEADER),
        (Action.PUBLISH, LEAD),
    ):
        take(briefing, action, person)
    return Briefing.objects.get(pk=briefing.pk)


@pytest.mark.parametrize(
    ("action", "state", "role", "allowed"),
    [
        (Action.EDIT, "draft", "duty_officer", True),
        (Action.EDIT, "review", "duty_lead", True),
        (Action.EDIT, "signed", "duty_lead", False),
        (Action.EDIT, "draft", "leader", False),
        (Action.SUBMIT, "draft", "duty_officer", True),
        (Action.APPROVE, "review", "duty_officer", False),
        (Action.SIGN, "reviewed", "leader", True),
        (Action.SIGN, "reviewed", "duty_lead", True),
        (Action.SIGN, "review", "leader", False),
        (Action.SIGN, "reviewed", "administrator", False),
        (Action.PUBLISH, "signed", "duty_officer", True),
        (Action.PUBLISH, "signed", "department", False),
        (Action.CORRECT, "published", "duty_lead", True),
        (Action.CORRECT, "signed", "duty_lead", False),
    ],
)
def test_who_may_do_what_when(action: Action, state: str, role: str, allowed: bool) -> None:
    why = review.refusal(action, state, frozenset({role}))

    assert (why == "") is allowed


def test_edited_paragraph_carries_name_and_keeps_its_numbers(store: SqliteStore) -> None:
    briefing = a_draft(store)
    paragraph = next(editing.current(briefing).paragraphs())
    text = editing.current(briefing).words(paragraph.runs)

    office.edit(briefing, paragraph.key, f"经核实，{text}另有7件。", person=OFFICER, version=0, now=week.NOW)

    edited = next(editing.current(briefing).paragraphs())
    assert (edited.edited_by, editing.untraced(edited.runs)[-1]) == ("沈知禾", "7")
    assert [run for run in edited.runs if not isinstance(run, str)] == [
        run for run in paragraph.runs if not isinstance(run, str)
    ]


def test_changed_number_is_no_longer_traced(store: SqliteStore) -> None:
    briefing = a_draft(store)

    office.edit(briefing, "overview.volume", "共监测到帖文9876条。", person=OFFICER, version=0, now=week.NOW)

    edited = next(editing.current(briefing).paragraphs())
    assert (edited.runs, editing.untraced(edited.runs)) == (("共监测到帖文9876条。",), ["9876"])


def test_edit_survives_composing_again(store: SqliteStore) -> None:
    briefing = a_draft(store)
    office.edit(briefing, "overview.mood", "改过的话。", person=OFFICER, version=0, now=week.NOW)

    again = a_draft(store)

    assert "改过的话。" in documents.text_lines(editing.current(again))
    assert again.pk == briefing.pk


def test_who_saw_an_older_version_is_told(store: SqliteStore) -> None:
    briefing = a_draft(store)
    stale = Briefing.objects.get(pk=briefing.pk)
    take(briefing, Action.SUBMIT, OFFICER)

    with pytest.raises(Conflict):
        take(stale, Action.SUBMIT, OFFICER)


def test_returning_needs_a_reason(store: SqliteStore) -> None:
    briefing = a_draft(store)
    take(briefing, Action.SUBMIT, OFFICER)

    with pytest.raises(Refused, match="须写明"):
        take(briefing, Action.RETURN, LEAD, " ")


def test_published_briefing_is_frozen_with_its_files(store: SqliteStore) -> None:
    briefing = published(store)
    before = editing.files(briefing)
    store.upsert(list(week.posts(80)))

    assert a_draft(store).body == briefing.body
    assert editing.files(briefing) == before
    assert briefing.digest == documents.digest(editing.current(briefing))
    with pytest.raises(Refused, match="只能更正"):
        office.edit(briefing, "overview.mood", "改", person=LEAD, version=briefing.version, now=week.NOW)


def test_publishing_tells_the_leaders_once(store: SqliteStore) -> None:
    published(store)

    told = Notification.objects.filter(kind="briefing")
    assert {(row.channel, row.recipient) for row in told} == {("slack", "#county-leaders")}
    assert "共监测到涉我县帖文" in told.get().payload["text"]


def test_a_leaders_mail_carries_the_files_as_published(store: SqliteStore) -> None:
    Contact.objects.create(name="分管副县长", role="leader", addresses={"email": "leader@example.org"})

    briefing = published(store)

    [letter] = Notification.objects.filter(kind="briefing", channel="email")
    sent = {file["name"].rpartition(".")[2]: base64.b64decode(file["body"]) for file in letter.payload["files"]}
    kept = {file.format: bytes(file.body) for file in briefing.files.exclude(format="html")}
    assert sent == kept
    assert "files" not in Notification.objects.get(kind="briefing", channel="slack").payload


def test_correction_stands_beside_and_changes_nothing(store: SqliteStore) -> None:
    briefing = published(store)
    digest = briefing.digest

    amendment = office.correct(briefing, "", "第二段“3件”应为“4件”。", person=LEAD, now=week.NOW)

    assert (amendment.number, documents.digest(editing.current(briefing))) == (1, digest)


def test_monday_draft_is_made_once_and_told_to_those_on_duty(store: SqliteStore) -> None:
    first = drafting.draft_due(week.NOW, profile=county(), store=store)
    second = drafting.draft_due(week.NOW + timedelta(hours=1), profile=county(), store=store)

    assert (first.ref if first else "", second) == ("weekly-2026-W46", None)
    assert Notification.objects.filter(kind="briefing").exists()


def test_nothing_is_due_before_eight_on_monday(store: SqliteStore) -> None:
    early = week.NOW - timedelta(minutes=6)

    assert drafting.draft_due(early, profile=county(), store=store) is None


def test_follow_up_begins_where_the_last_report_ended(store: SqliteStore) -> None:
    number = week.alerts(1, county())[0].number
    drafting.draft("flash", number, profile=county(), store=store, now=week.NOW)
    first = drafting.draft("follow_up", number, profile=county(), store=store, now=week.NOW + timedelta(hours=12))

    take(first, Action.SUBMIT, OFFICER)
    second = drafting.draft("follow_up", number, profile=county(), store=store, now=week.NOW + timedelta(hours=24))

    assert [first.ref, second.ref] == [f"follow_up-{number}-1", f"follow_up-{number}-2"]
    assert "11月16日20时05分上次报告后" in json.dumps(second.body, ensure_ascii=False)


def as_user(login: str) -> Client:
    """A browser somebody is logged in with."""
    from django.contrib.auth.models import User

    console_night.people()
    client = Client()
    client.force_login(User.objects.get(username=login))
    return client


POSTS = {"briefing_draft", "briefing_edit", "briefing_act"}
ARGUMENTS = {"ref": "weekly-2026-W46", "key": "daily", "form": "csv", "number": 1}


def doors(client: Client) -> set[str]:
    """How each address of briefings and ledger answers: in, login or closed."""
    found = set()
    for pattern in urlpatterns:
        url = reverse(str(pattern.name), kwargs={name: ARGUMENTS[name] for name in pattern.pattern.converters})
        answer = client.post(url) if pattern.name in POSTS else client.get(url)
        to_login = answer.status_code == 302 and answer.headers["Location"].startswith("/login")
        found.add("login" if to_login else "closed" if answer.status_code == 403 else "in")
    return found


@pytest.mark.parametrize(
    ("login", "door"),
    [
        ("shenzhihe", "in"),
        ("guhuaiqing", "in"),
        ("leader", "in"),
        ("admin", "in"),
        ("auditor", "in"),
        ("market", "closed"),
    ],
)
def test_every_address_opens_to_readers_only(
    login: str, door: str, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    a_draft(store)

    assert doors(as_user(login)) == {door}


def test_without_login_every_address_asks_for_one(store: SqliteStore) -> None:
    a_draft(store)

    assert doors(Client()) == {"login"}


def test_click_on_a_number_shows_query_and_rows(store: SqliteStore) -> None:
    a_draft(store)

    page = as_user("leader").get("/briefings/weekly-2026-W46/?figure=mood.negative").content.decode()

    assert "since:2026-11-09 until:2026-11-15 sentiment:negative" in page
    assert "现在重算一致" in page
    assert page.count('href="/posts/') >= 1


def test_leader_reads_but_does_not_edit(store: SqliteStore) -> None:
    briefing, client = a_draft(store), as_user("leader")

    page = client.get("/briefings/weekly-2026-W46/?edit=overview.mood").content.decode()
    client.post("/briefings/weekly-2026-W46/edit", {"paragraph": "overview.mood", "text": "改", "version": 0})

    assert "<textarea id=" not in page
    assert not briefing.edits.exists()


def test_page_has_nothing_inline(store: SqliteStore) -> None:
    a_draft(store)

    page = as_user("shenzhihe").get("/briefings/weekly-2026-W46/?figure=total&edit=overview.mood").content.decode()

    assert "style=" not in page
    assert "<style" not in page
    assert "onclick" not in page


def test_unknown_briefing_or_number_is_not_found(store: SqliteStore, caplog: pytest.LogCaptureFixture) -> None:
    a_draft(store)
    client = as_user("leader")

    pages = ("/briefings/weekly-2026-W01/", "/briefings/weekly-2026-W46/?figure=nothing")
    assert [client.get(page).status_code for page in pages] == [404, 404]


def test_wrong_subject_is_answered_in_words(store: SqliteStore) -> None:
    answer = as_user("shenzhihe").post("/briefings/draft", {"kind": "flash", "subject": "1999-1"}, follow=True)

    assert "没有编号为 1999-1 的告警" in answer.content.decode()

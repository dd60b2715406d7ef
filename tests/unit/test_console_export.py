"""Found posts as a file: everything or nothing, no formula, only for whom it is, and on record."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.test import Client

from console import export
from console.models import Deed
from core.ports import PostStore
from tests.fixtures.console_client import wire
from tests.fixtures.console_hostile import PAYLOADS
from tests.fixtures.console_night import a_post, people

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def store(tmp_path: Path) -> PostStore:
    """Three posts, one of them a formula."""
    people()
    store = wire(tmp_path)
    titles = ("停水第一天", '=HYPERLINK("http://x.example","点我")', "＋停水\x07第三天")
    store.upsert([a_post(at, title=title) for at, title in enumerate(titles)])
    return store


def exported(form: str, query: str = "", login: str = "shenzhihe") -> bytes:
    """What this person gets."""
    client = Client()
    client.force_login(User.objects.get(username=login))
    return client.post("/posts/export", {"q": query, "form": form}).content


def test_a_workbook_holds_every_found_post_as_text(store: PostStore) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(exported("xlsx"))).active
    assert sheet
    titles = sheet["E"]

    assert [cell.data_type for cell in titles] == ["s"] * 4
    assert {cell.value for cell in titles} >= {"停水第一天", '=HYPERLINK("http://x.example","点我")', "＋停水第三天"}


def test_a_csv_begins_no_cell_like_a_formula(store: PostStore) -> None:
    store.upsert([a_post(10 + at, title=payload) for at, payload in enumerate(PAYLOADS)])

    head, *found = csv.reader(io.StringIO(exported("csv").decode("utf-8-sig")))

    assert head == list(export.COLUMNS)
    assert len(found) == 3 + len(PAYLOADS)
    assert not [cell for row in found for cell in row if cell.startswith(("=", "+", "-", "@", "＝", "＋"))]


def test_an_export_is_on_record(store: PostStore) -> None:
    exported("csv", "停水")

    deed = Deed.objects.get()

    assert (deed.login, deed.kind) == ("shenzhihe", "export")
    assert deed.words == "导出 2 帖（csv），检索式：停水"


def test_more_than_a_file_takes_is_refused_with_the_number(store: PostStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "LIMIT", 2)
    client = Client()
    client.force_login(User.objects.get(username="shenzhihe"))

    page = client.post("/posts/export", {"q": "", "form": "csv"}, follow=True).content.decode()

    assert "共 3 帖，一次最多导出 2 帖，请缩小范围" in page
    assert not Deed.objects.exists()


def test_who_may_not_export_is_not_offered_it(store: PostStore) -> None:
    client = Client()
    client.force_login(User.objects.get(username="auditor"))

    assert "导出全部" not in client.get("/posts/", {"q": "停水"}).content.decode()

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import path
from ninja import NinjaAPI

from crawlers import tokens
from crawlers.api import MAX_BODY, build_router
from crawlers.models import PushToken, SourceState
from crawlers.sources import Source
from storage.models import InboxItem
from tests.fixtures.collect import NOW, a_source

pytestmark = [pytest.mark.django_db, pytest.mark.workflow, pytest.mark.urls(__name__)]
SOURCES: dict[str, Source] = {
    "hotline": a_source(id="hotline", kind="push", url=""),
    "news": a_source(),
    "off": a_source(id="off", kind="push", url="", enabled=False),
}
API = NinjaAPI(urls_namespace="push-test")
API.add_router("", build_router(SOURCES.get, lambda: NOW))
urlpatterns = [path("", API.urls)]


def push(body: Any, *, source: str = "hotline", token: str | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    bearer = f"Bearer {token or tokens.issue(source, '热线办', NOW)}"
    return Client().post("/push", data=raw, content_type="application/json", headers={"Authorization": bearer})


def test_records_come_in_once_and_a_changed_one_again() -> None:
    first = push([{"编号": "1", "标题": "噪音"}, {"编号": "2", "标题": "异味"}]).json()
    again = push([{"编号": "1", "标题": "噪音"}, {"编号": "2", "标题": "异味", "办理状态": "已办结"}]).json()

    assert (first["new"], again["new"]) == (2, 1)
    assert set(InboxItem.objects.values_list("external_id", flat=True)) == {"1", "2"}
    assert SourceState.objects.get().items == 3


def test_bad_records_come_back_with_index_and_reason_and_the_rest_is_taken() -> None:
    answer = push(
        [{"id": 1, "title": "好"}, "x", {"id": 2}, {"id": 3, "title": "深", "a": {"b": {"c": {"d": {"e": {}}}}}}]
    ).json()

    assert answer["accepted"] == 1
    assert [one["index"] for one in answer["rejected"]] == [1, 2, 3]


def test_json_lines_and_wrapped_lists_are_understood() -> None:
    lines = push(b'{"id": 1, "title": "a"}\n{"id": 2, "title": "b"}\nbroken\n').json()
    wrapped = push({"records": [{"id": 3, "title": "c"}]}).json()

    assert (lines["accepted"], len(lines["rejected"]), wrapped["accepted"]) == (2, 1, 1)


@pytest.mark.parametrize("source", ["news", "off", "unknown"])
def test_a_token_opens_push_sources_that_are_on_and_no_others(source: str) -> None:
    assert push([], source=source).status_code == 401


def test_a_wrong_or_revoked_token_is_refused_and_only_its_hash_is_kept() -> None:
    token = tokens.issue("hotline", "热线办", NOW)

    assert token not in str(list(PushToken.objects.values()))
    assert push([], token=token).status_code == 200
    assert tokens.revoke("hotline", "热线办", NOW) == 1
    assert push([], token=token).status_code == 401
    assert push([], token="guess").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"no json", 400),
        (b"[" * 100_000, 400),
        (b'"text"', 400),
        (b"x" * (MAX_BODY + 1), 413),
        ([{"id": n} for n in range(1001)], 413),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_in_words(body: Any, status: int) -> None:
    answer = push(body)

    assert answer.status_code == status
    assert answer.json()["detail"]

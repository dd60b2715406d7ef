"""帖文检索: what cannot be read is said in place, what is hostile stays text, facets narrow."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.fixtures.console_client import wire
from tests.fixtures.console_hostile import PAYLOADS
from tests.fixtures.console_night import a_post, people

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """An officer over three posts."""
    people()
    store = wire(tmp_path)
    store.upsert([a_post(at, title=f"停水第 {at} 天") for at in range(3)])
    logged_in = Client()
    logged_in.force_login(User.objects.get(username="shenzhihe"))
    return logged_in


def test_finds_are_counted_marked_and_masked(client: Client) -> None:
    page = client.get("/posts/", {"q": "肚子疼"}).content.decode()

    assert "3 帖" in page
    assert "<mark>肚子疼</mark>" in page
    assert '<span class="mask">138****2107</span>' in page


def test_a_query_that_cannot_be_read_is_marked_where_it_breaks(client: Client) -> None:
    response = client.get("/posts/", {"q": "(停水 AND"})

    assert response.status_code == 422
    assert "个字：" in response.content.decode()


def test_no_search_text_is_an_error_of_ours(client: Client) -> None:
    statuses = {client.get("/posts/", {"q": payload}).status_code for payload in PAYLOADS}

    assert statuses <= {200, 422}


def test_a_facet_narrows_the_search(client: Client) -> None:
    page = client.get("/posts/", {"q": '(停水) AND sentiment:"positive"'}).content.decode()

    assert "0 帖" in page


def test_a_saved_search_belongs_to_its_owner(client: Client) -> None:
    client.post("/posts/views", {"name": "停水", "q": "停水"})
    other = Client()
    other.force_login(User.objects.get(username="admin"))

    assert "已存检索 停水" in client.get("/posts/").content.decode()
    assert "已存检索 停水" not in other.get("/posts/").content.decode()


def test_a_post_that_is_gone_is_said(client: Client) -> None:
    response = client.get("/posts/202611-ffff/")

    assert response.status_code == 404
    assert "已过保存期" in response.content.decode()

"""Joining and splitting incidents in the web: rows, alerts, posts and the record go together."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from alerts.models import Alert
from console.models import Deed
from core.ports import PostStore
from core.query import Field
from storage import incidents
from storage.models import Incident, Story
from storage.stories import IncidentState
from tests.fixtures.console_client import county, wire
from tests.fixtures.console_night import MATTERS, NIGHT, an_alert, people

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def store(tmp_path: Path) -> PostStore:
    """Two alerts of two incidents with their posts."""
    people()
    store = wire(tmp_path)
    for number in (1, 2):
        an_alert(number, MATTERS[number - 1], county(), store, NIGHT)
    return store


@pytest.fixture
def client(store: PostStore) -> Client:
    """A duty officer."""
    client = Client()
    client.force_login(User.objects.get(username="shenzhihe"))
    return client


def test_a_joined_incident_takes_alerts_and_posts_along(client: Client, store: PostStore) -> None:
    posts = store.count(Field("incident", "sj-0001")) + store.count(Field("incident", "sj-0002"))

    page = client.post("/incidents/sj-0001/join", {"into": "sj-0002", "why": "同一件事"}, follow=True)

    assert store.count(Field("incident", "sj-0002")) == posts
    assert Alert.objects.filter(incident="sj-0002").count() == 2
    assert "已并入" in page.content.decode()
    assert "同一件事" in Deed.objects.get(kind="join", login="shenzhihe").words


def test_last_weeks_matter_stands_below_todays_with_the_heat_that_is_left(client: Client) -> None:
    then = NIGHT - timedelta(days=2)
    old = IncidentState(id="old", title="旧事", first_seen_at=then, last_seen_at=then, heat=1024, heat_at=then)
    incidents.save([], [old])

    page = client.get("/incidents/").content.decode()

    assert page.index("sj-0001") < page.index("旧事")
    assert '<td class="r">4.0</td>' in page


def test_an_old_address_leads_to_the_joined_incident(client: Client) -> None:
    client.post("/incidents/sj-0001/join", {"into": "sj-0002", "why": "同一件事"})

    assert client.get("/incidents/sj-0001/").headers["Location"] == "/incidents/sj-0002/"
    assert (
        "已并入其他事件"
        in client.post("/incidents/sj-0001/join", {"into": "sj-0002", "why": "再来"}, follow=True).content.decode()
    )


def test_a_split_story_becomes_an_incident_with_its_posts(client: Client, store: PostStore) -> None:
    client.post("/incidents/sj-0001/join", {"into": "sj-0002", "why": "同一件事"})
    story = Story.objects.filter(incident="sj-0002").order_by("size").first()
    assert story

    client.post("/incidents/sj-0002/split", {"story": story.id, "why": "另一件事"})

    new = Incident.objects.exclude(id__in=["sj-0001", "sj-0002"]).get()
    assert store.count(Field("incident", new.id)) == store.count(Field("story", story.id)) > 0
    assert Deed.objects.filter(kind="split").exists()


@pytest.mark.parametrize(
    "sent", [{"into": "sj-0002"}, {"into": "sj-0001", "why": "自己"}, {"into": "none", "why": "无"}]
)
def test_a_join_without_reason_or_partner_changes_nothing(sent: dict[str, str], client: Client) -> None:
    client.post("/incidents/sj-0001/join", sent)

    assert not Incident.objects.exclude(merged_into=None).exists()
    assert not Deed.objects.exists()


def test_an_incident_page_quotes_its_posts_and_links_them(client: Client, store: PostStore) -> None:
    post = next(iter(store.scan(Field("incident", "sj-0002")))).post

    page = client.get("/incidents/sj-0002/").content.decode()

    assert "摘自原帖" in page
    assert f"/posts/{post.id}/" in page

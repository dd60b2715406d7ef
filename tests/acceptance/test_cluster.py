"""Two of every role on a real PostgreSQL and a real Elasticsearch, killed at random: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench import house
from caifeng.demo.slack_sink import Chat, SlackSink
from tests.fixtures.collect import an_article
from tests.servers import elasticsearch, postgresql
from tests.servers.site import Site, serve

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow]

POSTS, PAGES, KILLS = 300, 40, 8
#: `desk` is serve, schedule, sweep and send in one process.
ROLES = ("desk", "crawl", "work")
COUNTS = """
from caifeng import bootstrap
bootstrap.ready()
import json
from alerts import audit
from alerts.models import Alert, Notification
from core.query import Everything
from rules.models import FindingRow, MatchRow
from storage.models import InboxItem, Story
store = bootstrap.post_store()
store.maintain()
store.client.options(ignore_status=404).indices.refresh(index="posts")
ids = [post.post.id for post in store.scan(Everything())]
matches = list(MatchRow.objects.values_list("rule", "version", "post"))
states = list(Notification.objects.exclude(channel="console").values_list("state", flat=True))
print(json.dumps({
    "posts": len(ids), "distinct": len(set(ids)),
    "in_stories": sum(Story.objects.values_list("size", flat=True)),
    "left": InboxItem.objects.exclude(state="done").count(),
    "doubled_matches": len(matches) - len(set(matches)),
    "findings": FindingRow.objects.filter(state="raised").count(),
    "alerts": Alert.objects.count(),
    "keys": len(set(Alert.objects.values_list("rule", "key"))),
    "broken": len(audit.verify().broken),
    "unsent": sum(state in ("pending", "sending", "failed") for state in states),
    "sent": states.count("sent"),
}))
"""


@pytest.fixture
def site() -> Iterator[Site]:
    """A list with pages behind it."""
    with serve("127.0.0.21") as running:
        paths = [f"/n/{number}" for number in range(PAGES)]
        rows = "".join(f'<li><a href="{path}">城区供水检修通知 {path}</a></li>' for path in paths)
        running.pages["/list"] = f"<ul>{rows}</ul>"
        running.pages.update({path: an_article(f"通知 {path}") for path in paths})
        yield running


@pytest.fixture
def chat() -> Iterator[Chat]:
    """A chat that takes what Slack would take."""
    sink = SlackSink(chat=Chat(token="xoxb-test"))
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    yield sink.chat
    sink.shutdown()
    sink.server_close()


@pytest.fixture
def machines(tmp_path: Path, site: Site, chat: Chat) -> Iterator[list[dict[str, str]]]:
    """Environments of two machines that share both servers."""
    channels = tmp_path / "channels.json"
    slack = {"token": "xoxb-test", "base_url": f"{chat.url}/api/", "signing_secret": "test"}
    channels.write_text(json.dumps({"slack": slack}))
    source = f"  - {{id: site, name: 站, kind: list, url: '{site.url}/list', delay: 0s, limit: 1000, selectors: {{item: li}}}}\n"
    database = postgresql.start()
    try:
        with elasticsearch.own_server() as cluster:
            cluster.start()
            shared = {
                "CAIFENG_DATABASE_URL": database.url,
                "CAIFENG_STORE": "elasticsearch",
                "CAIFENG_ELASTICSEARCH_URL": cluster.url,
                "CAIFENG_SECRET_KEY": "one key for both machines",
                "CAIFENG_CHANNELS_FILE": str(channels),
                "CAIFENG_ALLOWED_NETWORKS": "127.0.0.0/8",
            }
            found = []
            for number, name in enumerate("ab"):
                environment = house.prepare(tmp_path / name) | shared | {"CAIFENG_PORT": str(18781 + number)}
                with (Path(environment["CAIFENG_PROFILE"]) / "sources.yaml").open("a", encoding="utf-8") as file:
                    file.write(source)
                found.append(environment)
            yield found
    finally:
        database.stop()


def told(folder: Path) -> Path:
    """Parents of eight places write of a canteen, minutes ago."""
    path, now = folder / "told.jsonl", datetime.now(UTC)
    places = ("石澜镇", "禾渡镇", "云杼镇", "青砚镇", "望禾乡", "松圩乡", "竹浦街道", "北杼街道")
    lines = [
        json.dumps(
            {
                "id": f"T{number}",
                "title": f"学校食堂 {number}",
                "text": f"{places[number % 8]}中心小学食堂吃完午饭，第{number * 7919 % 100003}个孩子上吐下泻，送医院了。",
                "published_at": (now - timedelta(seconds=number)).isoformat(),
            },
            ensure_ascii=False,
        )
        for number in range(POSTS)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def counted(environment: Mapping[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-c", COUNTS]
    done = subprocess.run(command, env=dict(environment), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_two_of_every_role_killed_at_random_lose_and_double_nothing(
    machines: list[dict[str, str]], chat: Chat, tmp_path: Path
) -> None:
    chance = random.Random(20261122)
    command = [sys.executable, "-m", "caifeng.cli", "import", str(told(tmp_path)), "--source", "bench", "--no-process"]
    subprocess.run(command, env=machines[0], check=True)
    running = {(machine, role): house.start(machines[machine], role) for machine in (0, 1) for role in ROLES}
    try:
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(2, 6))
            machine, role = chance.choice(list(running))
            running[machine, role].kill()
            running[machine, role].wait()
            running[machine, role] = house.start(machines[machine], role)
        ends = time.monotonic() + 420
        while time.monotonic() < ends:
            found = counted(machines[0])
            if found["posts"] == POSTS + PAGES and not found["left"] and not found["unsent"]:
                break
    finally:
        house.end(running.values())

    assert (found["posts"], found["distinct"], found["in_stories"], found["left"]) == (
        POSTS + PAGES,
        POSTS + PAGES,
        POSTS + PAGES,
        0,
    )
    assert (found["doubled_matches"], found["broken"], found["unsent"]) == (0, 0, 0)
    assert found["alerts"] == found["keys"] > 0
    # A sender killed between the send and its record sends again; nothing is sent less than once.
    assert len(chat.messages) >= found["sent"] > 0

"""kill -9 at any moment loses nothing and doubles nothing: twenty times, on one home."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.acceptance.conftest import Command

KILLS = 20
POSTS = 3000
COUNTS = """
from caifeng import bootstrap
bootstrap.ready()
from core.query import Everything
from rules.models import MatchRow
from storage.models import InboxItem, Story
import json
stories = sum(Story.objects.values_list("size", flat=True))
ids = [post.post.id for post in bootstrap.post_store().scan(Everything())]
matches = list(MatchRow.objects.values_list("rule", "version", "post"))
print(json.dumps({
    "posts": len(ids), "distinct": len(set(ids)), "in_stories": stories,
    "waiting": InboxItem.objects.exclude(state="done").count(),
    "matches": len(matches), "distinct_matches": len(set(matches)),
    "first_match": [list(match) for match in sorted(matches)[:3]],
}))
"""


def posts_file(folder: Path) -> Path:
    path = folder / "many.jsonl"
    lines = [
        json.dumps(
            {
                "id": f"K{number}",
                "title": f"反映第{number}号路灯不亮",
                "text": f"石澜镇石桥村第{number}根电线杆的路灯坏了{number % 17}天，编号{number * 7919 % 100003}，没人来修。",
                "published_at": "2026-11-20T08:00:00+08:00",
            },
            ensure_ascii=False,
        )
        for number in range(POSTS)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.slow
def test_no_post_is_lost_and_none_doubled(caifeng: Command, home: Path, tmp_path: Path) -> None:
    chance = random.Random(20261122)
    environment = {**os.environ, "CAIFENG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "caifeng.settings"}
    assert caifeng("import", str(posts_file(tmp_path)), "--source", "board", "--no-process").returncode == 0

    for _ in range(KILLS):
        worker = subprocess.Popen(
            [sys.executable, "-m", "caifeng.cli", "work"], env=environment, stderr=subprocess.DEVNULL
        )
        threading.Event().wait(chance.uniform(1.0, 3.0))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    # A killed worker's rows are under lease for minutes; the clock of the last run is set forward instead of waiting.
    finish = (
        "from caifeng import bootstrap; bootstrap.ready()\n"
        "from datetime import UTC, datetime, timedelta\n"
        "from caifeng.work import worker\n"
        "role = worker('last')\n"
        "while role.step(datetime.now(UTC) + timedelta(hours=1)): pass\n"
    )
    subprocess.run([sys.executable, "-c", finish], env=environment, check=True)

    counted = json.loads(
        subprocess.run([sys.executable, "-c", COUNTS], env=environment, check=True, capture_output=True).stdout
    )
    assert (counted["posts"], counted["distinct"], counted["in_stories"], counted["waiting"]) == (
        POSTS,
        POSTS,
        POSTS,
        0,
    )
    assert counted["matches"] == counted["distinct_matches"]

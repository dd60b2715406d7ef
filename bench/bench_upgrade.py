"""An upgrade while posts come in: every role gives way to one of a newer version that brings a migration.

The newer version is a copy of this one with one more migration. Posts that raise alerts arrive all the time, messages go
to a local chat. How long the console does not answer is measured from outside, every 50 ms.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from urllib.error import URLError
from urllib.request import urlopen

from bench import house
from bench.house import show

ROOT = Path(__file__).parent.parent
PACKAGES = ("core", "storage", "pipeline", "crawlers", "rules", "alerts", "briefings", "console", "caifeng", "deploy")
ROLES = ("work", "desk")
PLACES = ("石澜镇", "禾渡镇", "云杼镇", "青砚镇", "望禾乡", "松圩乡", "竹浦街道", "北杼街道")
MIGRATION = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("alerts", "{last}")]
    operations = [migrations.RunSQL("CREATE INDEX bench_upgrade ON alerts_alert (title)")]
"""


def newer(folder: Path) -> Path:
    """A copy of the packages with one more migration."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    migrations = folder / "alerts" / "migrations"
    last = sorted(path.stem for path in migrations.glob("0*.py"))[-1]
    (migrations / "9999_upgrade.py").write_text(MIGRATION.format(last=last))
    return folder


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Visitor(threading.Thread):
    """Asks the console again and again; `away` is the longest time without an answer."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.url, self.away, self.answered = f"http://127.0.0.1:{port}/healthz", 0.0, threading.Event()

    def run(self) -> None:
        last = time.monotonic()
        while True:
            with suppress(URLError, OSError), urlopen(self.url, timeout=5):
                now = time.monotonic()
                self.away = max(self.away, now - last) if self.answered.is_set() else 0.0
                last = now
                self.answered.set()
            time.sleep(0.05)


class Feed(threading.Thread):
    """Five posts a second, one of them from parents of a canteen; each place has its own alert in the end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stop, self.sent = threading.Event(), 0

    def run(self) -> None:
        from storage.inbox import DjangoInbox

        door, texts = DjangoInbox(), house.texts()
        while not self.stop.wait(1.0):
            now, place = datetime.now(UTC), PLACES[self.sent // 20 % len(PLACES)]
            told = ("学校食堂", f"{place}中心小学食堂吃完午饭，第{self.sent}个孩子上吐下泻，送医院了")
            batch = [told, *(next(texts) for _ in range(4))]
            door.put(house.items(iter(batch), range(self.sent, self.sent + 5), now), now)
            self.sent += 5


def upgrade(running: dict[str, Popen[bytes]], environment: Mapping[str, str], version: Path) -> None:
    """One role after the other, as docs/operations.md says: the newer one begins before the older one ends."""
    from storage.models import Heartbeat

    for name, process in running.items():
        newer = house.start(environment, name, version=version)
        while not Heartbeat.objects.filter(instance__endswith=f":{newer.pid}").exists():
            time.sleep(0.2)
        house.end([process])
        running[name] = newer


def main() -> None:
    """Run old, upgrade under load, count."""
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-", ignore_cleanup_errors=True) as path:
        folder = Path(path)
        from caifeng.demo.slack_sink import Chat, SlackSink

        sink = SlackSink(chat=Chat(token="xoxb-bench"))
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        channels = {"slack": {"token": "xoxb-bench", "base_url": f"{sink.chat.url}/api/", "signing_secret": "bench"}}
        (folder / "channels.json").write_text(json.dumps(channels))
        port = free_port()
        settings = {"CAIFENG_PORT": str(port), "CAIFENG_CHANNELS_FILE": str(folder / "channels.json")}
        environment = house.prepare(folder / "home") | settings
        version = newer(folder / "newer")
        house.enter(environment)
        feed, visitor = Feed(), Visitor(port)
        running = {name: house.start(environment, name, version=ROOT) for name in ROLES}
        try:
            visitor.start()
            visitor.answered.wait(120)
            feed.start()
            time.sleep(20)
            upgrade(running, environment, version)
            time.sleep(25)
            feed.stop.set()
            feed.join()
            settled(feed.sent)
        finally:
            house.end(running.values())
        report(feed.sent, visitor.away, len(sink.chat.messages))


def settled(sent: int) -> None:
    """Until all posts and messages are through for ten seconds, for rules speak after posts; three minutes at most."""
    from alerts.models import Notification

    waiting = Notification.objects.filter(state__in=["pending", "sending"])
    begun = busy_at = time.monotonic()
    while (now := time.monotonic()) < min(begun + 180, busy_at + 10):
        if house.done() < sent or waiting.exists():
            busy_at = now
        time.sleep(0.5)


def report(sent: int, away: float, taken: int) -> None:
    """The bars."""
    from django.db.migrations.recorder import MigrationRecorder

    from alerts import audit
    from alerts.models import Alert, Notification
    from caifeng import bootstrap
    from core.query import Everything
    from rules.models import FindingRow

    applied = MigrationRecorder.Migration.objects.filter(app="alerts", name="9999_upgrade").exists()
    if not applied:
        sys.exit("the newer version did not bring its migration")
    load, stored = f"load {os.getloadavg()[0]:.1f}", bootstrap.post_store().count(Everything())
    raised = set(FindingRow.objects.filter(state="raised").values_list("rule", flat=True))
    alerted = set(Alert.objects.values_list("rule", flat=True))
    messages = Notification.objects.filter(state="sent").count()
    unsent = Notification.objects.filter(state__in=["pending", "sending", "failed"])
    lost = unsent.count()
    broken = len(audit.verify().broken)
    show("upgrade under load: console away", "< 10 s", f"{away:.1f} s ({load})")
    show("posts lost", "0", f"{sent - stored} of {sent}")
    show("alerts lost", "0", f"{len(raised - alerted)}; {Alert.objects.count()} alerts, {broken} breaks in the record")
    show("messages lost", "0", f"{lost + max(0, messages - taken)}; {messages} sent, {taken} taken by the chat")
    for row in unsent[:5]:
        print(f"  {row.state} {row.channel} {row.attempts} attempts, due {row.due_at:%H:%M:%S}: {row.error[:100]}")


if __name__ == "__main__":
    main()

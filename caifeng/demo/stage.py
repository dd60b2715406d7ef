"""Sets the demo's stage: the town and its chat on loopback, sources that read it, accounts to log in with.

`prepare` writes what a home needs, once and again without harm; `play` serves town and chat until stopped.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: The account the demo prints; a duty lead sees and may do most.
LOGIN = "guhuaiqing"
ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the demo of one home stands."""

    home: Path
    port: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Stage:
        """From the same settings the roles read."""
        return cls(
            home=Path(environment.get("CAIFENG_HOME", "var")).resolve(),
            port=int(environment.get("CAIFENG_PORT", "8000")),
        )

    @property
    def folder(self) -> Path:
        """What the demo keeps of its own."""
        return self.home / "demo"

    @property
    def url(self) -> str:
        """The console."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def town_url(self) -> str:
        """The town's site."""
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def chat_url(self) -> str:
        """The page that shows what the chat received."""
        return f"http://127.0.0.1:{self.port + 2}"

    def environment(self) -> dict[str, str]:
        """Settings of the roles in a demo; what the user set wins."""
        ours = {
            "CAIFENG_CHANNELS_FILE": str(self.folder / "channels.json"),
            "CAIFENG_ALLOWED_NETWORKS": "127.0.0.1/32",
            "CAIFENG_PROFILE": "example-county",
        }
        return {name: os.environ.get(name, value) for name, value in ours.items()}

    def password(self) -> str:
        """The demo accounts' password: made once per home, readable by its owner only."""
        return self._kept("password.txt", secrets.token_urlsafe(9))

    def bot_token(self) -> str:
        """What the chat knows us by."""
        return self._kept("bot-token.txt", f"xoxb-{secrets.token_hex(12)}")

    def signing_secret(self) -> str:
        """What the chat signs button presses with."""
        return self._kept("signing-secret.txt", secrets.token_hex(16))

    def began(self) -> datetime:
        """When the town's story begins: at the first start of this home."""
        return datetime.fromisoformat(self._kept("began.txt", datetime.now(UTC).isoformat()))

    def _kept(self, name: str, first: str) -> str:
        path = self.folder / name
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(first)
        return path.read_text().strip()


def prepare(stage: Stage) -> None:
    """Profile, sources of the town, channels file and accounts."""
    from caifeng import bootstrap

    bootstrap.ready()
    from django.contrib.auth.hashers import make_password

    from caifeng import accounts
    from storage import documents

    now = datetime.now(UTC)
    stage.began()
    (stage.folder / "channels.json").write_text(json.dumps(_channels(stage), indent=2))
    profile = bootstrap.installation().profile
    text = (Path(__file__).parent / "sources.yaml").read_text("utf-8").replace("{town}", stage.town_url)
    current = documents.newest("sources")
    if current is None or current.body != text:
        documents.save("sources", text, based_on=current.version if current else 0, actor="system:demo", now=now)
    # Hashing is slow on purpose; the demo's accounts share one password, so once is enough.
    password_hash = make_password(stage.password())
    accounts.from_profile(profile, password_hash)
    accounts.add(ADMIN, "系统管理员", ["administrator", "duty_lead"], password_hash)


def _channels(stage: Stage) -> dict[str, dict[str, Any]]:
    return {
        "slack": {
            "token": stage.bot_token(),
            "base_url": f"{stage.chat_url}/api/",
            "signing_secret": stage.signing_secret(),
            # Whoever presses a button on the chat's page.
            "users": {"U_DEMO": LOGIN},
        }
    }


def play(stage: Stage) -> None:
    """Serve the town and the chat until SIGTERM."""
    from caifeng import supervise
    from caifeng.demo import slack_sink
    from caifeng.demo.town import Town

    supervise.die_with_parent()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    chat = slack_sink.Chat(
        token=stage.bot_token(),
        interactions_url=f"{stage.url}slack/interactions",
        signing_secret=stage.signing_secret(),
    )
    servers = [Town(stage.port + 1, stage.began()), slack_sink.SlackSink(port=stage.port + 2, chat=chat)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    stop.wait()
    for server in servers:
        server.shutdown()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caifeng.settings")
    {"prepare": prepare, "play": play}[sys.argv[1]](Stage.of(os.environ))

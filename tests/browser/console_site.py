"""The console over a seeded night, as uvicorn serves it to the browser tests: `uvicorn console_site:application`.

CAIFENG_TEST_SEED=hostile makes every text of the seed an attack.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caifeng.settings")

import django

django.setup()

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command

from briefings import parts
from caifeng import profile
from console import deps
from storage.sqlite import SqliteStore

# A good hash takes a third of a second at every login.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLATION = profile.load(profile.texts(profile.find("example-county")))
STORE = SqliteStore(Path(settings.HOME) / "posts.sqlite3")


def seed() -> None:
    """Bring the database of this home up and fill it once."""
    from alerts.models import Alert
    from storage import documents
    from tests.fixtures.console_night import a_hostile_night, a_night

    call_command("migrate", verbosity=0, interactive=False)
    if Alert.objects.exists():
        return
    now = datetime.now(UTC)
    for name, text in profile.texts(profile.find("example-county")).items():
        if documents.newest(name) is None:
            documents.save(name, text, based_on=0, actor="system:setup", now=now)
    night = a_hostile_night if os.environ.get("CAIFENG_TEST_SEED") == "hostile" else a_night
    night(INSTALLATION.profile, STORE, now)


def wire() -> None:
    """Hand the console its parts."""
    from tests.fixtures.console_night import RULE

    parts.install(post_store=lambda: STORE, profile=lambda: INSTALLATION.profile)
    deps.install(
        post_store=lambda: STORE,
        profile=lambda: INSTALLATION.profile,
        rules=lambda: [RULE],
        sources=lambda: INSTALLATION.sources,
        check=profile.load,
    )


seed()
wire()
application = get_asgi_application()

"""Makes things happen in a home while a console serves it: one command per line, one answer per line.

`open TITLE` opens an alert; `note NUMBER TEXT` adds a note to one. The answer is the id of the event and the moment
it was committed.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caifeng.settings")

import django

django.setup()

from alerts import desk
from alerts.desk import Action, Command
from alerts.models import Alert, AlertEvent
from caifeng import profile
from core.model import Finding
from core.profile import Profile


def opened(title: str, county: Profile) -> None:
    """Open an alert of that title."""
    now = datetime.now(UTC)
    key = f"{title}-{now.timestamp()}"
    alert = desk.open_or_join(
        Finding(rule="stir", key=key, at=now, reason="试验", evidence=()),
        rule_title=title,
        severity=None,
        owner_hint=None,
        posts=[],
        profile=county,
        now=now,
    )
    Alert.objects.filter(pk=alert.pk).update(title=title)


def noted(number: str, text: str, county: Profile) -> None:
    """Add a note to an alert."""
    alert = Alert.objects.get(number=number)
    desk.act(Command(alert=alert.pk, action=Action.NOTE, actor="zhushuyan", note=text), county, datetime.now(UTC))


def main() -> None:
    """Until the end of standard input."""
    county = profile.load(profile.texts(profile.find("example-county"))).profile
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "open":
            opened(rest, county)
        else:
            number, _, text = rest.partition(" ")
            noted(number, text, county)
        last = AlertEvent.objects.order_by("-id").values_list("id", flat=True).first()
        sys.stdout.write(f"{last} {time.time()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

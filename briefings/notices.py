"""Who hears of a draft and of a published briefing; written to the outbox with their cause."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings

from alerts import outbox, people, roster
from alerts.people import Person, from_member
from briefings.document import Document, Paragraph
from briefings.models import Briefing
from briefings.render import TYPES
from core.profile import Profile

#: Roles that read what is published.
READERS = ("leader", "deputy_leader", "office_head")
#: What goes with an e-mail: the one to sign and file, the one everybody can open.
ATTACHED = ("docx", "pdf")
_URGENCY = 6


def drafted(briefing: Briefing, document: Document, profile: Profile, now: datetime) -> int:
    """Tell those on duty that a draft waits for a reader's eye; return how many messages were written."""
    on_duty = roster.on_duty(profile, people.load_substitutions(), now)
    told = [from_member(member) for member in on_duty.people]
    title = f"{document.head.name}{document.head.issue}已起草，请审阅"
    return _tell(briefing, document, told, title, "当班：简报待审", "draft", now, [])


def published(
    briefing: Briefing, document: Document, files: Mapping[str, bytes], profile: Profile, now: datetime
) -> int:
    """Tell the leaders that an issue is out, by e-mail with its files; return how many messages were written."""
    directory = people.load(profile)
    told = [person for role in READERS for person in directory.in_role(role)]
    title = f"{document.head.name}{document.head.issue}"
    attached = [
        {"name": f"{title}.{form}", "type": TYPES[form], "body": base64.b64encode(files[form]).decode()}
        for form in ATTACHED
    ]
    return _tell(briefing, document, told, title, "简报报送对象", "published", now, attached)


def _tell(
    briefing: Briefing,
    document: Document,
    told: Iterable[Person],
    title: str,
    reason: str,
    occasion: str,
    now: datetime,
    attached: list[dict[str, str]],
) -> int:
    """Each person by the channel they prefer, and by e-mail where they have an address."""
    payload = {
        "title": title,
        "text": summary(document),
        "number": briefing.ref,
        "level": "",
        "state": briefing.state,
        "url": f"{settings.PUBLIC_URL}/briefings/{briefing.ref}/",
        "actions": [],
        "version": briefing.version,
    }
    written = 0
    for person in told:
        for channel in dict.fromkeys(
            [*list(person.addresses)[:1], *(["email"] if "email" in person.addresses else [])]
        ):
            written += outbox.enqueue(
                dedupe_key=f"briefing:{briefing.ref}:{occasion}:{channel}:{person.addresses[channel]}"[:256],
                kind="briefing",
                channel=channel,
                recipient=person.addresses[channel],
                recipient_name=person.name,
                reason=reason,
                payload=payload | ({"files": attached} if channel == "email" and attached else {}),
                urgency=_URGENCY,
                now=now,
            )
    return written


def summary(document: Document) -> str:
    """The first paragraphs, for a message."""
    texts = [document.words(block.runs) for block in document.blocks if isinstance(block, Paragraph)]
    return "\n".join(texts[:3])[:600]

"""A mail relay (aiosmtpd) that refuses, defers, or breaks off after taking a mail."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Relay:
    """Keeps mails; `plan` holds the answers to the next ones, as SMTP writes them, "" to break off after taking."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.plan: list[str] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802 -- a name of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        """Only the county's mailboxes exist."""
        if not address.endswith("@example.org"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 -- a name of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take the mail unless told otherwise."""
        planned = self.plan.pop(0) if self.plan else "250 taken"
        if planned[:1] in ("", "2"):
            raw = cast(bytes, envelope.content)
            mail: Message = BytesParser(policy=default).parsebytes(raw)
            self.mails.append(cast(EmailMessage, mail))
        if not planned and server.transport is not None:
            server.transport.abort()
        return planned or "250 taken"


@contextmanager
def relay() -> Iterator[Relay]:
    """A relay on loopback."""
    kept = Relay()
    with socket.create_server(("127.0.0.1", 0)) as free:
        kept.port = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=kept.port)
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()

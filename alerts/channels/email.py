"""E-mail by SMTP; the Message-ID is made of our id, so a repeat is known as one."""

from __future__ import annotations

import base64
import smtplib
import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import ClassVar, Literal

from alerts.channels.plain import whole
from alerts.pace import Limit
from core.errors import CaifengError, Permanent, Retry
from core.ports import Message


class Email:
    """`security`: `tls` from the first byte, `starttls`, or `none` for a relay on the same machine."""

    #: One connection at a time, as most relays want it.
    limit: ClassVar[Limit] = Limit(burst=50, every=timedelta(milliseconds=100), shared=True)

    def __init__(
        self,
        *,
        host: str,
        sender: str,
        port: int = 465,
        security: Literal["tls", "starttls", "none"] = "tls",
        user: str = "",
        password: str = "",
        sender_name: str = "采风",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if security not in ("tls", "starttls", "none"):
            raise ValueError("security must be tls, starttls or none")
        if password and security == "none":
            raise ValueError("a password needs tls or starttls")
        self._from = Address(display_name=sender_name, addr_spec=sender)
        self._host, self._port, self._security = host, port, security
        self._user, self._password = user, password
        self._clock = clock

    def send(self, message: Message) -> str:
        """Return the Message-ID, once the relay has taken the mail."""
        mail = self._mail(message)
        try:
            with self._connect() as relay:
                relay.send_message(mail)
        except smtplib.SMTPException as error:
            raise _meaning(error) from None
        except ssl.SSLCertVerificationError:
            raise Permanent("邮件服务器的证书不可信") from None
        except OSError as error:
            raise Retry(f"连接邮件服务器失败：{type(error).__name__}") from None
        return str(mail["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        # The name is given, for smtplib would otherwise ask the DNS for it.
        name = self._from.domain
        if self._security == "tls":
            context = ssl.create_default_context()
            relay: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, name, timeout=10, context=context)
        else:
            relay = smtplib.SMTP(self._host, self._port, name, timeout=10)
        try:
            if self._security == "starttls":
                relay.starttls(context=ssl.create_default_context())
            if self._user:
                relay.login(self._user, self._password)
        except BaseException:
            relay.close()
            raise
        return relay

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        try:
            mail["To"] = Address(addr_spec=message.recipient)
        except (ValueError, IndexError, MessageError):
            raise Permanent("不是电子邮件地址") from None
        mail["From"] = self._from
        # A line end in a subject would begin another header.
        mail["Subject"] = " ".join(message.title.split())[:200] or "采风通知"
        mail["Date"] = formatdate(self._clock())
        mail["Message-ID"] = f"<{message.id}@{self._from.domain}>"
        if alert := message.data.get("alert"):
            mail["References"] = f"<alert-{alert}@{self._from.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n\n".join(part for part in whole(message) if part) + "\n")
        for file in message.data.get("files", ()):
            kind, _, subtype = file["type"].partition("/")
            mail.add_attachment(base64.b64decode(file["body"]), kind, subtype, filename=file["name"])
        return mail


def _meaning(error: smtplib.SMTPException) -> CaifengError:
    """4yz may pass, 5yz will not (RFC 5321 §4.2.1); a broken connection may."""
    codes = [code for code, _ in error.recipients.values()] if isinstance(error, smtplib.SMTPRecipientsRefused) else []
    if isinstance(error, smtplib.SMTPResponseException):
        codes = [error.smtp_code]
    if codes and all(code >= 500 for code in codes):
        return Permanent(f"邮件服务器拒绝：{codes[0]}")
    return Retry(f"邮件服务器暂不受理：{codes[0] if codes else type(error).__name__}")

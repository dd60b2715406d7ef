"""企业微信 group robots: plain text of at most 2,048 bytes; success is errcode 0, not the HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from alerts.channels import http
from alerts.channels.plain import fit
from alerts.pace import Limit
from core.errors import Permanent, Retry
from core.ports import Message

TEXT_BYTES = 2048
#: errcode -1 system busy, 45009 more than 20 messages in a minute.
_BUSY = {-1: None, 45009: 60.0}


class Wecom:
    """`targets`: name of a group → the robot's webhook address."""

    #: 20 a minute for one robot.
    limit: ClassVar[Limit] = Limit(burst=5, every=timedelta(seconds=4))

    def __init__(self, *, targets: Mapping[str, str], proxy: str | None = None) -> None:
        self._targets = http.check_addresses(targets)
        self._client = http.client(proxy)

    def send(self, message: Message) -> str:
        """Text, not markdown: nothing a post says can become a link or a mention."""
        body = {"msgtype": "text", "text": {"content": fit(message, TEXT_BYTES)}}
        answer = http.reply(http.post(self._client, http.target(self._targets, message.recipient), json=body))
        code = answer.get("errcode")
        if code in _BUSY:
            raise Retry(f"企业微信暂不受理：errcode {code}", _BUSY[code])
        if code != 0:
            raise Permanent(f"企业微信拒绝：errcode {code}")
        return ""

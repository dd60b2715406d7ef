"""钉钉 group robots: the signature is encoded once, success is errcode 0, not the HTTP status."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import ClassVar

import httpx

from alerts.channels import http
from alerts.channels.plain import fit
from alerts.pace import Limit
from core.errors import Permanent, Retry
from core.ports import Message

TEXT_BYTES = 16_000
#: A robot that sent more than 20 a minute is shut for ten minutes.
_BUSY: Mapping[object, float | None] = {-1: None, 130101: 600.0, 410100: 600.0}
_HINTS: Mapping[object, str] = {310000: "（签名、关键词或 IP 限制不符）", 300001: "（access_token 无效）"}


def sign(timestamp: str, secret: str) -> str:
    """Base64 of HMAC-SHA256 over `timestamp\\nsecret`; the query encoding is the client's."""
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class Dingtalk:
    """`targets`: name of a group → webhook address; `secrets`: name → its signing secret, where it has one."""

    #: 20 a minute for one robot.
    limit: ClassVar[Limit] = Limit(burst=5, every=timedelta(seconds=4))

    def __init__(
        self,
        *,
        targets: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
        proxy: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._targets = http.check_addresses(targets)
        self._secrets = dict(secrets or {})
        self._client = http.client(proxy)
        self._clock = clock

    def send(self, message: Message) -> str:
        """Plain text: nothing a post says can become a link or a mention."""
        body = {"msgtype": "text", "text": {"content": fit(message, TEXT_BYTES)}, "at": {"isAtAll": False}}
        url = self._signed(http.target(self._targets, message.recipient), message.recipient)
        answer = http.reply(http.post(self._client, url, json=body))
        code = answer.get("errcode")
        if code in _BUSY:
            raise Retry(f"钉钉暂不受理：errcode {code}", _BUSY[code])
        if code != 0:
            raise Permanent(f"钉钉拒绝：errcode {code}{_HINTS.get(code, '')}")
        return ""

    def _signed(self, url: str, recipient: str) -> str:
        if recipient not in self._secrets:
            return url
        timestamp = str(int(self._clock() * 1000))
        return str(
            httpx.URL(url).copy_merge_params(
                {"timestamp": timestamp, "sign": sign(timestamp, self._secrets[recipient])}
            )
        )

"""飞书 group robots: the signature stands in the body, success is code 0, not the HTTP status."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import ClassVar

from alerts.channels import http
from alerts.channels.plain import fit
from alerts.pace import Limit
from core.errors import Permanent, Retry
from core.ports import Message

#: The whole body may have 20 KB.
TEXT_BYTES = 16_000
#: 11232 and 9499: too many requests.
_BUSY = {11232: 60.0, 9499: 60.0}
_HINTS = {
    19001: "（webhook 地址无效）",
    19021: "（签名不符或时间相差过大）",
    19022: "（IP 限制）",
    19024: "（缺少关键词）",
}
#: Feishu reads `<at user_id="all">` in plain text.
_WIDE = str.maketrans("<>", "＜＞")


def sign(timestamp: str, secret: str) -> str:
    """Base64 of HMAC-SHA256 with `timestamp\\nsecret` as the key over nothing."""
    digest = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class Feishu:
    """`targets`: name of a group → webhook address; `secrets`: name → its signing secret, where it has one."""

    #: 100 a minute and 5 a second for one robot.
    limit: ClassVar[Limit] = Limit(burst=3, every=timedelta(milliseconds=650))

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
        """Plain text without angle brackets: nothing a post says can become a mention."""
        text = fit(message, TEXT_BYTES).translate(_WIDE)
        body = {"msg_type": "text", "content": {"text": text}, **self._signature(message.recipient)}
        answer = http.reply(http.post(self._client, http.target(self._targets, message.recipient), json=body))
        code = answer.get("code", answer.get("StatusCode"))
        if code in _BUSY:
            raise Retry(f"飞书暂不受理：code {code}", _BUSY[code])
        if code != 0:
            raise Permanent(f"飞书拒绝：code {code}{_HINTS.get(code, '')}")
        return ""

    def _signature(self, recipient: str) -> dict[str, str]:
        if recipient not in self._secrets:
            return {}
        timestamp = str(int(self._clock()))
        return {"timestamp": timestamp, "sign": sign(timestamp, self._secrets[recipient])}

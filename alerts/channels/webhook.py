"""A signed webhook for other systems, as standardwebhooks.com has it: headers webhook-id, -timestamp, -signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping

from alerts.channels import http
from core.ports import Message


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; the raw body, not what a parser made of it."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()}"


class Webhook:
    """`targets`: name → address; `secrets`: name → the secret shared with that target, one for each."""

    def __init__(
        self,
        *,
        targets: Mapping[str, str],
        secrets: Mapping[str, str],
        proxy: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._targets = http.check_addresses(targets)
        if unsigned := sorted(set(self._targets) - {name for name, secret in secrets.items() if len(secret) >= 16}):
            raise ValueError(f"secrets of 16 or more characters are missing for: {', '.join(unsigned)}")
        self._secrets = dict(secrets)
        self._client = http.client(proxy)
        self._clock = clock

    def send(self, message: Message) -> str:
        """The id is the same on every try; a receiver drops what it has already taken."""
        url, timestamp = http.target(self._targets, message.recipient), str(int(self._clock()))
        content = {"id": message.id, "title": message.title, "text": message.text, "data": dict(message.data)}
        body = json.dumps(content, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self._secrets[message.recipient], message.id, timestamp, body),
        }
        http.post(self._client, url, content=body, headers=headers)
        return message.id

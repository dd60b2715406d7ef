"""飞书's group robot: signature in the body over the second stamp; errors in code, bad requests under HTTP 200."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from tests.servers.strict import Answer, Request, said

HOOK, SECRET = "fs-hook", "fs-secret"


def robot(now: Callable[[], float]) -> Callable[[Request], Answer]:
    """A robot with a signing secret; a stamp may differ by an hour. A mention in the text is a fault here."""

    def answer(request: Request) -> Answer:
        if request.path != f"/open-apis/bot/v2/hook/{HOOK}":
            return said({"code": 19001, "msg": "param invalid: incoming webhook access token invalid"})
        body = request.json
        stamp = str(body.get("timestamp", ""))
        digest = hmac.new(f"{stamp}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
        fresh = stamp.isdigit() and abs(now() - int(stamp)) < 3600
        if not fresh or body.get("sign") != base64.b64encode(digest).decode():
            return said({"code": 19021, "msg": "sign match fail or timestamp is not within one hour"})
        text = body.get("content", {}).get("text", "")
        if body.get("msg_type") != "text" or not text or len(request.body) > 20_000 or "<at" in text:
            return said({"code": 9499, "msg": "Bad Request"})
        return said({"code": 0, "msg": "success", "StatusCode": 0})

    return answer

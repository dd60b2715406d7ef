"""钉钉's group robot: signature over the millisecond stamp, once encoded; errors in errcode under HTTP 200."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from tests.servers.strict import Answer, Request, said

TOKEN, SECRET = "dt-token", "SECabc+/="


def robot(now: Callable[[], float]) -> Callable[[Request], Answer]:
    """A robot with a signing secret; a stamp may differ by an hour."""

    def answer(request: Request) -> Answer:
        if request.path != "/robot/send" or request.query.get("access_token") != TOKEN:
            return said({"errcode": 300001, "errmsg": "token is not exist"})
        stamp = request.query.get("timestamp", "")
        digest = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
        fresh = stamp.isdigit() and abs(now() * 1000 - int(stamp)) < 3_600_000
        if not fresh or request.query.get("sign") != base64.b64encode(digest).decode():
            return said({"errcode": 310000, "errmsg": "sign not match"})
        content = request.json.get("text", {}).get("content", "")
        if request.json.get("msgtype") != "text" or not content or len(request.body) > 20_000:
            return said({"errcode": 40035, "errmsg": "缺少参数 content"})
        return said({"errcode": 0, "errmsg": "ok"})

    return answer

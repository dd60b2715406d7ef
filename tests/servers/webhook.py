"""A receiver of signed webhooks after standardwebhooks.com: raw body, five minutes, repeats dropped by id."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from tests.servers.strict import Answer, Request

SECRET = "shared-secret-of-the-receiver"


def receiver(now: Callable[[], float], accepted: list[str]) -> Callable[[Request], Answer]:
    """Answers 401 to what is not signed, 200 to a repeat; ids it took the first time stand in `accepted`."""

    def answer(request: Request) -> Answer:
        identity, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
        signed = f"{identity}.{stamp}.".encode() + request.body
        digest = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        fresh = stamp.isdigit() and abs(now() - int(stamp)) <= 300
        if not fresh or not hmac.compare_digest(f"v1,{digest}", request.headers.get("webhook-signature", "")):
            return Answer(status=401)
        if request.json["id"] != identity:
            return Answer(status=400)
        if identity not in accepted:
            accepted.append(identity)
        return Answer(status=200)

    return answer

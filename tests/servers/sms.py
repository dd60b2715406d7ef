"""An SMS gateway as many are: token in a header, form or JSON body, its own code in a 200 answer."""

from __future__ import annotations

from tests.servers.strict import Answer, Request, said

TOKEN = "Bearer gateway-token"


def gateway(request: Request) -> Answer:
    """Code 0 taken, 1 refused, 9 busy; the text may have 300 characters."""
    if request.headers.get("authorization") != TOKEN:
        return said({"code": 1, "message": "auth"})
    body = request.json
    if not body["phones"][0].lstrip("+").isdigit() or not 1 <= len(body["content"]) <= 300:
        return said({"code": 1, "message": "bad request"})
    return said({"code": 0, "data": {"batch": f"b-{body['ref']}"}})

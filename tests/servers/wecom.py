"""企业微信's group robot: key in the query, 2,048 bytes of text, errors in errcode under HTTP 200, 20 a minute."""

from __future__ import annotations

from collections.abc import Callable

from tests.servers.strict import Answer, Request, said

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"


def robot(per_minute: int = 20) -> Callable[[Request], Answer]:
    """A robot that has sent nothing yet."""
    taken: list[str] = []

    def answer(request: Request) -> Answer:
        if request.path != "/cgi-bin/webhook/send" or request.query.get("key") != KEY:
            return said({"errcode": 93000, "errmsg": "invalid webhook url"})
        if len(taken) >= per_minute:
            return said({"errcode": 45009, "errmsg": "api freq out of limit"})
        fault = _fault(request.json)
        if not fault["errcode"]:
            taken.append(request.json["text"]["content"])
        return said(fault)

    return answer


def _fault(body: dict[str, object]) -> dict[str, object]:
    text = body.get("text")
    content = text.get("content") if isinstance(text, dict) else None
    if body.get("msgtype") != "text":
        return {"errcode": 40008, "errmsg": "invalid message type"}
    if not isinstance(content, str) or not content:
        return {"errcode": 44004, "errmsg": "empty content"}
    if len(content.encode()) > 2048:
        return {"errcode": 40058, "errmsg": "text.content exceed max length 2048"}
    return {"errcode": 0, "errmsg": "ok"}

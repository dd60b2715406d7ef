"""SMS through any gateway that speaks HTTP: the administrator writes down how its request looks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import jmespath

from alerts.channels import http
from alerts.pace import Limit
from core.errors import Permanent, Retry
from core.ports import Message

_PHONE = re.compile(r"\+?[0-9]{5,15}")
_PLACE = re.compile(r"\{(phone|text|id)\}")


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """The template with `{phone}`, `{text}` and `{id}` in its strings replaced, once; values are never re-read."""
    if isinstance(template, str):
        return _PLACE.sub(lambda place: values[place[1]], template)
    if isinstance(template, Mapping):
        return {name: filled(part, values) for name, part in template.items()}
    return [filled(part, values) for part in template] if isinstance(template, list) else template


class Sms:
    """`url`, `method`, `headers`, and one of `json`, `form`, `query`: the request, with places to fill.

    `ok`: a JMESPath over the JSON answer that is true when the gateway took the message (`code == '0'`);
    `busy`: one that is true when it should be tried again; `provider_id`: where the answer names it.
    """

    #: The gateway's contract decides; this keeps a storm of alerts payable.
    limit: ClassVar[Limit] = Limit(burst=20, every=timedelta(seconds=1), shared=True)

    def __init__(
        self,
        *,
        url: str,
        ok: str,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        busy: str = "`false`",
        provider_id: str = "''",
        signature: str = "",
        longest: int = 300,
        proxy: str | None = None,
    ) -> None:
        self._url = http.check_addresses({"url": url})["url"]
        self._method = method
        parts = {"headers": headers, "json": json, "data": form, "params": query}
        self._request = {name: dict(part) for name, part in parts.items() if part}
        self._ok, self._busy, self._provider_id = (_expression(text) for text in (ok, busy, provider_id))
        self._signature = signature
        self._longest = longest
        self._client = http.client(proxy)

    def send(self, message: Message) -> str:
        """One text to one phone."""
        if not _PHONE.fullmatch(message.recipient):
            raise Permanent("不是电话号码")
        values = {"phone": message.recipient, "text": self._text(message), "id": message.id}
        answer = http.reply(http.call(self._client, self._method, self._url, **filled(self._request, values)))
        if self._busy.search(answer) is True:
            raise Retry("短信网关暂不受理")
        if self._ok.search(answer) is not True:
            raise Permanent("短信网关拒绝")
        return str(self._provider_id.search(answer) or "")

    def _text(self, message: Message) -> str:
        """Title, number and link on one line; people read the rest at the desk."""
        number = str(message.data.get("number") or "")
        url = str(message.data.get("action_url") or message.data.get("url") or "")
        tail = " ".join(part for part in (f"编号{number}" if number else "", url) if part)
        head = " ".join(f"{self._signature}{message.title}".split())
        room = max(self._longest - len(tail) - 1, 10)
        return f"{head if len(head) <= room else head[: room - 1] + '…'} {tail}".strip()


def _expression(text: str) -> Any:
    try:
        return jmespath.compile(text)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"not a JMESPath: {text!r}") from error

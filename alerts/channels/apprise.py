"""Everything else, through Apprise: Bark, Server酱, PushPlus, QQ, Matrix and a hundred more."""

from __future__ import annotations

from collections.abc import Mapping

import apprise

from alerts.channels.http import target
from alerts.channels.plain import whole
from core.errors import Permanent, Retry
from core.ports import Message


class AppriseChannel:
    """`targets`: name → Apprise address (`bark://…`)."""

    def __init__(self, *, targets: Mapping[str, str]) -> None:
        self._targets = dict(targets)
        for name, address in self._targets.items():
            if apprise.Apprise.instantiate(address) is None:
                raise ValueError(f"target {name!r} has no address Apprise can read")

    def send(self, message: Message) -> str:
        """Apprise cuts to the service's limits and tells no reason when it fails, so every failure may pass."""
        service = apprise.Apprise.instantiate(target(self._targets, message.recipient))
        if service is None:
            raise Permanent("Apprise 地址无效")
        body = "\n".join(part for part in (message.text, whole(message)[1]) if part) or message.title
        if not service.notify(body=body, title=message.title, body_format=apprise.NotifyFormat.TEXT):
            raise Retry("Apprise 报告未送达")
        return ""

"""One file per way of telling someone. To add one: `docs/how-to-add-a-channel.md`."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import ConfigError, Fault
from core.ports import Notifier

#: Name → class. Its constructor takes the settings of the channels file as keywords and raises ValueError or
#: TypeError on bad ones; its module loads only when the channel is configured.
REGISTRY: dict[str, str] = {
    "console": "alerts.channels.console:Console",
    "slack": "alerts.channels.slack:Slack",
    "email": "alerts.channels.email:Email",
    "wecom": "alerts.channels.wecom:Wecom",
    "dingtalk": "alerts.channels.dingtalk:Dingtalk",
    "feishu": "alerts.channels.feishu:Feishu",
    "webhook": "alerts.channels.webhook:Webhook",
    "sms": "alerts.channels.sms:Sms",
    "apprise": "alerts.channels.apprise:AppriseChannel",
}


def load(config: Mapping[str, Any], *, file: str = "channels") -> dict[str, Notifier]:
    """Open every configured channel, and the console, which needs no settings. Raises ConfigError with all faults.

    Key: the channel's name, or any name with the setting `kind`, so that there can be two of one kind; `heartbeat`
    is no channel but whom to send signs of life (`alerts.heartbeat`).
    """
    channels: dict[str, Notifier] = {}
    faults: list[Fault] = []
    named = {name: settings for name, settings in config.items() if name != "heartbeat"}
    for name, settings in {"console": {}, **named}.items():
        try:
            channels[name] = _open(name, settings)
        except (TypeError, ValueError) as error:
            faults.append(Fault(file=file, line=None, reason=f"{name}: {error}"))
    if faults:
        raise ConfigError(faults)
    return channels


def load_file(path: str) -> dict[str, Notifier]:
    """Open the channels of a JSON file; with an empty path the console alone. Raises ConfigError."""
    if not path:
        return load({})
    try:
        config = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([Fault(file=path, line=None, reason=f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise ConfigError([Fault(file=path, line=line, reason="is not JSON in UTF-8")]) from error
    if not isinstance(config, dict):
        raise ConfigError([Fault(file=path, line=1, reason="must be an object: channel name → settings")])
    return load(config, file=path)


def _open(name: str, settings: Any) -> Notifier:
    if not isinstance(settings, dict):
        raise ValueError("settings must be an object")
    if ":" in name:
        raise ValueError("a channel's name holds no colon")
    options = dict(settings)
    kind = options.pop("kind", name)
    if kind not in REGISTRY:
        raise ValueError(f"unknown channel kind {kind!r}; known: {', '.join(REGISTRY)}")
    module, attribute = REGISTRY[kind].split(":")
    channel: Notifier = getattr(importlib.import_module(module), attribute)(**options)
    return channel

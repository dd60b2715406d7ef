"""A message as plain text, cut to what a channel takes: pure."""

from __future__ import annotations

from core.ports import Message


def whole(message: Message) -> tuple[str, str]:
    """The words, and the tail that must survive a cut: number and link."""
    head = f"{message.title}\n{message.text}".strip()
    level, number, url, act = (str(message.data.get(name) or "") for name in ("level", "number", "url", "action_url"))
    facts = "，".join(part for part in (f"编号 {number}" if number else "", f"{level}级" if level else "") if part)
    return head, "\n".join(part for part in (facts, url, f"免登录办理：{act}" if act else "") if part)


def fit(message: Message, limit: int) -> str:
    """At most `limit` bytes of UTF-8, cut between characters; the tail stays whole."""
    head, tail = whole(message)
    end = f"\n{tail}" if tail else ""
    room = limit - len(end.encode())
    return clip(head, room) + end if room > 0 else clip(f"{head}{end}", limit)


def clip(text: str, limit: int) -> str:
    """At most `limit` bytes; `…` says that there was more."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: max(limit - len("…".encode()), 0)].decode(errors="ignore") + ("…" if limit >= 3 else "")

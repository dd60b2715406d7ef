"""What becomes of a message before and after it was tried: pure decisions of the outbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts import pace
from alerts.lifecycle import OPEN_STATES, State
from alerts.models import Notification
from core.errors import CaifengError, Permanent, Retry

#: A message that asks for something is pointless once its alert has left these states; other kinds always go.
ASKING: Mapping[str, Collection[State]] = {
    "new_alert": {State.DETECTED},
    "dispatch": {State.DISPATCHED},
    "returned": {State.ASSESSED},
    **dict.fromkeys(("reminder", "overdue", "supervision_order"), OPEN_STATES),
}


def moot(kind: str, state: State, *, stage_settled: bool) -> str:
    """Why the message is no longer worth sending, in Chinese; empty when it still is.

    `stage_settled`: the deadline the message is about was met, cancelled or paused.
    """
    if stage_settled and kind != "circular":
        return "该环节已完成或已停止计时，不再提醒"
    if kind not in ASKING or state in ASKING[kind]:
        return ""
    return f"告警{'已有人处理' if state in OPEN_STATES else '已结束'}（{state.label}），不再通知"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The row's new state after a failed try."""

    state: Notification.Sending
    due_at: datetime
    #: A person hears of it through another way.
    tell: bool


def after_failure(error: CaifengError, *, seed: str, failures: int, created_at: datetime, now: datetime) -> Verdict:
    """Try again later, or give up when trying cannot help or has lasted too long."""
    wait = pace.backoff(failures, seed)
    if isinstance(error, Retry) and error.after is not None:
        wait = max(wait, pace.asked(error.after))
    # A message that a person put back into the queue is old, and still gets its tries.
    worn_out = failures >= pace.TELL_AFTER and now + wait - created_at > pace.PATIENCE
    hopeless = isinstance(error, Permanent) or worn_out
    if hopeless:
        return Verdict(state=Notification.Sending.FAILED, due_at=now, tell=True)
    return Verdict(state=Notification.Sending.PENDING, due_at=now + wait, tell=failures == pace.TELL_AFTER)


def lane_rest(error: CaifengError, *, gave_up: bool) -> timedelta | None:
    """How long the failed message's whole lane rests: as asked, or a little when it seems dead; else not at all."""
    if isinstance(error, Retry) and error.after is not None:
        return pace.asked(error.after)
    return pace.LANE_REST if gave_up else None


def way(addresses: Mapping[str, str], *, open_channels: Sequence[str], tried: Collection[str]) -> str:
    """The first configured channel, in order of configuration, that reaches the person and was not tried; or empty."""
    return next((name for name in open_channels if name in addresses and name not in tried), "")

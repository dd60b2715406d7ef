"""Who is on duty now and until when, for the frame and the feed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.people import load_substitutions
from alerts.roster import OnDuty, on_duty
from core.clock import SHANGHAI
from core.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The shift that is running: its name and ends."""

    name: str
    start: datetime
    end: datetime


def turn(duty: OnDuty, now: datetime) -> Turn:
    """The running turn; the calendar day where the roster has none."""
    if duty.start and duty.end:
        return Turn(name=duty.shift, start=duty.start, end=duty.end)
    midnight = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return Turn(name="全天", start=midnight, end=midnight + timedelta(days=1))


def load(profile: Profile, now: datetime) -> OnDuty:
    """The people of this moment, substitutions included."""
    return on_duty(profile, load_substitutions(), now)

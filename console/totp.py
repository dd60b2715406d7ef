"""The optional second factor: time-based one-time codes (RFC 6238)."""

from __future__ import annotations

from datetime import datetime

import pyotp
from django.contrib.auth.models import User

from console.models import SecondFactor

#: A phone's clock may be one step off.
STEP_SECONDS, DRIFT_STEPS = 30, 1


def confirmed(user: User) -> bool:
    """Whether this person logs in with a code besides the password."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def accepts(user: User, code: str, now: datetime) -> bool:
    """Whether the code is right now and was not taken before; takes it."""
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        return False
    step = matching_step(factor.secret, code, now)
    if step is None:
        return False
    return SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step) == 1


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, None when there is none nearby."""
    current = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code.strip()):
            return step
    return None


def begin(user: User) -> str:
    """Make a new secret that does not count until a code confirmed it; return the address for the app."""
    secret = pyotp.random_base32()
    SecondFactor.objects.update_or_create(user=user, defaults={"secret": secret, "confirmed_at": None, "last_step": 0})
    return pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name="采风")


def confirm(user: User, code: str, now: datetime) -> bool:
    """Make the second factor count from now on, if the code is right."""
    if not accepts(user, code, now):
        return False
    return SecondFactor.objects.filter(user=user).update(confirmed_at=now) == 1

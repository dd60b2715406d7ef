"""The parts the briefings' pages are handed at start: they never ask `caifeng` for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from core.errors import ConfigError
from core.ports import PostStore
from core.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Each is called once per request."""

    post_store: Callable[[], PostStore]
    profile: Callable[[], Profile]
    clock: Callable[[], datetime]


_installed: list[Parts] = []


def install(
    *,
    post_store: Callable[[], PostStore],
    profile: Callable[[], Profile],
    clock: Callable[[], datetime] = timezone.now,
) -> None:
    """Take the parts; the newest call counts."""
    _installed[:] = [Parts(post_store=post_store, profile=profile, clock=clock)]


def _parts() -> Parts:
    if not _installed:
        raise ConfigError("the briefings were started without their parts: call briefings.parts.install first")
    return _installed[0]


def post_store() -> PostStore:
    """The store posts are read from."""
    return _parts().post_store()


def profile() -> Profile:
    """The jurisdiction as saved now."""
    return _parts().profile()


def now() -> datetime:
    """The server's time."""
    return _parts().clock()

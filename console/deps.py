"""The parts the console is handed at start: it never asks `caifeng` for them.

`caifeng.bootstrap` calls `install`; tests install their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from core.errors import ConfigError
from core.ports import PostStore
from core.profile import Profile

if TYPE_CHECKING:
    from crawlers.sources import Source
    from rules.schema import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Each is called once per request, so that what an administrator saved counts at once."""

    post_store: Callable[[], PostStore]
    profile: Callable[[], Profile]
    rules: Callable[[], Sequence[Rule]]
    sources: Callable[[], Sequence[Source]]
    #: Raises ConfigError with every fault of a profile given as section → text.
    check: Callable[[Mapping[str, Any]], object]
    clock: Callable[[], datetime]


_installed: list[Parts] = []


def _unchecked(texts: Mapping[str, Any]) -> object:
    """Without a checker nothing may be saved."""
    raise ConfigError("本次启动没有装入校验，不能保存配置")


def install(
    *,
    post_store: Callable[[], PostStore],
    profile: Callable[[], Profile],
    rules: Callable[[], Sequence[Any]] = tuple,
    sources: Callable[[], Sequence[Any]] = tuple,
    check: Callable[[Mapping[str, Any]], object] = _unchecked,
    clock: Callable[[], datetime] = timezone.now,
) -> None:
    """Take the parts; the newest call counts."""
    _installed[:] = [
        Parts(post_store=post_store, profile=profile, rules=rules, sources=sources, check=check, clock=clock)
    ]


def _parts() -> Parts:
    if not _installed:
        raise ConfigError("the console was started without its parts: call console.deps.install first")
    return _installed[0]


def post_store() -> PostStore:
    """The store posts are read from."""
    return _parts().post_store()


def profile() -> Profile:
    """The jurisdiction as saved now."""
    return _parts().profile()


def rules() -> Sequence[Rule]:
    """The rules in force."""
    return _parts().rules()


def sources() -> Sequence[Source]:
    """The sources in force."""
    return _parts().sources()


def check(texts: Mapping[str, Any]) -> None:
    """Raise ConfigError with every fault of a profile given as section → text."""
    _parts().check(texts)


def now() -> datetime:
    """The server's time, which drives every countdown."""
    return _parts().clock()

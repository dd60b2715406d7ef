"""Marks of the desk: level squares, countdowns, bars, times, and post text with its finds marked."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.contrib.auth.models import User
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console import deps, marking, wording
from console.clocks import moment, span
from console.feed import Clock
from console.roles import ROLE_NAMES, Role
from core.clock import SHANGHAI
from core.model import Engagement
from storage.models import Incident
from storage.stories import heat_now

register = template.Library()


@register.filter
def numeral(level: str) -> str:
    """`II` → `Ⅱ`, as one character."""
    return wording.NUMERALS.get(level, level)


@register.filter
def clock(at: datetime | None) -> str:
    """`20:00`, local."""
    return f"{at.astimezone(SHANGHAI):%H:%M}" if at else "—"


@register.filter
def when(at: datetime | None) -> str:
    """A moment as near as today needs it."""
    return moment(at, deps.now()) if at else "—"


@register.filter
def heat(incident: Incident) -> float:
    """An incident's heat now; its row has that of its newest post."""
    return heat_now(incident.heat, incident.heat_at, deps.now())


@register.filter
def percent(share: float | None) -> str:
    """`95.8%`; unknown is `—`, never 0."""
    return "—" if share is None else f"{share:.1%}"


@register.filter
def length_words(length: timedelta) -> str:
    """A length as countdowns write it."""
    return span(length)


@register.filter
def minute(at: datetime | None) -> str:
    """`2026-11-19 02:17`, local."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at else "—"


@register.filter
def role_name(role: str) -> str:
    """A role in words."""
    return ROLE_NAMES.get(Role(role), role) if role in set(Role) else role


@register.filter
def named(code: str, table: str) -> str:
    """A code in the words of one of `console.wording`'s tables."""
    return wording.word(getattr(wording, table), code)


@register.filter
def unit_name(unit_id: str) -> str:
    """A department's usual short name."""
    unit = deps.profile().department(unit_id)
    return unit.short if unit else unit_id


@register.filter
def person(login: str) -> str:
    """A login as a name: a roster member, a department, or a part of Caifeng itself."""
    if login.startswith("system:"):
        return "系统"
    if login.startswith("unit:"):
        return unit_name(login.removeprefix("unit:"))
    return _names(int(deps.now().timestamp()) // NAMES_KEPT).get(login, login)


#: Seconds a table of names stands before it is read again.
NAMES_KEPT = 30


@functools.lru_cache(maxsize=1)
def _names(period: int) -> dict[str, str]:
    """Login → name, of accounts and of the roster."""
    accounts = User.objects.exclude(first_name="").values_list("username", "first_name")
    return {**dict(accounts), **{member.login: member.name for member in deps.profile().roster.members}}


@register.filter
def source_name(source_id: str) -> str:
    """A source's name; its id when the profile no longer has it."""
    return next((source.name for source in deps.sources() if source.id == source_id), source_id)


@register.filter
def clean(text: str) -> str:
    """Text from outside without characters that only deceive the eye; escaped by the template."""
    return marking.plain(text)


@register.filter
def attention(seen: Engagement) -> str:
    """What a page shows of a post's reach; nothing where it shows nothing."""
    counts = [count for count in (seen.comments, seen.shares, seen.likes) if count is not None]
    if counts:
        return f"转评赞 {sum(counts)}"
    return f"阅读 {seen.views}" if seen.views is not None else ""


@register.simple_tag
def level(level_id: str, name: str, suggested: bool = False) -> SafeString:
    """The square with its numeral and the word beside; a proposal is dashed."""
    return format_html(
        '<span class="lv{}"><b class="lv-{}">{}</b>{}</span>',
        " lv-sug" if suggested else "",
        level_id,
        numeral(level_id),
        "建议" if suggested else name,
    )


_SIGN = SafeString('<i aria-hidden="true">!</i>')


@register.simple_tag
def countdown(value: Clock, big: str = "") -> SafeString:
    """A countdown the browser keeps running."""
    tone = value.left.tone
    words = value.left.words
    return format_html(
        '<span class="left{}{}" data-due="{}" data-from="{}"{}>{}<span>{}</span></span>',
        f" left-{tone}" if tone else "",
        f" {big}" if big else "",
        int(value.due.timestamp()),
        int(value.started.timestamp()),
        SafeString(" data-fixed") if "工作日" in words else "",
        _SIGN if tone else "",
        words,
    )


@register.simple_tag
def bar(percent: int, tone: str = "", label: str = "") -> SafeString:
    """A bar of the share used; drawn, because inline styles are forbidden."""
    return format_html(
        '<svg class="bar{}" viewBox="0 0 100 4" preserveAspectRatio="none" {}><rect width="{}" height="4"/></svg>',
        f" bar-{tone}" if tone else "",
        format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"'),
        max(0, min(100, percent)),
    )


@register.simple_tag
def marked(text: str, terms: Sequence[str] = (), limit: int = 0) -> SafeString:
    """Post text, escaped, with the found terms and the masked places marked."""
    return marking.mark(marking.cut(text, terms, limit) if limit else text, terms)


@register.filter
def get(mapping: Any, key: str) -> Any:
    """`mapping[key]`, None when it is not there."""
    return mapping.get(key)

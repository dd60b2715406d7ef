"""What the briefings' templates need beyond Django's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template

from core.clock import SHANGHAI

register = template.Library()

_STEPS = {
    "draft": "起草",
    "recompose": "重新取数",
    "edit": "修改",
    "submit": "送审",
    "approve": "审核通过",
    "return": "退回",
    "sign": "签发",
    "publish": "发布",
    "correct": "更正",
}


@register.filter
def briefing_step(kind: str) -> str:
    """A step in the officers' words."""
    return _STEPS.get(kind, kind)


@register.filter
def cell(value: Any) -> str:
    """A ledger value as it is shown: local time, — when unknown."""
    if isinstance(value, datetime):
        return f"{value.astimezone(SHANGHAI):%m-%d %H:%M}"
    return "—" if value is None or value == "" else str(value)


@register.filter
def lasting(length: timedelta) -> str:
    """2时05分; days where there are any."""
    minutes = round(length.total_seconds() / 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days}天{hours}时"
    return f"{hours}时{rest:02d}分" if hours else f"{rest}分"

"""Styles that come from the profile."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from console import deps
from console.access import page
from console.roles import Page

#: Colours with a tuned pair for light and dark; any other must be #rrggbb.
NAMED = {"red", "orange", "yellow", "blue"}


@page(Page.OPEN)
@require_GET
def levels_css(request: HttpRequest) -> HttpResponse:
    """The level squares' colours as the profile sets them; colour names only, no code can come through."""
    rules = "\n".join(level_rule(level.id, level.colour) for level in deps.profile().levels)
    # Every page waits for it, and colours of levels hardly ever change.
    return HttpResponse(rules, content_type="text/css; charset=utf-8", headers={"Cache-Control": "private, max-age=60"})


def level_rule(level_id: str, colour: str) -> str:
    """The rule of one level; what is no colour leaves the square plain."""
    name = re.sub(r"[^A-Za-z0-9_-]", "", level_id)
    if colour in NAMED:
        edge = "box-shadow: inset 0 0 0 1px var(--yellow-edge);" if colour == "yellow" else ""
        return (
            f".lv-{name} {{ --lv-own: var(--{colour}); background: var(--{colour}); color: var(--on-{colour}); {edge} }}"
            f"\n.lv-sug .lv-{name}[class] {{ border-color: var(--{colour}); }}"
        )
    if re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        return (
            f".lv-{name} {{ background: {colour}; color: {ink_on(colour)}; }}"
            f"\n.lv-sug .lv-{name}[class] {{ border-color: {colour}; }}"
        )
    return f".lv-{name} {{ border: 1px solid var(--edge); }}"


def ink_on(colour: str) -> str:
    """Black or white, whichever contrasts more with #rrggbb (WCAG 2.2 relative luminance)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"

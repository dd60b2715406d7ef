"""The 简报 head of each kind."""

from __future__ import annotations

from datetime import datetime

from briefings.document import Head
from core.clock import SHANGHAI
from core.profile import Profile

#: Kind → its name; the weekly one has the name the profile gives.
KIND_TITLES = {
    "weekly": "周报",
    "daily": "日报",
    "monthly": "月报",
    "flash": "快报",
    "follow_up": "续报",
    "special": "专报",
    "circular": "通报",
    "handover": "交接班摘要",
}


def head(kind: str, issue: int, profile: Profile, now: datetime) -> Head:
    """The head for an issue number."""
    report = profile.report
    return Head(
        name=_name(kind, profile),
        issue=f"第{issue}期",
        secrecy=report.secrecy,
        serial=f"编号 {issue:04d}",
        issuer=report.issuer,
        date=now.astimezone(SHANGHAI).date(),
        signer=report.signer,
        report_to=report.report_to,
        send_to=report.send_to,
        copies=report.copies,
        line_points=report.line_points,
    )


def _name(kind: str, profile: Profile) -> str:
    """采川舆情周报 → 采川舆情快报: the profile's own words with the kind put in."""
    title = profile.report.title or f"{profile.short}舆情周报"
    word = KIND_TITLES[kind]
    return title.replace("周报", word) if "周报" in title else f"{title}（{word}）"

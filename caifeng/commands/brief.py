"""`caifeng brief` and `caifeng ledger`: documents for people, from stored rows only."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from django.conf import settings

from briefings import drafting, editing, periods
from briefings import ledger as ledgers
from briefings import trace as traces
from briefings.models import Briefing
from briefings.render import FORMATS
from caifeng import bootstrap
from core.clock import SHANGHAI
from core.errors import ConfigError


@click.group()
def brief() -> None:
    """Weekly, daily, flash and other briefings; each number can be traced."""


_out = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default=True,
    help="folder to write to",
)
_formats = click.option("--format", "formats", multiple=True, type=click.Choice(FORMATS), help="default: all of them")


@brief.command()
@click.option("--week", default="last", show_default=True, help="2026-W46, last or current (up to this minute)")
@_out
@_formats
def weekly(week: str, out: Path, formats: tuple[str, ...]) -> None:
    """周报: draft a week and write it as .docx, .pdf and .html."""
    _write(_draft("weekly", week), out, formats)


@brief.command()
@click.argument("day", default="")
@_out
@_formats
def daily(day: str, out: Path, formats: tuple[str, ...]) -> None:
    """日报 of a day (default: today so far)."""
    _write(_draft("daily", day or f"{datetime.now(SHANGHAI):%Y-%m-%d}"), out, formats)


@brief.command()
@click.argument("month", default="")
@_out
@_formats
def monthly(month: str, out: Path, formats: tuple[str, ...]) -> None:
    """月报 of a month, e.g. 2026-11 (default: this one so far)."""
    _write(_draft("monthly", month or f"{datetime.now(SHANGHAI):%Y-%m}"), out, formats)


@brief.command()
@click.argument("alert")
@_out
@_formats
def flash(alert: str, out: Path, formats: tuple[str, ...]) -> None:
    """快报 of an alert, by its number."""
    _write(_draft("flash", alert), out, formats)


@brief.command("follow-up")
@click.argument("alert")
@_out
@_formats
def follow_up(alert: str, out: Path, formats: tuple[str, ...]) -> None:
    """续报: what is new on an alert since its last report."""
    _write(_draft("follow_up", alert), out, formats)


@brief.command()
@click.argument("incident")
@_out
@_formats
def special(incident: str, out: Path, formats: tuple[str, ...]) -> None:
    """专报 of an incident, by its id."""
    _write(_draft("special", incident), out, formats)


@brief.command()
@click.argument("month")
@_out
@_formats
def circular(month: str, out: Path, formats: tuple[str, ...]) -> None:
    """通报: how punctual each department was in a month, e.g. 2026-11."""
    _write(_draft("circular", month), out, formats)


@brief.command()
@click.argument("turn", default="current")
@_out
@_formats
def handover(turn: str, out: Path, formats: tuple[str, ...]) -> None:
    """交接班 summary of the turn that runs, or of one by its start (20261119T2000)."""
    _write(_draft("handover", turn), out, formats)


@brief.command("list")
@click.option("--kind", default="", help="weekly, daily, flash …")
def list_(kind: str) -> None:
    """What has been drafted, the newest first."""
    bootstrap.ready()
    rows = Briefing.objects.defer("body").order_by("-composed_at")
    for row in rows.filter(kind=kind) if kind else rows:
        click.echo(f"{row.ref}\t第{row.issue}期\t{row.get_state_display()}")


@brief.command()
@click.argument("briefing")
@click.argument("key", default="")
@click.option("--limit", default=20, show_default=True, help="rows shown")
def trace(briefing: str, key: str, limit: int) -> None:
    """Where a number comes from: its query, the same counted now, and the rows. Without KEY: all numbers."""
    bootstrap.ready()
    row = Briefing.objects.filter(ref=briefing).first()
    if row is None:
        raise ConfigError(f"没有简报 {briefing}；用 caifeng brief list 查看")
    document = editing.current(row)
    if not key:
        for used in document.used():
            figure = document.figures[used]
            click.echo(f"{used}\t{figure.text}\t{figure.label}")
        return
    found = traces.trace(document, key, store=bootstrap.post_store(), now=datetime.now(UTC), limit=limit)
    now_value = "—" if found.now_value is None else f"{found.now_value:.6g}"
    click.echo(f"{found.figure.key}\t{found.figure.text}\t{found.figure.label}")
    click.echo(f"取数\t{found.how}")
    click.echo(f"重算\t{now_value}\t{'一致' if found.agrees else '不一致：其后数据有增减'}")
    for line in found.rows:
        at = f"{line.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if line.at else ""
        click.echo(f"{line.id}\t{at}\t{line.note}\t{line.title}")


def _draft(kind: str, subject: str) -> Briefing:
    bootstrap.ready()
    return drafting.draft(
        kind,
        subject,
        profile=bootstrap.profile(),
        store=bootstrap.post_store(),
        now=datetime.now(UTC),
        actor="system:cli",
    )


def _write(briefing: Briefing, out: Path, formats: tuple[str, ...]) -> None:
    """Write the files; their paths go to standard output, the state to standard error."""
    out.mkdir(parents=True, exist_ok=True)
    for name, data in editing.files(briefing, formats or FORMATS).items():
        path = out / f"{briefing.ref}.{name}"
        path.write_bytes(data)
        click.echo(path)
    click.echo(f"{briefing.ref}：{briefing.get_state_display()}", err=True)


@click.command()
@click.option("--from", "first", required=True, type=click.DateTime(["%Y-%m-%d"]), help="first day, e.g. 2026-11-01")
@click.option("--to", "last", required=True, type=click.DateTime(["%Y-%m-%d"]), help="last day, included")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="a file .xlsx or .csv")
def ledger(first: datetime, last: datetime, out: Path) -> None:
    """台账 of the alerts found between two days, in the office's own columns."""
    if out.suffix not in {".xlsx", ".csv"}:
        raise click.BadParameter("文件名应以 .xlsx 或 .csv 结尾", param_hint="--out")
    bootstrap.ready()
    profile = bootstrap.profile()
    period = periods.between(first.date(), last.date(), datetime.now(UTC))
    rows = ledgers.entries(
        ledgers.of_period(period.start, period.end),
        profile=profile,
        store=bootstrap.post_store(),
        public_url=settings.PUBLIC_URL,
    )
    if out.suffix == ".csv":
        out.write_text(ledgers.csv_text(rows, profile), encoding="utf-8", newline="")
    else:
        out.write_bytes(ledgers.xlsx(rows, profile, title=ledgers.title(period)))
    click.echo(out)

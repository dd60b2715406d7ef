"""`caifeng brief` and `caifeng ledger`: documents for people, from stored rows only."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from django.conf import settings

from briefings import drafting, editing, periods
from briefings import ledger as ledgers
from briefings.models import Briefing
from briefings.render import FORMATS
from caifeng import bootstrap


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
    _write(_periodical("weekly", week), out, formats)


def _periodical(kind: str, name: str) -> Briefing:
    bootstrap.ready()
    return drafting.periodical(
        kind, name, profile=bootstrap.profile(), store=bootstrap.post_store(), now=datetime.now(UTC), actor="system:cli"
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

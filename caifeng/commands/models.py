"""`caifeng models`: what the trained models are, and how right officers find them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pipeline.report import Corrected, Line


@click.group()
def models() -> None:
    """The trained models: their card, and a report made from officers' corrections."""


@models.command()
def card() -> None:
    """Print the model card: version, columns, hash constants, figures on texts held out from training."""
    from pipeline.heads import MODELS

    click.echo((MODELS / "card.json").read_text("utf-8").rstrip())


@models.command()
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table")
def report(as_json: bool) -> None:
    """Accuracy per field and source and its drift, from the corrections officers made."""
    from caifeng.bootstrap import ready

    ready()
    from pipeline.report import lines

    found = lines(_corrections(), _posts_by_source(), datetime.now(UTC))
    if as_json:
        click.echo(json.dumps([_as_data(line) for line in found], ensure_ascii=False, indent=1))
    elif not found:
        click.echo("还没有人工纠正记录")
    else:
        for line in found:
            click.echo(_as_text(line))


def _corrections() -> list[Corrected]:
    from pipeline.report import Corrected
    from storage.models import Correction

    return [
        Corrected(
            field=row.field,
            was=row.was,
            should_be=row.should_be,
            source=row.source,
            model_version=row.model_version,
            at=row.at,
        )
        for row in Correction.objects.order_by("at")
    ]


def _posts_by_source() -> dict[str, int]:
    """Items worked off per source since the first correction; the inbox keeps them for some days only."""
    from django.db.models import Count

    from storage.models import InboxItem

    rows = InboxItem.objects.filter(state=InboxItem.State.DONE).values("source").annotate(count=Count("id"))
    return {row["source"]: row["count"] for row in rows}


def _as_data(line: Line) -> dict[str, object]:
    from pipeline.report import verdict

    return {
        "field": line.field,
        "source": line.source,
        "corrections": line.corrections,
        "posts": line.posts,
        "accuracy": line.accuracy,
        "drift": line.drift,
        "confusions": dict(line.confusions),
        "verdict": verdict(line),
    }


def _as_text(line: Line) -> str:
    from pipeline.report import verdict

    accuracy = "准确率未知" if line.accuracy is None else f"准确率 {line.accuracy:.1%}"
    drift = "" if line.drift is None else f"，近四周为前四周的 {line.drift} 倍"
    confusions = "；".join(f"{pair} {count} 次" for pair, count in line.confusions)
    return f"{line.field}\t{line.source}\t纠正 {line.corrections} 次 / {line.posts} 条，{accuracy}{drift}\t{verdict(line)}\t{confusions}"

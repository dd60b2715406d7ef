"""Backup, restore and the doctor."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from caifeng import bootstrap

FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@FILE
def backup(file: Path) -> None:
    """Write a consistent copy of this home to FILE (tar), while everything runs."""
    bootstrap.ready()
    from caifeng import safekeeping

    kept = safekeeping.backup(file, bootstrap.post_store(), datetime.now(UTC))
    click.echo(f"已备份：帖文 {kept.posts} 条，告警 {kept.alerts} 条，{file.stat().st_size / 1e6:.1f} MB", err=True)


@click.command()
@FILE
def restore(file: Path) -> None:
    """Put a backup into an empty home, and verify it."""
    from caifeng import safekeeping

    kept = safekeeping.restore(file)
    click.echo(f"已恢复并核对：帖文 {kept.posts} 条，告警 {kept.alerts} 条", err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def doctor(as_json: bool) -> None:
    """Check what a night shift would ask: disk, clock, stores, channels, sources, roster. Exit code 1 if anything is wrong."""
    bootstrap.ready()
    from caifeng import health

    findings = health.examine(datetime.now(UTC))
    for finding in findings:
        if as_json:
            click.echo(json.dumps(asdict(finding), ensure_ascii=False))
        else:
            click.echo(f"{'正常' if finding.ok else '异常'}  {finding.what}：{finding.words}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)

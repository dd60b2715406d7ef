"""`caifeng check PROFILE`."""

from __future__ import annotations

import sys

import click

from caifeng import profile
from core.errors import ConfigError


@click.command()
@click.argument("name_or_path", default="example-county", metavar="[PROFILE]")
def check(name_or_path: str) -> None:
    """Check a profile (a name under deploy/profiles, or a folder); every error with file and line."""
    try:
        found = profile.load(profile.texts(profile.find(name_or_path)))
    except ConfigError as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        click.echo(f"{len(error.faults)} 处错误", err=True)
        sys.exit(1)
    county = found.profile
    click.echo(
        f"{county.name}：地区 {len(county.regions)}，单位 {len(county.departments)}，话题 {len(county.topics)}，"
        f"级别 {len(county.levels)}，时限 {len(county.windows)}，信源 {len(found.sources)}，规则 {len(found.rules)}。无错误"
    )

"""`caifeng sources`: list, try, add and inspect sources, and hand out push tokens."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from caifeng import bootstrap
from core.clock import SHANGHAI
from core.errors import ConfigError, Rejected
from core.model import Draft, Precision

if TYPE_CHECKING:
    from crawlers.preview import Preview
    from crawlers.safety import Network
    from crawlers.sources import Source

_HERE = Path(__file__).resolve().parent
#: In the source tree and in an installed wheel.
_CATALOGUES = (_HERE.parents[1] / "deploy" / "sources", _HERE.parent / "sources")


@click.group()
def sources() -> None:
    """Sources of this home and the catalogue that comes with Caifeng."""


@sources.command("list")
@click.option("--catalogue", is_flag=True, help="the catalogue instead of this home's sources")
@click.option("--json", "as_json", is_flag=True)
def list_sources(catalogue: bool, as_json: bool) -> None:
    """Every source: id, kind, name, address."""
    found = [source for source, _ in _catalogue()] if catalogue else _of_home()
    if as_json:
        click.echo(json.dumps([source.model_dump(mode="json") for source in found], ensure_ascii=False))
        return
    for source in found:
        state = ("启用" if source.enabled else "停用") + ("" if source.verified else "，未在线核对")
        click.echo(f"{source.id}\t{source.kind}\t{source.name}\t{state}\t{source.url}")
    click.echo(f"共 {len(found)} 个", err=True)


@sources.command("test")
@click.argument("name")
@click.option("--fixture", is_flag=True, help="read the stored documents, no network")
@click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="take the entry from this YAML file"
)
@click.option("--json", "as_json", is_flag=True, help="one draft a line")
def test_source(name: str, fixture: bool, file: Path | None, as_json: bool) -> None:
    """Show what source NAME would bring, without storing anything. Exit code 1 when it brings nothing."""
    bootstrap.ready()
    from crawlers import preview

    source, folder = _find(name, file)
    now = datetime.now(UTC)
    if fixture:
        found = preview.stored(source, folder, now)
    else:
        _quiet()
        networks, agent = _network_settings()
        found = preview.live(source, networks=networks, agent=agent, clock=lambda: datetime.now(UTC))
    _show_json(found) if as_json else _show(source, found)
    sys.exit(0 if found.drafts else 1)


@sources.command("add")
@click.argument("url")
@click.option("--id", "name", default="", help="id of the new source")
@click.option("--save", is_flag=True, help="add it to this home, switched off, instead of only showing it")
def add_source(url: str, name: str, save: bool) -> None:
    """Draft an entry for URL: its kind, its rows, how often. Look it over, then `caifeng sources test`."""
    bootstrap.ready()
    from crawlers import preview
    from crawlers import sources as schema
    from crawlers.guess import guess

    _quiet()
    networks, agent = _network_settings()
    try:
        response = preview.fetch(url, networks=networks, agent=agent, clock=lambda: datetime.now(UTC))
        kind = (response.headers.get("Content-Type") or b"").decode("latin-1")
        entry, remarks = guess(response.url, response.body, kind)
    except Rejected as error:
        click.echo(f"看不出这里是什么信源：{error}", err=True)
        sys.exit(1)
    entry |= {"enabled": False, "verified": False} | ({"id": name} if name else {})
    schema.parse(entry)
    click.echo(yaml.safe_dump([entry], allow_unicode=True, sort_keys=False), nl=False)
    for remark in remarks:
        click.echo(f"# {remark}", err=True)
    if save:
        _save(entry)


@sources.command("status")
@click.option("--json", "as_json", is_flag=True)
def status(as_json: bool) -> None:
    """How each source stands and why. Exit code 1 when one is silent, broken or blocked."""
    bootstrap.ready()
    from crawlers.models import SourceState

    rows = {row.source: row for row in SourceState.objects.all()}
    report = [_state(source, rows.get(source.id)) for source in bootstrap.sources()]
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        for one in report:
            click.echo(f"{one['word']}\t{one['id']}\t{one['name']}\t{_next_words(one['next'])}\t{one['reason']}")
    sys.exit(1 if any(one["health"] in ("silent", "broken", "blocked") for one in report) else 0)


@sources.command("token")
@click.argument("name")
@click.option("--holder", required=True, help="who gets it")
@click.option("--revoke", is_flag=True, help="take away every token this holder has for the source")
def token(name: str, holder: str, revoke: bool) -> None:
    """Make a token to push into source NAME. It is shown this once."""
    bootstrap.ready()
    from crawlers import tokens

    now = datetime.now(UTC)
    if revoke:
        click.echo(f"已收回 {tokens.revoke(name, holder, now)} 个令牌", err=True)
        return
    if name not in {source.id for source in bootstrap.sources() if source.kind.value == "push"}:
        raise ConfigError(f"{name} is not a push source of this home")
    click.echo(tokens.issue(name, holder, now))


def _of_home() -> list[Source]:
    bootstrap.ready()
    return list(bootstrap.sources())


def _catalogue() -> list[tuple[Source, Path]]:
    from crawlers import sources as schema

    folder = next((path for path in _CATALOGUES if path.is_dir()), None)
    if folder is None:
        raise ConfigError("the catalogue is not installed")
    files = sorted(folder.glob("*.yaml"))
    schema.load(*files)
    return [(source, file.parent) for file in files for source in schema.load(file)]


def _find(name: str, file: Path | None) -> tuple[Source, Path]:
    """The entry of that id: in the file given, else in this home, else in the catalogue."""
    from crawlers import sources as schema

    if file is not None:
        known = [(source, file.parent) for source in schema.load(file)]
    else:
        known = [*((source, Path()) for source in _of_home()), *_catalogue()]
    found = next((pair for pair in known if pair[0].id == name), None)
    if found is None:
        raise ConfigError(f"no source {name}; `caifeng sources list` shows them")
    return found


def _network_settings() -> tuple[Sequence[Network], str]:
    from django.conf import settings

    from crawlers.safety import parse_networks
    from crawlers.scrapy_settings import user_agent

    return parse_networks(settings.ALLOWED_NETWORKS), user_agent(settings.CONTACT)


def _quiet() -> None:
    logging.getLogger("scrapy").setLevel(logging.WARNING)


def _show(source: Source, found: Preview) -> None:
    for draft, trace in found.drafts:
        beginning = " ".join(draft.text[:60].split())
        click.echo(f"{_time_words(draft)}\t{draft.title}\t{len(draft.text)} 字：{beginning}\t{draft.url or trace}")
    failure = found.outcome.get("reason", "")
    for reason in dict.fromkeys([*found.rejected, *found.outcome.get("refused", ())]):
        if reason != failure:
            click.echo(f"不可用：{reason}", err=True)
    if failure:
        click.echo(f"失败：{failure}", err=True)
    links = f"，目录里有 {len(found.links)} 个要取的页面" if found.links else ""
    click.echo(f"{source.id}：{len(found.drafts)} 条可用，{len(found.rejected)} 条不可用{links}", err=True)


def _time_words(draft: Draft) -> str:
    """As exactly as the time is known, in China."""
    if draft.published_at is None:
        return "原文没有时间"
    local = draft.published_at.astimezone(SHANGHAI)
    return f"{local:%Y-%m-%d}" if draft.precision is Precision.DAY else f"{local:%Y-%m-%d %H:%M}"


def _next_words(at: str | None) -> str:
    return f"下次 {datetime.fromisoformat(at):%m-%d %H:%M}" if at else "不定时"


def _show_json(found: Preview) -> None:
    for draft, trace in found.drafts:
        values: dict[str, Any] = {
            "url": draft.url,
            "title": draft.title,
            "text": draft.text,
            "author": draft.author,
            "published_at": draft.published_at.isoformat() if draft.published_at else None,
            "precision": draft.precision,
            "external_id": draft.external_id,
            "extra": dict(draft.extra),
            "trace": trace,
        }
        click.echo(json.dumps(values, ensure_ascii=False))
    for reason in found.rejected:
        click.echo(json.dumps({"error": reason}, ensure_ascii=False))


def _state(source: Source, row: Any) -> dict[str, Any]:
    from crawlers import states

    if row is None:
        return {"id": source.id, "name": source.name, "health": "new", "word": "未采集" if source.enabled else "停用"} | {
            "reason": "", "next": None, "period": None, "failures": 0, "items": 0, "last_new": None
        }  # fmt: skip
    return {
        "id": source.id,
        "name": source.name,
        "health": row.health,
        "word": row.get_health_display() if source.enabled else "停用",
        "reason": row.health_reason,
        "next": _iso(row.next_fetch_at) if states.crawlable(source) else None,
        "period": row.period,
        "failures": row.failures,
        "items": row.items,
        "polls": row.polls,
        "last_new": _iso(row.last_new_at) if row.last_new_at else None,
    }


def _iso(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds")


def _save(entry: dict[str, Any]) -> None:
    from storage import documents

    bootstrap.ready()
    if entry["id"] in {source.id for source in bootstrap.sources()}:
        raise ConfigError(f"source {entry['id']}: this id is taken; give another with --id")
    current = documents.newest("sources")
    text = str(current.body).rstrip() if current else "sources:"
    line = f"\n  - {json.dumps(entry, ensure_ascii=False)}\n"
    documents.save(
        "sources",
        text + line,
        based_on=current.version if current else 0,
        actor="system:sources",
        now=datetime.now(UTC),
        note=f"caifeng sources add {entry['url']}",
    )
    click.echo(f"已加入本单位的信源（停用）：{entry['id']}", err=True)

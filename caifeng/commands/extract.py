"""`caifeng extract`: what the pipeline would read from a page; needs no database."""

from __future__ import annotations

import json
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from core.clock import SHANGHAI
from core.errors import Rejected
from core.model import Precision
from crawlers.extraction import Article, article
from crawlers.extraction.page import MAX_BYTES

_GZIP = b"\x1f\x8b"


@click.command(short_help="title, text and time of HTML files")
@click.argument("files", nargs=-1, required=True, metavar="FILE…|-")
@click.option("--url", default="", help="The page's address; its date helps when the page is silent.")
def extract(files: tuple[str, ...], url: str) -> None:
    """Print one JSON object a line, in the order of the files.

    Keys: title, text, published_at (with offset), precision (minute or day), author, encoding. A file
    that cannot be read gives {"error": reason} and exit code 1 at the end. `-` reads standard input;
    gzip is unpacked.
    """
    now = datetime.now(UTC)
    failed = False
    for name in files:
        line = _line(name, url, now)
        failed = failed or "error" in line
        click.echo(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace"))
    if failed:
        sys.exit(1)


def _line(name: str, url: str, now: datetime) -> dict[str, Any]:
    try:
        return _fields(article(_read(name), url=url, content_type="", now=now))
    except (Rejected, OSError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        return {"error": f"{name}: {reason}"}


def _read(name: str) -> bytes:
    """The bytes as fetched, unpacked when they are gzip; one more than the limit at most."""
    if name == "-":
        body = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    if body.startswith(_GZIP):
        unpacked = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        return unpacked.decompress(body, MAX_BYTES + 1)
    return body


def _fields(found: Article) -> dict[str, Any]:
    moment = found.published
    precision = None
    if moment is not None:
        precision = "day" if moment.precision is Precision.DAY else "minute"
    return {
        "title": found.title,
        "text": found.text,
        "published_at": moment.at.astimezone(SHANGHAI).isoformat(timespec="seconds") if moment else None,
        "precision": precision,
        "author": found.author,
        "encoding": found.encoding,
    }

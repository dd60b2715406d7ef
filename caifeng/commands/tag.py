"""`caifeng tag` and `caifeng merge`: JSON lines in, JSON lines out; neither starts Django."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from core.clock import SHANGHAI
from core.ids import content_hash
from core.model import Engagement, Mood, Post, Precision, TaggedPost, Tags
from core.profile import Profile

BATCH = 256
_SHORT = {Mood.NEGATIVE: "neg", Mood.NEUTRAL: "neu", Mood.POSITIVE: "pos"}
_TIME = re.compile(r"(\d{4})\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})(?:\D{1,3}(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?)?")
#: Stands for a publish time that is missing or unreadable.
_UNKNOWN_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Bad:
    """A line that is no text to be tagged."""

    line: int
    reason: str


def _published(value: object) -> datetime:
    """A time in nearly any form: ISO 8601, `2019/2/28 11:25:05`, a Unix time; without an offset it is local."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 4e12:
        return datetime.fromtimestamp(value / 1000 if value > 4e10 else value, UTC)
    text = str(value or "").strip()
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
    except ValueError:
        pass
    if match := _TIME.match(text):
        try:
            return datetime(*(int(part or 0) for part in match.groups()), tzinfo=SHANGHAI)  # type: ignore[misc, arg-type]  # six numbers, then tzinfo
        except ValueError:
            pass
    return _UNKNOWN_TIME


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class _Line:
    """A text of the file under its own id; the post's id is the line's number, for ids in files repeat."""

    id: object
    post: Post


def _posts(lines: Iterable[bytes]) -> Iterator[_Line | _Bad]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _post(line, number)


def _post(line: bytes, number: int) -> _Line | _Bad:
    from pipeline.clean import readable

    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _Bad(number, "不是 UTF-8 文本")
    except (json.JSONDecodeError, RecursionError) as error:
        return _Bad(number, f"不是 JSON：{error}")
    if not isinstance(row, dict):
        return _Bad(number, "不是 JSON 对象")
    if not isinstance(row.get("text", row.get("title")), str):
        return _Bad(number, "缺少字段 text")
    title, text = readable(_text(row.get("title"))), readable(_text(row.get("text")))
    at = _published(row.get("published_at"))
    post = Post(
        id=str(number),
        source=_text(row.get("source")),
        kind="",
        url="",
        title=title,
        text=text,
        language="und",
        published_at=at,
        precision=Precision.SECOND,
        first_seen_at=at,
        author_hash="",
        author_label="",
        engagement=Engagement(),
        content_hash=content_hash(f"{title}\n{text}"),
    )
    return _Line(row.get("id", number), post)


def _batches(found: Iterable[_Line | _Bad], bad: list[_Bad]) -> Iterator[list[_Line]]:
    batch: list[_Line] = []
    for one in found:
        if isinstance(one, _Bad):
            bad.append(one)
            click.echo(f"第 {one.line} 行：{one.reason}", err=True)
            continue
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _profile(name: str | None) -> Profile | None:
    """The profile asked for, else the one of the installation; None when the default one is not there."""
    from caifeng import profile
    from core.errors import ConfigError

    asked = name or os.environ.get("CAIFENG_PROFILE")
    try:
        return profile.load(profile.texts(profile.find(asked or "example-county"))).profile
    except ConfigError:
        if asked:
            raise
        return None


def _tagged(line: _Line, tags: Tags) -> dict[str, Any]:
    from pipeline.mask import mask

    sentiment = tags.sentiment
    return {
        "id": line.id,
        "topics": [{"id": topic.id, "score": topic.score, "terms": topic.terms} for topic in tags.topics],
        "class7": [{"label": label.id, "score": label.score} for label in tags.class7],
        "sentiment": {
            "label": _SHORT[sentiment.label],
            "neg": sentiment.negative,
            "neu": sentiment.neutral,
            "pos": sentiment.positive,
        },
        "regions": tags.regions,
        "institutions": tags.institutions,
        "flags": tags.flags,
        "keywords": tags.keywords,
        "risk": tags.risk,
        "risk_reasons": tags.risk_reasons,
        "text_masked": mask(line.post.text),
        "confident": tags.confident,
    }


def _write(rows: Sequence[dict[str, Any]]) -> None:
    sys.stdout.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _finish(bad: list[_Bad]) -> None:
    if bad:
        click.echo(f"{len(bad)} 行无法读取，其余已处理", err=True)
        sys.exit(1)


def _open(file: str) -> IO[bytes]:
    if file == "-":
        return sys.stdin.buffer
    if not Path(file).is_file():
        raise click.UsageError(f"找不到文件 {file}")
    return Path(file).open("rb")


@click.command()
@click.argument("file", default="-")
@click.option(
    "--profile", "profile_name", help="profile by name or path; default: CAIFENG_PROFILE or the example county"
)
@click.option("--sentiment", type=click.Choice(["linear", "snownlp"]), default="linear", help="which sentiment model")
def tag(file: str, profile_name: str | None, sentiment: str) -> None:
    """Tag JSON lines {"id", "title"?, "text", "published_at"?, "source"?} of FILE (default: standard input).

    One line of tags per text; unreadable lines are named on standard error, the rest goes on, and the exit code is 1.
    """
    from tqdm import tqdm

    from pipeline.tag import Tagger

    bad: list[_Bad] = []
    with _open(file) as lines:
        tagger = Tagger(_profile(profile_name), sentiment=sentiment)
        with tqdm(unit="post", disable=not sys.stderr.isatty()) as bar:
            for batch in _batches(_posts(lines), bad):
                found = tagger.tag([line.post for line in batch])
                _write([_tagged(line, tags) for line, tags in zip(batch, found, strict=True)])
                bar.update(len(batch))
    _finish(bad)


@click.command()
@click.argument("file")
@click.option(
    "--profile", "profile_name", help="profile by name or path; default: CAIFENG_PROFILE or the example county"
)
def merge(file: str, profile_name: str | None) -> None:
    """Give every text of FILE its story (near-duplicates) and incident (one matter); in time order, printed in file order."""
    from tqdm import tqdm

    from pipeline.merge import Merger
    from pipeline.tag import Tagger

    bad: list[_Bad] = []
    with _open(file) as lines:
        texts = [line for batch in _batches(_posts(lines), bad) for line in batch]
    tagger, merger = Tagger(_profile(profile_name)), Merger()
    order = sorted(range(len(texts)), key=lambda index: (texts[index].post.published_at, index))
    placed: dict[int, TaggedPost] = {}
    with tqdm(total=len(texts), unit="post", disable=not sys.stderr.isatty()) as bar:
        for first in range(0, len(order), BATCH):
            indexes = order[first : first + BATCH]
            batch = [texts[index].post for index in indexes]
            tagged = [TaggedPost(post=post, tags=tags) for post, tags in zip(batch, tagger.tag(batch), strict=True)]
            placed |= dict(zip(indexes, merger.place(tagged), strict=True))
            bar.update(len(batch))
    names = {line.post.id: line.id for line in texts}
    _write(
        [
            {
                "id": line.id,
                "story": names[str(placed[index].story)],
                "incident": names[merger.target(str(placed[index].incident))],
            }
            for index, line in enumerate(texts)
        ]
    )
    _finish(bad)

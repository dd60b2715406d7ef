"""Exports of hotlines, boards and vendors: csv, jsonl and xlsx, row by row, in bounded memory.

One bad row costs that row: it comes out with file, line and reason, the rest goes on.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from core.errors import ConfigError, Fault, Rejected
from core.model import RawItem
from crawlers.records import fields
from crawlers.sources import Source

#: Characters of one line and of one cell; a citizen's letter is far below, a broken quote is not.
MAX_LINE = 1_000_000
#: Unpacked size of an xlsx part. Shared strings are read as a whole, so they may take less.
MAX_SHEET = 400_000_000
MAX_STRINGS = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that was not taken in."""

    file: str
    #: 1-based line of a text file, row of a sheet.
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


Row = tuple[int, Mapping[str, Any]]
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".xlsx", ".gz")


def read_rows(path: Path, source: Source, now: datetime) -> Iterator[RawItem | RejectedRow]:
    """Each row as a raw item or as a rejection. Raises ConfigError when the file as a whole cannot be read."""
    reader = _reader(path)
    try:
        for row in reader(path):
            if isinstance(row, RejectedRow):
                yield row
            else:
                yield _item(path, row, source, now)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, KeyError, UnicodeError) as error:
        raise ConfigError([Fault(file=path.name, line=None, reason=f"cannot be read: {error}")]) from error


def _reader(path: Path) -> Callable[[Path], Iterator[Row | RejectedRow]]:
    match path.with_suffix("").suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            return _csv_rows
        case ".jsonl" | ".ndjson":
            return _json_rows
        case ".xlsx" if path.suffix.lower() == ".xlsx":
            return _sheet_rows
    raise ConfigError(
        [
            Fault(
                file=path.name,
                line=None,
                reason=f"cannot read {path.suffix or 'this'}: give csv, jsonl (also .gz) or xlsx",
            )
        ]
    )


def record_item(record: Mapping[str, Any], source: Source, trace: str, now: datetime) -> RawItem:
    """A record as a raw item. Raises Rejected when nobody could read anything in it."""
    found = fields(record, source)
    if not found.get("title") and not found.get("text"):
        names = "、".join(str(name) for name in list(record)[:12])
        raise Rejected(f"没有标题也没有正文；这一条的字段是：{names or '（空）'}")
    return RawItem(
        source=source.id,
        url=found.get("url", ""),
        fetched_at=now,
        first_seen_at=now,
        content_type="application/json",
        payload=dict(record),
        external_id=found.get("id"),
        trace=trace,
    )


def _item(path: Path, row: Row, source: Source, now: datetime) -> RawItem | RejectedRow:
    line, record = row
    try:
        return record_item(record, source, f"{path.name}:{line}", now)
    except Rejected as error:
        return RejectedRow(file=path.name, line=line, reason=str(error))


def _opened(path: Path) -> BinaryIO:
    """The file, unpacked on the way when it ends in .gz."""
    return cast(BinaryIO, gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb"))


def encoding_of(path: Path) -> str:
    """`utf-8-sig`, `utf-16` or `gb18030`: by byte order mark, else by whether all of it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(path) as file:
        start = file.read(1 << 20)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            chunk = start
            while chunk:
                decoder.decode(chunk)
                chunk = file.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


class _Lines:
    """Lines of a text file, none longer than `MAX_LINE`; `number` is the last one given."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0
        self.cut: list[int] = []

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(MAX_LINE):
            self.number += 1
            if len(line) == MAX_LINE and not line.endswith("\n"):
                self.cut.append(self.number)
                self._skip()
                continue
            yield line

    def _skip(self) -> None:
        while rest := self._file.readline(MAX_LINE):
            if rest.endswith("\n"):
                return

    def rejections(self, path: Path) -> Iterator[RejectedRow]:
        """Lines left out since the last call."""
        while self.cut:
            yield RejectedRow(file=path.name, line=self.cut.pop(0), reason=f"这一行超过 {MAX_LINE:,} 个字符")


def _csv_rows(path: Path) -> Iterator[Row | RejectedRow]:
    csv.field_size_limit(MAX_LINE)
    with _opened(path) as opened, TextIOWrapper(opened, encoding_of(path), errors="replace", newline="") as file:
        lines = _Lines(file)
        texts = iter(lines)
        header_line = next(texts, "")
        delimiter = max(",\t;|", key=header_line.count)
        header = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter), [])]
        if not any(header):
            raise ConfigError([Fault(file=path.name, line=1, reason="the first line must name the columns")])
        reader = csv.reader(texts, delimiter=delimiter, strict=True)
        while True:
            start = lines.number + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield RejectedRow(file=path.name, line=start, reason=_broken_quote(start, lines.number, error))
                continue
            yield from lines.rejections(path)
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield _csv_row(path, start, header, cells)


def _broken_quote(start: int, end: int, error: csv.Error) -> str:
    return f"第 {start}–{end} 行读不成一行，多半是引号没有配对（{error}）"


def _csv_row(path: Path, line: int, header: list[str], cells: list[str]) -> Row | RejectedRow:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        return RejectedRow(file=path.name, line=line, reason=f"有 {len(cells)} 列，表头只有 {len(header)} 列")
    if any("\ufffd" in cell for cell in cells):
        return RejectedRow(file=path.name, line=line, reason="有无法解码的字节")
    return line, {name: cell for name, cell in zip(header, cells, strict=False) if name}


def _json_rows(path: Path) -> Iterator[Row | RejectedRow]:
    with _opened(path) as opened, TextIOWrapper(opened, encoding_of(path), errors="replace") as file:
        lines = _Lines(file)
        for text in lines:
            yield from lines.rejections(path)
            if text.strip():
                yield _json_row(path, lines.number, text)
        yield from lines.rejections(path)


def _json_row(path: Path, line: int, text: str) -> Row | RejectedRow:
    try:
        record = json.loads(text)
    except ValueError as error:
        return RejectedRow(file=path.name, line=line, reason=f"不是 JSON：{error}")
    except RecursionError:
        return RejectedRow(file=path.name, line=line, reason="JSON 嵌套太深")
    if not isinstance(record, dict):
        return RejectedRow(file=path.name, line=line, reason="一行应是一个 JSON 对象")
    return line, record


def _sheet_rows(path: Path) -> Iterator[Row | RejectedRow]:
    # Brings numpy along, twenty megabytes the crawl worker does without.
    import openpyxl

    _refuse_bomb(path)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = [str(name or "").strip() for name in next(rows, ())]
        if not any(header):
            raise ConfigError([Fault(file=path.name, line=1, reason="the first row must name the columns")])
        for line, cells in enumerate(rows, start=2):
            record = {name: _cell(cell) for name, cell in zip(header, cells, strict=False) if name and cell is not None}
            if record:
                yield line, record
    finally:
        book.close()


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value if isinstance(value, str | int | float) else str(value)


def _refuse_bomb(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            limit = MAX_STRINGS if part.filename.endswith("sharedStrings.xml") else MAX_SHEET
            if part.file_size > limit:
                reason = f"{part.filename} unpacks to {part.file_size:,} bytes, at most {limit:,} are read"
                raise ConfigError([Fault(file=path.name, line=None, reason=reason)])
            if part.filename.endswith(".xml"):
                _refuse_entities(path, archive, part)


def _refuse_entities(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """No spreadsheet program writes a document type; one that stands there wants to be expanded."""
    with archive.open(part) as file:
        if b"<!DOCTYPE" in file.read(4096).upper():
            raise ConfigError(
                [Fault(file=path.name, line=None, reason=f"{part.filename} declares a document type: refused")]
            )

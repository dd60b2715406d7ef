from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from core.errors import ConfigError
from core.model import RawItem
from crawlers.files import MAX_LINE, RejectedRow, read_rows
from tests.fixtures.collect import NOW, a_source

HOTLINE = a_source(id="hotline", kind="file", url="drop")
TABLE = "留言编号,留言用户,留言主题,留言时间,留言详情,点赞数\n7,某先生,路灯不亮,2026/11/20 8:05:00,三天没修,3\n"


def rows(path: Path) -> tuple[list[RawItem], list[RejectedRow]]:
    found = list(read_rows(path, HOTLINE, NOW))
    return [r for r in found if isinstance(r, RawItem)], [r for r in found if isinstance(r, RejectedRow)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_csv_is_read_in_the_encodings_offices_save(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(TABLE.encode(encoding))

    items, rejected = rows(path)

    assert rejected == []
    assert (items[0].external_id, items[0].trace) == ("7", "export.csv:2")
    assert dict(items[0].payload)["留言详情"] == "三天没修"  # type: ignore[arg-type]  # a mapping


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_other_delimiters_are_recognised_by_the_header(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "export.txt"
    path.write_text(TABLE.replace(",", delimiter), "utf-8")

    items, _ = rows(path)

    assert len(items) == 1


def test_bad_rows_come_out_with_line_and_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text('编号,标题,正文\n1,好的,内容\n2,,\n3,多,一,列\n4,也好,"跨\n行"\n5,完,好\n', "utf-8")

    items, rejected = rows(path)

    assert [item.external_id for item in items] == ["1", "4", "5"]
    assert [row.line for row in rejected] == [3, 4]
    assert items[2].trace == "export.csv:7"
    assert "没有标题也没有正文" in rejected[0].reason
    assert "表头只有 3 列" in rejected[1].reason


def test_an_open_quote_costs_its_row_and_says_from_where(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text('编号,标题\n1,好\n2,"没有配对\n', "utf-8")

    items, rejected = rows(path)

    assert len(items) == 1
    assert rejected[0].line == 3
    assert "引号" in rejected[0].reason


def test_a_line_without_end_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("编号,标题\n1,好\n2," + "长" * (MAX_LINE + 10) + "\n3,也好\n", "utf-8")

    items, rejected = rows(path)

    assert [item.external_id for item in items] == ["1", "3"]
    assert [row.line for row in rejected] == [3]


def test_json_lines_tell_broken_ones_by_line(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    lines = [json.dumps({"id": 1, "title": "好"}), "{", "[1]", "[" * 100_000, json.dumps({"id": "2", "text": "也好"})]
    path.write_text("\n".join(lines), "utf-8")

    items, rejected = rows(path)

    assert [item.external_id for item in items] == ["1", "2"]
    assert [row.line for row in rejected] == [2, 3, 4]


def test_packed_json_lines_are_unpacked_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps({"id": 1, "title": "好"}).encode()))

    assert len(rows(path)[0]) == 1


def test_a_sheet_keeps_times_and_whole_numbers(tmp_path: Path) -> None:
    path = tmp_path / "export.xlsx"
    book = openpyxl.Workbook()
    for row in (
        ["编号", "标题", "受理时间", "空"],
        [12.0, "噪音扰民", NOW.replace(tzinfo=None), None],
        [None, None, None, None],
    ):
        book.active.append(row)  # type: ignore[union-attr]  # a new book has a sheet
    book.save(path)

    items, rejected = rows(path)

    assert rejected == []
    assert items[0].external_id == "12"
    assert dict(items[0].payload)["受理时间"] == "2026-11-22 03:00:00"  # type: ignore[arg-type]  # a mapping


def test_a_sheet_that_declares_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><sst>&a;</sst>')

    with pytest.raises(ConfigError, match="document type"):
        rows(path)


def test_a_sheet_that_unpacks_to_more_than_it_should_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/sharedStrings.xml", "w") as part:
        for _ in range(70):
            part.write(b" " * 1_000_000)

    with pytest.raises(ConfigError, match="unpacks to"):
        rows(path)


@pytest.mark.parametrize(
    ("name", "data"), [("a.pdf", b""), ("a.xlsx", b"no zip"), ("a.csv", b""), ("a.jsonl.gz", b"no gzip")]
)
def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(ConfigError, match=name):
        rows(path)

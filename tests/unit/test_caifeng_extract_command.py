"""`caifeng extract`: one line of JSON a file, in the order of the files."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from caifeng.commands.extract import extract

TEXT = "连日来，石禾镇东河桥维修进展顺利，预计下月恢复通车，附近居民出行将更加方便，请放心。"
PAGE = f"<html><head><title>东河桥维修_石禾网</title></head><body><h1>东河桥维修</h1><p>2025-11-03 08:30</p><div><p>{TEXT}</p></div></body></html>"
KEYS = ["title", "text", "published_at", "precision", "author", "encoding"]


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(extract, [str(argument) for argument in arguments], input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]


def a_file(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


def test_a_page_becomes_one_line_with_the_promised_keys(tmp_path: Path) -> None:
    result = run(a_file(tmp_path, "a.html", PAGE.encode("gbk")))

    (line,) = lines(result)
    assert list(line) == KEYS
    assert line["published_at"] == "2025-11-03T08:30:00+08:00"
    assert (line["title"], line["text"], line["precision"], line["encoding"]) == (
        "东河桥维修",
        TEXT,
        "minute",
        "gb18030",
    )


def test_lines_come_in_the_order_of_the_files_and_errors_keep_their_place(tmp_path: Path) -> None:
    good = a_file(tmp_path, "good.html", PAGE.encode())

    result = run(tmp_path / "missing.html", good, a_file(tmp_path, "empty.html", b""), tmp_path)

    assert ["error" in line for line in lines(result)] == [True, False, True, True]
    assert result.exit_code == 1
    assert "missing.html" in lines(result)[0]["error"]


def test_standard_input_is_read_for_a_dash() -> None:
    result = run("-", stdin=PAGE.encode())

    assert lines(result)[0]["title"] == "东河桥维修"
    assert result.exit_code == 0


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    result = run(a_file(tmp_path, "a.html.gz", gzip.compress(PAGE.encode())))

    assert lines(result)[0]["text"] == TEXT


def test_a_gzip_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    result = run(a_file(tmp_path, "bomb.gz", gzip.compress(b"\0" * 50_000_000 + b"<p>")))

    assert "error" in lines(result)[0]


def test_a_damaged_gzip_is_an_error_line(tmp_path: Path) -> None:
    assert "error" in lines(run(a_file(tmp_path, "a.gz", b"\x1f\x8b\x08garbage")))[0]


def test_the_address_gives_the_day_of_a_silent_page(tmp_path: Path) -> None:
    page = a_file(tmp_path, "a.html", f"<title>东河桥</title><p>{TEXT}</p>".encode())

    (line,) = lines(run(page, "--url", "http://paper.example/2025-11/03/content_1.htm"))

    assert (line["published_at"], line["precision"]) == ("2025-11-03T00:00:00+08:00", "day")


def test_a_page_without_time_says_null(tmp_path: Path) -> None:
    (line,) = lines(run(a_file(tmp_path, "a.html", f"<title>东河桥</title><p>{TEXT}</p>".encode())))

    assert (line["published_at"], line["precision"], line["author"]) == (None, None, None)


@pytest.mark.parametrize("framework", ["django", "scrapy", "trafilatura"])
def test_the_command_starts_no_framework(framework: str) -> None:
    probe = f"import sys, caifeng.commands.extract; sys.exit({framework!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0

"""The ledger: the office's own columns, nothing becomes a formula, unknown is not zero."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.models import Alert, AlertPost
from briefings import ledger
from core.errors import ConfigError
from core.legible import legible, neutral
from core.profile import Profile
from storage.sqlite import SqliteStore
from tests.fixtures import brief_week as week
from tests.fixtures.console_client import county

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Forty posts, each the evidence of an alert."""
    store, posts = SqliteStore(tmp_path / "p.sqlite3"), list(week.posts(52))
    store.upsert(posts)
    for alert, post in zip(week.alerts(45, county()), posts, strict=False):
        AlertPost.objects.create(alert=alert, post=post.post.id, added_at=week.NOW)
    yield store
    store.close()


def rows(store: SqliteStore, profile: Profile | None = None) -> list[ledger.Entry]:
    """All alerts of the week."""
    alerts = ledger.of_period(week.MONDAY, week.NOW)
    return list(ledger.entries(alerts, profile=profile or county(), store=store, public_url="https://caifeng.example"))


def sheet(store: SqliteStore, profile: Profile | None = None) -> openpyxl.worksheet.worksheet.Worksheet:
    """The ledger as Excel reads it."""
    data = ledger.xlsx(rows(store, profile), profile or county(), title="台账")
    return openpyxl.load_workbook(io.BytesIO(data)).active


def with_columns(*columns: str) -> Profile:
    """The county with columns of its own."""
    return replace(county(), report=replace(county().report, ledger_columns=columns))


def test_nothing_becomes_a_formula_or_a_link(store: SqliteStore) -> None:
    cells = [cell for row in sheet(store).iter_rows() for cell in row]

    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not any(cell.hyperlink for cell in cells)
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells)


def test_sheet_is_filtered_frozen_and_repeats_its_head(store: SqliteStore) -> None:
    found = sheet(store)

    assert (found.freeze_panes, found.print_title_rows, found.page_setup.orientation) == ("C2", "$1:$1", "landscape")
    assert found.auto_filter.ref == f"A1:AD{found.max_row}"
    assert found.max_row == 46


def test_times_are_dates_and_counts_are_numbers(store: SqliteStore) -> None:
    found = sheet(store, with_columns("发现时间", "跟帖数", "办结时间"))

    assert isinstance(found["A2"].value, datetime)
    assert isinstance(found["B2"].value, int)


def test_a_date_keeps_its_look_whatever_the_office_calls_the_column(store: SqliteStore) -> None:
    found = sheet(store, with_columns("何时=发现时间"))["A2"]

    assert isinstance(found.value, datetime)
    assert found.number_format == "yyyy-mm-dd hh:mm"


@pytest.mark.parametrize("text", ["</t></is></c><c><f>1+1</f></c>", "甲 & <b>", "  前后有空格  ", "甲\x0b乙\ud800"])
def test_hostile_words_stay_words_in_their_cell(text: str, store: SqliteStore) -> None:
    Alert.objects.update(title=text.replace("\ud800", ""))

    assert sheet(store, with_columns("标题"))["A2"].value == legible(text)


def test_words_that_excel_would_decode_are_escaped(store: SqliteStore) -> None:
    Alert.objects.update(title="_x0041_")

    book = zipfile.ZipFile(io.BytesIO(ledger.xlsx(rows(store), with_columns("标题"), title="台账")))

    assert b">_x005F_x0041_<" in book.read("xl/worksheets/sheet1.xml")


def test_unknown_is_a_dash_and_not_zero(store: SqliteStore) -> None:
    Alert.objects.update(closed_at=None)

    assert sheet(store, with_columns("办结时间"))["A2"].value == "—"


def test_office_names_and_orders_its_own_columns(store: SqliteStore) -> None:
    found = sheet(store, with_columns("责任部门=责任单位", "编号"))

    assert [cell.value for cell in found[1]] == ["责任部门", "编号"]
    assert str(found["B2"].value).startswith("2026-")


def test_unknown_columns_are_all_named(store: SqliteStore) -> None:
    with pytest.raises(ConfigError, match="甲、乙"):
        ledger.chosen(with_columns("甲", "编号", "乙"))


def test_default_columns_are_known_and_cover_the_office_s_own() -> None:
    assert set(ledger.DEFAULT) <= set(ledger.COLUMNS)
    assert [title for title, _ in ledger.chosen(with_columns())] == list(ledger.DEFAULT)


def test_every_column_has_a_value_for_every_alert(store: SqliteStore) -> None:
    values = [value(entry) for entry in rows(store) for value in ledger.COLUMNS.values()]

    assert all(value is None or isinstance(value, str | int | datetime) for value in values)


def test_overdue_says_which_stage_ran_out(store: SqliteStore) -> None:
    late = next(entry for entry in rows(store) if entry.missed)

    assert ledger.COLUMNS["是否超时"](late) == "是"
    assert set(str(ledger.COLUMNS["超时环节"](late)).split("、")) <= {"值班确认", "部门签收", "办结"}


def test_csv_reads_back_with_formulas_disarmed(store: SqliteStore) -> None:
    text = ledger.csv_text(rows(store), county())

    found = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(found) == 45
    assert text.startswith("\ufeff")
    assert not [value for row in found for value in row.values() if value.startswith(("=", "+", "-", "@"))]


@given(st.text(alphabet="=+-@\t\r\n ＝－a甲'\x00", max_size=8))
def test_no_text_begins_as_a_formula(text: str) -> None:
    assert not neutral(text).lstrip().startswith(("=", "+", "-", "@", "＝", "－"))


def test_dismissed_alerts_are_left_out(store: SqliteStore) -> None:
    Alert.objects.filter(number="2026-00001").update(state="dismissed")

    assert len(rows(store)) == 44

"""The figures behind an alert, as an officer reads them."""

from __future__ import annotations

import pytest

from alerts.models import Alert
from console import track


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"posts": 3, "count": 3}, [("帖数", "3")]),
        ({"posts": 3, "count": 7}, [("涉及", "3"), ("帖数", "7")]),
        ({"ratio": 4.0, "sure": True, "nested": {"a": 1}, "empty": ""}, [("倍数", "4")]),
    ],
)
def test_each_figure_stands_once_under_its_name(values: dict[str, object], shown: list[tuple[str, str]]) -> None:
    facts = track.facts(Alert(values=values))

    assert [(fact["name"], fact["value"]) for fact in facts] == shown


def test_no_more_than_six_figures_stand_there() -> None:
    assert len(track.facts(Alert(values={f"name{at}": at for at in range(9)}))) == 6

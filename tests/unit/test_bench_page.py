"""Reading the reports of benchmarks: bars are found in every form they are printed in, and judged where a machine can."""

from __future__ import annotations

import pytest

from bench.__main__ import Bar, read


@pytest.mark.parametrize(
    "line",
    [
        "restore, verified       bar < 120 s      measured 8.7 s   (load 5.5)",
        "restore, verified       bar < 120 s      8.7 s          (load 5.5)",
        "| restore, verified | < 120 s | 8.7 s; (load 5.5) |",
    ],
)
def test_a_bar_is_read_in_every_form(line: str) -> None:
    assert list(read(f"200 posts\n{line}\n|---|---|---|")) == [
        Bar(name="restore, verified", wanted="< 120 s", measured="8.7 s; (load 5.5)")
    ]


@pytest.mark.parametrize(
    ("wanted", "measured", "verdict"),
    [
        ("≥ 600/s", "1,203/s", "met"),
        ("≤ 0.05 CPU-s", "0.058 CPU-s", "**missed**"),
        ("0", "0 of 200", "met"),
        ("0 lost, 0 doubled", "2 lost", "**missed**"),
        ("≥ .98 / ≥ .98", "1.00 / .97", "–"),
        ("≤ 1/20", "1/2.4", "–"),
        ("–", "3 s", "–"),
    ],
)
def test_a_bar_is_judged_only_where_one_number_decides(wanted: str, measured: str, verdict: str) -> None:
    assert Bar(name="", wanted=wanted, measured=measured).verdict == verdict

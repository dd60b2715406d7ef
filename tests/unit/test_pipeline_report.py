"""The models' report, made from officers' corrections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.report import Corrected, lines, verdict

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def a_correction(days_ago: float = 1, source: str = "board") -> Corrected:
    return Corrected(
        field="topic",
        was="urban",
        should_be="environment",
        source=source,
        model_version="2026.11",
        at=NOON - timedelta(days=days_ago),
    )


def test_accuracy_is_what_was_not_corrected() -> None:
    found = lines([a_correction(), a_correction(source="hotline")], {"board": 10, "hotline": 90}, NOON)

    assert {line.source: line.accuracy for line in found} == {"*": 0.98, "board": 0.9, "hotline": 0.9889}


def test_accuracy_is_unknown_when_nobody_counted_the_posts() -> None:
    assert lines([a_correction()], {}, NOON)[0].accuracy is None


def test_a_rise_of_corrections_is_called_drift() -> None:
    corrections = [a_correction(30)] * 10 + [a_correction(3)] * 20

    (line, _) = lines(corrections, {"board": 1000}, NOON)

    assert line.drift == 2.0
    assert verdict(line) == "近四周纠正明显增多，建议重新训练"


def test_the_most_frequent_confusion_is_named() -> None:
    assert lines([a_correction()] * 3, {"board": 9}, NOON)[0].confusions == (("urban → environment", 3),)

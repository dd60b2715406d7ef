"""Places, on a table of own lines: text, tab, the paths expected (the first one must come first)."""

from __future__ import annotations

from pathlib import Path

from pipeline.places import Places

TABLE = Path(__file__).parent.parent / "fixtures" / "places.tsv"


def rows() -> list[tuple[str, set[str]]]:
    lines = TABLE.read_text("utf-8").splitlines()
    return [
        (text, {path for path in paths.split(";") if path})
        for text, _, paths in (line.partition("\t") for line in lines)
    ]


def test_places_are_found_with_the_precision_and_recall_we_promise() -> None:
    places = Places()
    right = said = wanted = 0
    for text, expected in rows():
        found = set(places.find([text])[0][: max(1, len(expected))])
        right, said, wanted = right + len(found & expected), said + len(found), wanted + len(expected)

    assert len(rows()) >= 400
    assert right / said >= 0.97
    assert right / wanted >= 0.90

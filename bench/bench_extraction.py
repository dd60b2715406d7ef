"""Extraction bars on the pages of CAIFENG_DATA, with its peers in the same run.

Scored as article-extraction-benchmark does: shingles of four tokens (characters for Chinese), mean
precision and recall over pages, F1 of the two.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trafilatura
from lxml import html
from readability import Document

from core.clock import SHANGHAI
from core.errors import Rejected
from core.model import Precision
from crawlers.extraction import Article, article, decode

DATA = Path(os.environ.get("CAIFENG_DATA", "../shared/data")) / "extraction"
NOW = datetime.now(UTC)
Words = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSet:
    """Pages with what a person found on them."""

    name: str
    pages: dict[str, bytes]
    gold: dict[str, dict[str, Any]]
    words: Words


def chinese_words(text: str) -> list[str]:
    return re.findall(r"[\u3400-\u9fff]|[A-Za-z0-9]+", unicodedata.normalize("NFKC", text))


def english_words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def chinese_set() -> PageSet:
    folder = DATA / "zh-gne"
    gold = json.loads((folder / "gold.json").read_text())
    pages = {name: (folder / "tests" / f"{name}.html").read_bytes() for name in gold}
    return PageSet(name="zh-gne", pages=pages, gold=gold, words=chinese_words)


def english_set() -> PageSet:
    folder = DATA / "en-aeb"
    truth = json.loads((folder / "ground-truth.json").read_text())
    pages = {name: gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()) for name in truth}
    gold = {name: {"text": entry["articleBody"]} for name, entry in truth.items()}
    return PageSet(name="en-aeb", pages=pages, gold=gold, words=english_words)


def shingles(words: list[str]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + 4]) for start in range(max(1, len(words) - 3)))


def without_title(text: str, title: str, words: Words) -> str:
    """A headline repeated on top of the text is neither right nor wrong."""
    lines, key = text.strip().split("\n"), "".join(words(title))
    while key and lines and 0 < len(head := "".join(words(lines[0]))) <= len(key) and head in key:
        lines.pop(0)
    return "\n".join(lines)


def f1(pages: PageSet, texts: Mapping[str, str]) -> tuple[float, float, float]:
    """F1, precision, recall over the pages of a set."""
    precisions, recalls = [], []
    for name, gold in pages.gold.items():
        wanted = shingles(pages.words(gold["text"]))
        found = shingles(pages.words(without_title(texts[name], gold.get("title") or "", pages.words)))
        shared = sum((wanted & found).values())
        if texts[name].strip():
            precisions.append(shared / sum(found.values()))
        recalls.append(shared / sum(wanted.values()))
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 2 * precision * recall / (precision + recall), precision, recall


def timed(pages: PageSet, reader: Callable[[bytes], Any]) -> tuple[dict[str, Any], float]:
    """Results by page and CPU seconds."""
    start = time.process_time()
    results = {name: reader(body) for name, body in pages.pages.items()}
    return results, time.process_time() - start


def ours(body: bytes) -> Article | None:
    try:
        return article(body, url="", content_type="", now=NOW)
    except Rejected:
        return None


def by_trafilatura(body: bytes) -> str:
    return trafilatura.extract(decode(body, "").text) or ""


def by_readability(body: bytes) -> str:
    summary = Document(decode(body, "").text).summary(html_partial=True)
    return "\n".join(html.fragment_fromstring(summary, create_parent="div").itertext())


def line(bar: str, wanted: str, measured: str, note: str = "") -> None:
    print(f"{bar:<34} bar {wanted:<10} measured {measured:<10} {note}", flush=True)


def report(pages: PageSet) -> dict[str, Article | None]:
    """Print the text bars of one set; return our articles."""
    rounds = [timed(pages, ours) for _ in range(2)]
    articles, seconds = rounds[0][0], min(taken for _, taken in rounds)
    texts = {name: found.text if found else "" for name, found in articles.items()}
    score, precision, recall = f1(pages, texts)
    line(f"text F1 {pages.name}", "≥ .955", f"{score:.3f}", f"P {precision:.3f} R {recall:.3f}")
    for peer, reader in (("trafilatura", by_trafilatura), ("readability", by_readability)):
        peer_texts, peer_seconds = timed(pages, reader)
        peer_score, precision, recall = f1(pages, peer_texts)
        line(
            f"  {peer}",
            "",
            f"{peer_score:.3f}",
            f"P {precision:.3f} R {recall:.3f}; {len(texts) / peer_seconds:.1f} pages/CPU-s",
        )
        if peer == "trafilatura":
            wanted = "≥ 4×" if pages.name == "zh-gne" else ""
            line(
                "  speed against it",
                wanted,
                f"{peer_seconds / seconds:.1f}×",
                f"{len(texts) / seconds:.1f} pages/CPU-s",
            )
    return articles


def report_titles(pages: PageSet, articles: Mapping[str, Article | None]) -> None:
    titled = {name: gold["title"] for name, gold in pages.gold.items() if gold.get("title")}
    right = sum(
        "".join(chinese_words(title)) == "".join(chinese_words(found.title))
        for name, title in titled.items()
        if (found := articles[name])
    )
    line("title exact", "≥ .94", f"{right / len(titled):.3f}", f"{right} of {len(titled)}")


def report_times(pages: PageSet, articles: Mapping[str, Article | None]) -> None:
    dated = {name: gold["date"] for name, gold in pages.gold.items() if gold.get("date")}
    exact = {name: date for name, date in dated.items() if len(date) > 10}
    found = {name: read.published for name in dated if (read := articles[name]) and read.published}
    shown = {name: f"{moment.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" for name, moment in found.items()}
    minutes = sum(shown.get(n) == date and found[n].precision is not Precision.DAY for n, date in exact.items())
    wrong = sum(shown[name][:10] != dated[name][:10] for name in shown)
    line("publish minute right", "≥ .92", f"{minutes / len(exact):.3f}", f"{minutes} of {len(exact)}")
    line(
        "wrong days", "≤ 10 %", f"{wrong / len(dated):.1%}", f"{wrong} of {len(dated)}; {len(dated) - len(shown)} none"
    )


def main() -> None:
    if not DATA.exists():
        print(f"no pages in {DATA}; set CAIFENG_DATA")
        return
    line("bar", "wanted", "measured")
    chinese = chinese_set()
    articles = report(chinese)
    report_titles(chinese, articles)
    report_times(chinese, articles)
    report(english_set())


if __name__ == "__main__":
    main()

"""Understanding: masks, places, merging, incidents, speed, size; each bar with its measured figure.

Accuracy of the learned heads, which trains them on folds, is `bench.bench_pipeline_accuracy`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import random
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from snownlp import SnowNLP

from core.ids import content_hash
from core.model import Engagement, Post, Precision, TaggedPost
from pipeline import snow
from pipeline.heads import MODELS
from pipeline.mask import spans
from pipeline.merge import Merger
from pipeline.places import Places
from pipeline.summary import quotes
from pipeline.tag import Tagger
from pipeline.training import corpora

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def show(name: str, bar: str, measured: str) -> None:
    """One line per bar."""
    print(f"{name:<58} bar {bar:<22} measured {measured}", flush=True)


def a_post(text: str, *, number: int = 0, title: str = "", at: datetime = NOON) -> Post:
    """A post that carries a text."""
    return Post(
        id=f"p{number}",
        source="bench",
        kind="board",
        url="",
        title=title,
        text=text,
        language="zh-Hans",
        published_at=at,
        precision=Precision.SECOND,
        first_seen_at=at,
        author_hash="",
        author_label="",
        engagement=Engagement(),
        content_hash=content_hash(text),
    )


def masks() -> None:
    """Own lines with look-alikes."""
    hit = missed = extra = 0
    lines = (FIXTURES / "mask.txt").read_text("utf-8").splitlines()
    for line in lines:
        plain, wanted = "", set[int]()
        for part in re.split("(⟦.*?⟧)", line):
            inner = part.strip("⟦⟧")
            wanted |= set(range(len(plain), len(plain) + len(inner))) if part.startswith("⟦") else set()
            plain += inner
        found = {position for span in spans(plain) for position in range(span.start, span.end)}
        hit += bool(wanted and wanted <= found)
        missed += bool(wanted - found)
        extra += bool(found - wanted)
    show(
        f"mask, {len(lines)} own lines: recall / precision",
        "≥ .98 / ≥ .98",
        f"{hit / (hit + missed):.4f} / {hit / (hit + extra):.4f}",
    )


def places() -> None:
    """Own lines with real places."""
    finder, right, said, wanted = Places(), 0, 0, 0
    lines = (FIXTURES / "places.tsv").read_text("utf-8").splitlines()
    for text, _, paths in (line.partition("\t") for line in lines):
        expected = {path for path in paths.split(";") if path}
        found = set(finder.find([text])[0][: max(1, len(expected))])
        right, said, wanted = right + len(found & expected), said + len(found), wanted + len(expected)
    show(
        f"regions, {len(lines)} own lines: precision / recall",
        "≥ .97 / ≥ .90",
        f"{right / said:.4f} / {right / wanted:.4f}",
    )


def edited(text: str, share: float, chance: random.Random) -> str:
    """The text with a share of its characters dropped, doubled or exchanged."""
    letters = list(text)
    for _ in range(max(1, round(share * len(text)))):
        place = chance.randrange(len(letters))
        letters[place] = chance.choice(("", letters[place] * 2, chance.choice(text)))
    return "".join(letters)


def reposted(text: str, chance: random.Random) -> str:
    """The text as people pass it on."""
    prefix = chance.choice(
        (
            "转发微博//@{}:",
            "//@{}:",
            "扩散//@{}：",
            "[泪]回复@{}:",
            "转发理由：太惨了//@{}:",
            "[网传]",
            "转：",
            "【转】",
        )
    )
    return prefix.format(chance.choice(("湖南身边事", "小禾苗2019", "user_88"))) + text


def near_duplicates() -> None:
    """1,500 originals among all messages and as many microblog posts; then their edited copies."""
    chance = random.Random(1)
    texts = [corpora.message(row) for row in corpora.rows("messages/board")]
    texts += [row["text"] for row in corpora.rows("sentiment/usual3") if len(row["text"]) >= 25][:8000]
    tagger, merger = Tagger(), Merger()
    tags = tagger.tag([a_post("")])[0]

    def place(batch: Iterable[str], first: int) -> list[TaggedPost]:
        posts = [a_post(text, number=first + number) for number, text in enumerate(batch)]
        return merger.place([TaggedPost(post=post, tags=tags) for post in posts])

    placed = place(texts, 0)
    chosen = chance.sample(range(len(texts)), 1500)
    for name, bar, change in (
        ("5 % edits", "≥ .98", lambda text: edited(text, 0.05, chance)),
        ("repost prefix", "≥ .99", lambda text: reposted(text, chance)),
    ):
        copies = place([change(texts[index]) for index in chosen], 1_000_000)
        found = sum(copy.story == placed[index].story for copy, index in zip(copies, chosen, strict=True))
        show(f"near-duplicates: recall, {name}", bar, f"{found / len(chosen):.4f}")
    pairs = [
        (texts[index], texts[int(str(one.story)[1:])]) for index, one in enumerate(placed) if one.story != f"p{index}"
    ]
    true = sum(jaccard(left, right) >= 0.5 for left, right in pairs)
    show(
        f"near-duplicates: precision of {len(pairs)} joins (3-gram Jaccard ≥ .5)",
        "≥ .97",
        f"{true / max(1, len(pairs)):.4f}",
    )


def jaccard(left: str, right: str) -> float:
    """Exact similarity of character 3-grams, letters only."""
    grams = [
        {letters[i : i + 3] for i in range(len(letters) - 2)}
        for letters in (re.sub(r"[\W_]+", "", text) for text in (left, right))
    ]
    return len(grams[0] & grams[1]) / max(1, len(grams[0] | grams[1]))


def board_incidents() -> dict[str, tuple[str, str]]:
    """Message id → (incident, title) of the message board, placed in time order."""
    rows = sorted(corpora.rows("messages/board"), key=lambda row: _moment(row["published_at"]))
    posts = [
        a_post(row["text"], title=row["title"], number=int(row["id"]), at=_moment(row["published_at"])) for row in rows
    ]
    tagger, merger, found = Tagger(), Merger(), {}
    for first in range(0, len(posts), 256):
        batch = posts[first : first + 256]
        for placed in merger.place(
            [TaggedPost(post=post, tags=tags) for post, tags in zip(batch, tagger.tag(batch), strict=True)]
        ):
            found[placed.post.id[1:]] = (str(placed.incident), placed.post.title)
    return {message: (merger.target(incident), title) for message, (incident, title) in found.items()}


def _moment(text: str) -> datetime:
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return datetime(*numbers[:6], tzinfo=UTC) - timedelta(hours=8)  # type: ignore[misc, arg-type]  # six numbers


def incidents() -> None:
    """Pairs of board messages labelled by hand, one matter or not: those merging was tuned on, and others."""
    found = board_incidents()
    sets = (
        ("tuned on", "incident_pairs.tsv"),
        ("whose faults were read", "incident_pairs_unseen.tsv"),
        ("never looked into", "incident_pairs3.tsv"),
    )
    for name, file in sets:
        pairs = [line.split("\t") for line in (FIXTURES / file).read_text("utf-8").splitlines()]
        same = [(label == "1", found[left][0] == found[right][0]) for left, right, label in pairs]
        hit, said, wanted = (sum(map(bool, column)) for column in zip(*((a and b, b, a) for a, b in same), strict=True))
        show(
            f"incidents: pairwise F1 on {len(pairs)} labelled pairs {name}",
            "≥ .85",
            f"{2 * hit / (said + wanted):.4f} (precision {hit / said:.3f}, recall {hit / wanted:.3f})",
        )


def groups() -> None:
    """The 20 largest incidents of the message board, to be read: ids, titles, and what the summary quotes."""
    texts = {str(row["id"]): row["text"] for row in corpora.rows("messages/board")}
    members: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for message, (incident, title) in board_incidents().items():
        members[incident].append((message, title))
    largest = sorted(members.values(), key=lambda found: -len(found))[:20]
    for number, found in enumerate(largest, 1):
        print(f"\n{number}. {found[0][1]} – {len(found)} messages")
        for quote in quotes([(message, texts[message]) for message, _ in found]):
            print(f"   “{quote.text}” [{quote.post}]")
        for message, title in found:
            print(f"   {message} {title}")


def summaries() -> None:
    """One quoted sentence against the title its author gave, beside SnowNLP's TextRank and the first sentence."""
    rows = [row for name in ("messages/board", "messages/replied") for row in corpora.rows(name)]
    rows = random.Random(4).sample([row for row in rows if len(row["text"]) >= 150 and len(row["title"]) >= 8], 60)
    ways: dict[str, Callable[[str], str]] = {
        "ours": lambda text: "".join(quote.text for quote in quotes([("", text)], most=1)),
        "SnowNLP": textrank,
        "first sentence": lambda text: re.split("(?<=[。！？!?\n])", text, maxsplit=1)[0],
    }
    found = {name: np.mean([overlap(way(row["text"]), row["title"]) for row in rows]) for name, way in ways.items()}
    show(
        "summary: character-pair F1 with the author's title",
        "above SnowNLP's",
        ", ".join(f"{name} {value:.3f}" for name, value in found.items()),
    )


def textrank(text: str) -> str:
    """The sentence SnowNLP would quote."""
    return "".join(SnowNLP(text).summary(1))


def overlap(quoted: str, title: str) -> float:
    """ROUGE-2 by characters."""
    left, right = (Counter(map("".join, pairwise(re.sub(r"[\W_]+", "", text)))) for text in (quoted, title))
    return 2 * (left & right).total() / max(1, left.total() + right.total())


def seconds(action: Callable[[], object]) -> float:
    """Processor time of the best of three runs."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        action()
        best = min(best, time.process_time() - start)
    return best


def speed() -> None:
    """The whole tag stage in batches of 256, beside SnowNLP's sentiment alone."""
    tagger = Tagger()
    weibo = [a_post(row["text"]) for row in corpora.rows("sentiment/usual3")][:4608]
    long = [a_post(row["text"], title=row["title"]) for row in corpora.rows("messages/replied")][:1024]
    mix = [post for index in range(0, 4608, 9) for post in (*weibo[index : index + 9], long[index // 9])]

    def run(posts: list[Post]) -> float:
        def batches() -> None:
            # Like the worker, hold the tags of one batch at a time.
            for first in range(0, len(posts), 256):
                tagger.tag(posts[first : first + 256])

        return len(posts) / seconds(batches)

    # SnowNLP's dictionaries stand in this process too; walking them is no part of tagging.
    gc.freeze()
    mixed, messages = run(mix), run(long)
    sample = [post.text for post in mix[:60]]
    baseline = len(sample) / seconds(lambda: snow.moods(sample))
    show("whole tag stage, 90/10 microblog/messages, posts/s", "≥ 15,000", f"{mixed:,.0f}")
    show("whole tag stage, long messages, posts/s", "≥ 4,000", f"{messages:,.0f}")
    show(
        "whole tag stage against SnowNLP's sentiment alone (mix)",
        "≥ 100 ×",
        f"{mixed / baseline:,.0f} × ({baseline:,.0f}/s)",
    )


def size() -> None:
    """Bytes of the committed models; processor time until the heads answer, in a fresh process, numpy's import apart."""
    total = sum(path.stat().st_size for path in MODELS.iterdir() if path.is_file())
    code = "import numpy, time; t = time.process_time(); from pipeline import heads; heads.load().read(['停水']); print(time.process_time() - t)"
    cold = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    )
    show("model files", "≤ 3 MB", f"{total / 1e6:.2f} MB")
    show("cold load of the heads", "≤ 100 ms", f"{1000 * cold:.0f} ms")


if __name__ == "__main__":
    sections = (masks, places, near_duplicates, incidents, groups, summaries, speed, size)
    chosen = set(sys.argv[1:])
    for section in sections:
        if not chosen or section.__name__ in chosen:
            section()

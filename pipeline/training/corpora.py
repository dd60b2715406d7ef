"""Reads the training texts of CAIFENG_DATA (default ../shared/data) and labels what carries no label yet."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from pipeline.heads import CLASSES, MOODS

SENTIMENT_SETS = ("htl", "waimai", "shop", "chn", "weibo18", "covid2", "usual3", "virus3", "nlpcc3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text with its label's index, the set it comes from, and the key its duplicates share."""

    text: str
    label: int
    origin: str
    key: int
    #: False: no more than a text's beginning.
    whole: bool = True
    #: Whether a reader judged it and chance had chosen it: the shares of such texts are true.
    drawn: bool = False


def folder() -> Path:
    """The data folder. Raises ConfigError when it is not there."""
    path = Path(os.environ.get("CAIFENG_DATA", "../shared/data"))
    if not (path / "sentiment").is_dir():
        raise ConfigError(f"no training data in {path}: set CAIFENG_DATA to the data folder")
    return path


def rows(name: str) -> Iterator[Mapping[str, Any]]:
    """Rows of `sentiment/htl` and the like."""
    with gzip.open(folder() / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def key(text: str) -> int:
    """The same for texts that differ in punctuation and white space only."""
    return int(hashlib.sha256(re.sub(r"[\W_]+", "", text.lower()).encode()).hexdigest()[:15], 16)


def _example(text: str, label: int, origin: str) -> Example:
    return Example(text=text, label=label, origin=origin, key=key(text))


def sentiment() -> list[Example]:
    """The nine labelled sets; within a set every text once."""
    found: list[Example] = []
    for name in SENTIMENT_SETS:
        seen: set[int] = set()
        for row in rows(f"sentiment/{name}"):
            example = _example(row["text"], MOODS.index(row["label"]), name)
            if example.key not in seen:
                seen.add(example.key)
                found.append(example)
    return found


def message(row: Mapping[str, Any]) -> str:
    """Title and text of a citizen's message as the topic set writes them: one line."""
    title, text = row["title"].strip(), row["text"].strip()
    return f"{title}。{text}" if title else str(text)


_COMPLAINT = re.compile(
    r"投诉|举报|扰民|拖欠|欠薪|违规|违法|违建|乱收费|不作为|严重|污染|恶劣|强制|强行|霸王|诈骗|骗|噪音|噪声|烂尾|非法|不合理|不公|脏乱|乱|差|坑|黑心|欺|推诿|"
    r"问题|隐患|无人管|没人管|不管|何时休|迟迟|为何不|不给|不发|不退|拒绝|停水|停电|太|臭|油烟|堵|危险|捆绑|虚假|质疑|侵害|侵占|影响|破坏|维权|求救|救救|反映|请求|恳请|恳求"
)
_QUESTION = re.compile(
    r"^(?:请问|咨询|询问|关于.{0,20}(?:咨询|建议|请示)|建议|希望)|咨询|建议|能否|可否|是否|什么时候|何时|如何|怎么|怎样|吗[？?]?$|请问|想问"
)
_THANKS = re.compile(r"感谢|表扬|点赞|致谢|感恩|好评|称赞|为.{1,12}点赞")
_THANKS_BUT = re.compile(r"投诉|举报|建议|希望|能否|何时|请求|问题")


def mood_of_title(title: str) -> int | None:
    """Weak label of a citizen's message by its title alone; None when the title does not say."""
    if _THANKS.search(title) and not _THANKS_BUT.search(title):
        return 2
    complaint, question = bool(_COMPLAINT.search(title)), bool(_QUESTION.search(title))
    if complaint == question:
        return None
    return 0 if complaint else 1


def judged() -> dict[int, tuple[int, bool]]:
    """Key of a message → its mood as a reader judged it, and whether chance had chosen it.

    `government.tsv`: one reader, as a duty officer would, by the title and both ends of the text. Negative is a grievance, a
    delay, a demand to stop, repair or punish something; neutral a question, an application or a suggestion without
    one; positive thanks and praise. `drawn` were drawn by lot; `sought` are those earlier weights doubted most, and thanks.
    """
    lines = (Path(__file__).parent / "government.tsv").read_text("utf-8").splitlines()
    fields = (line.split("\t") for line in lines)
    return {int(text, 16): (MOODS.index(mood), how == "drawn") for text, mood, how in fields}


def messages() -> list[Example]:
    """Citizens' messages that were judged or whose title says what they are, and offices' replies, which are neutral."""
    found, moods = [], judged()
    for name in ("messages/board", "messages/replied"):
        for row in rows(name):
            example = _example(message(row), 0, "gov")
            mood, drawn = moods.get(example.key, (mood_of_title(row["title"]), False))
            if mood is not None:
                found.append(replace(example, label=mood, drawn=drawn))
            if reply := row.get("reply"):
                found.append(_example(reply, 1, "gov"))
    thanks = [one for one in classes() if one.key in moods]
    return found + [replace(one, label=moods[one.key][0], origin="gov") for one in thanks]


def all_messages() -> list[Example]:
    """Every citizen's message, without a label."""
    return [_example(message(row), 0, "gov") for name in ("messages/board", "messages/replied") for row in rows(name)]


def classes() -> list[Example]:
    """The seven government classes."""
    return [
        _example(row["text"], CLASSES.index(row["label"]), "topics" if row["raw"] else "segmented")
        for row in rows("topics/train")
    ]

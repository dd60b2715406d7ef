"""Summaries by quotation."""

from __future__ import annotations

import subprocess
import sys

from pipeline.summary import quotes

PLANT = (
    "石澜镇化工厂昨夜偷排废水，澜口水库出现大量死鱼。尊敬的领导您好！村民闻到刺鼻气味，多人头晕送医。恳请领导高度重视。"
)


def test_a_quotation_stands_unchanged_in_the_post_it_names() -> None:
    posts = {"p1": PLANT, "p2": "水库死鱼已经三天没人清理，环保局电话打不通。"}

    found = quotes(posts.items())

    assert found
    assert all(quote.text in posts[quote.post] for quote in found)


def test_greetings_and_wishes_are_not_quoted() -> None:
    said = "".join(quote.text for quote in quotes([("p1", PLANT)], most=9))

    assert "尊敬" not in said
    assert "恳请" not in said


def test_what_was_quoted_is_not_quoted_again_from_a_repost() -> None:
    found = quotes([("p1", PLANT), ("p2", PLANT), ("p3", PLANT)])

    assert len({quote.text for quote in found}) == len(found)


def test_nothing_to_quote_gives_nothing() -> None:
    assert quotes([("p1", ""), ("p2", "好！")]) == ()


def test_summaries_need_neither_the_models_nor_the_dictionary() -> None:
    code = "import sys, pipeline.summary; print({'numpy', 'rjieba'} & sys.modules.keys())"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"

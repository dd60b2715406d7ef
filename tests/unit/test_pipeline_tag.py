"""Tagging: topics, moods, flags, risk, and the command's JSON."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from caifeng.commands.tag import merge, tag
from core.model import Mood, Tags
from pipeline.tag import Tagger


def tags(text: str, title: str = "") -> Tags:
    return Tagger().tag_texts([(title, text)])[0]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("工地拖欠农民工工资三个月，几十人讨薪", "wages"),
        ("小区停水两天，自来水公司没人接电话", "utilities"),
        ("化工厂夜间偷排废水，河里死鱼，气味刺鼻", "environment"),
        ("学校食堂吃出虫子，多名学生食物中毒", "food_drug"),
        ("非法集资爆雷，老人养老钱无法兑付", "finance"),
        ("开发商烂尾，延期交房两年，业主维权", "housing"),
        ("村干部贪污扶贫款，实名举报", "cadre"),
        ("新增确诊病例两例，核酸检测，封控", "epidemic"),
        ("公交车停运，红绿灯坏了，堵车严重", "transport"),
        ("强拆，拆迁补偿款没到位，安置房遥遥无期", "land"),
        ("养老院护工虐待老人", "elderly"),
        ("持刀砍人，派出所出警慢", "security"),
        ("暴雨内涝，山洪泥石流，多人被困待救援", "emergency"),
    ],
)
def test_first_topic_is_the_one_the_terms_speak_for(text: str, topic: str) -> None:
    assert tags(text).topics[0].id == topic


def test_tags_of_a_batch_are_whole_values() -> None:
    found = Tagger().tag_texts([("", "小区停水三天没人管"), ("", "今天天气真好")])

    assert [dataclasses.replace(one) for one in found] == found
    assert [dataclasses.replace(score) for score in found[0].class7] == list(found[0].class7)


def test_a_topic_names_the_terms_that_decided() -> None:
    assert "偷排" in tags("工厂偷排废水").topics[0].terms


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("投诉多次没人管，物业态度恶劣，太气愤了！", Mood.NEGATIVE),
        ("请问居住证在哪里办理？需要什么材料？", Mood.NEUTRAL),
        ("为社区工作人员点赞，服务热情周到，非常感谢！", Mood.POSITIVE),
    ],
)
def test_complaint_question_and_thanks_differ_in_mood(text: str, mood: Mood) -> None:
    assert tags(text).sentiment.label is mood


def test_ordinary_chatter_has_no_government_class() -> None:
    assert tags("今天天气真好，和闺蜜去逛街看电影[太开心]").class7 == ()


def test_traditional_characters_give_the_same_topics_and_places() -> None:
    simple, traditional = tags("长沙市工地拖欠工资"), tags("長沙市工地拖欠工資")

    assert (simple.topics, simple.regions) == (traditional.topics, traditional.regions)


def test_no_casualties_is_no_casualty() -> None:
    assert "casualty" in tags("火灾致三人死亡").flags
    assert "casualty" not in tags("火灾已扑灭，无人员伤亡").flags


def test_risk_is_the_sum_of_its_reasons() -> None:
    found = tags("工地坍塌致三人死亡，数百人聚集堵路")

    assert found.risk == sum(int(reason.rsplit("+", 1)[1]) for reason in found.risk_reasons)
    assert "危害标记 人员伤亡 +25" in found.risk_reasons


def test_a_post_gets_the_tags_in_a_batch_that_it_gets_alone() -> None:
    tagger = Tagger()
    texts = [("长沙市停水", "自来水公司没人管"), ("", ""), ("", "西安市\0新华网\0停电"), ("停水", "停水，已报警")]

    assert tagger.tag_texts(texts) == [tagger.tag_texts([text])[0] for text in texts]


def test_snownlp_can_be_chosen() -> None:
    found = Tagger(sentiment="snownlp").tag_texts([("", "服务很好，非常满意")])[0]

    assert found.sentiment.label is Mood.POSITIVE
    assert found.model_version.endswith("+snownlp")


def test_a_hundred_thousand_characters_are_tagged() -> None:
    assert tags("小区停水没人管。" * 12_500).topics[0].id == "utilities"


def run(folder: Path, lines: list[str], command: click.Command = tag) -> tuple[int, list[dict[str, object]], str]:
    file = folder / "in.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    result = CliRunner().invoke(command, [str(file)])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_command_prints_every_field_of_the_contract(tmp_path: Path) -> None:
    code, rows, _ = run(
        tmp_path, ['{"id": "1", "title": "停水", "text": "电话13812345678", "published_at": "2019/2/28 11:25:05"}']
    )

    assert code == 0
    expected = {
        "id",
        "topics",
        "class7",
        "sentiment",
        "regions",
        "flags",
        "keywords",
        "risk",
        "text_masked",
        "confident",
    }
    assert expected <= rows[0].keys()
    assert rows[0]["text_masked"] == "电话[电话]"


def test_bad_lines_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    code, rows, errors = run(
        tmp_path, ['{"id": "1", "text": "好"}', "oops", "[1]", '{"id": "4"}', '{"id": "5", "text": ""}']
    )

    assert code == 1
    assert [row["id"] for row in rows] == ["1", "5"]
    assert [line[:5] for line in errors.splitlines()[:3]] == ["第 2 行", "第 3 行", "第 4 行"]


def test_merge_gives_a_repost_the_story_of_its_original(tmp_path: Path) -> None:
    text = "采川县石澜镇化工厂凌晨爆炸，附近居民玻璃被震碎，消防已到场处置"
    lines = [
        json.dumps({"id": str(i), "text": t}) for i, t in enumerate([text, "今天吃火锅", f"转发微博//@小禾:{text}"])
    ]

    _, rows, _ = run(tmp_path, lines, merge)

    assert [row["story"] for row in rows] == ["0", "1", "0"]
    assert rows[2]["incident"] == "0"


def test_tagging_does_not_start_django() -> None:
    code = "import sys; from click.testing import CliRunner; from caifeng.cli import caifeng; CliRunner().invoke(caifeng, ['tag', '-'], input='{\"text\": \"a\"}'); print('django.apps.registry' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"

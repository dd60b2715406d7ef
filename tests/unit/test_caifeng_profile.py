"""A profile folder: every error at once, each with its file and line."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from caifeng import profile
from core.errors import ConfigError

EXAMPLE = profile.texts(profile.find("example-county"))


def reasons(sections: Mapping[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        profile.load(sections)
    return [str(fault) for fault in caught.value.faults]


def test_the_example_county_is_complete() -> None:
    loaded = profile.load(EXAMPLE).profile

    assert len(loaded.topics) == 21
    assert len(loaded.departments) >= 25
    assert [level.id for level in loaded.levels] == ["I", "II", "III", "IV"]


def test_errors_of_several_files_come_together_with_their_lines() -> None:
    broken = EXAMPLE | {
        "topics": EXAMPLE["topics"].replace("owners: [health_bureau]", "owners: [nobody]", 1),
        "roster": EXAMPLE["roster"].replace("officers: [shenzhihe, zhushuyan]", "officers: [stranger]"),
    }

    found = reasons(broken)

    assert any(line.startswith("topics.yaml:3: ") and "没有单位 nobody" in line for line in found)
    assert any(line.startswith("roster.yaml:6: ") and "stranger" in line for line in found)


def test_a_misspelt_key_is_named() -> None:
    found = reasons(EXAMPLE | {"topics": EXAMPLE["topics"].replace("    weight: 9", "    weigth: 9", 1)})

    assert found == ["topics.yaml:6: 0.weigth：不认识的项，请核对拼写"]


def test_a_national_ceiling_is_not_loosened_without_a_reason() -> None:
    loose = EXAMPLE["levels"].replace("I: 5h, II: 5h", "I: 6h, II: 5h")

    found = reasons(EXAMPLE | {"levels": loose})

    assert len(found) == 1
    assert "超过国家规定的 5 小时" in found[0]


def test_a_recorded_reason_loosens_a_ceiling() -> None:
    loose = EXAMPLE["levels"].replace("I: 5h, II: 5h", "I: 6h, II: 5h, reason: 县政府 2026 年第 3 次常务会议")

    windows = profile.load(EXAMPLE | {"levels": loose}).profile.windows

    assert "县政府 2026 年第 3 次常务会议" in next(
        window.basis for window in windows if (window.stage, window.level) == ("authoritative_info", "I")
    )


def test_working_days_keep_no_ceiling_of_hours() -> None:
    loose = EXAMPLE["levels"].replace("III: 48h, IV: 48h", "III: 1wd, IV: 48h")

    found = reasons(EXAMPLE | {"levels": loose})

    assert len(found) == 1
    assert "public_response III 级为 1wd，超过国家规定的 48 小时" in found[0]


def test_a_ceiling_cannot_be_left_out() -> None:
    without = EXAMPLE["levels"].replace("I: 24h, II: 24h}", "I: 24h}")

    found = reasons(EXAMPLE | {"levels": without})

    assert len(found) == 1
    assert "press_conference II 级没有时限，国家规定不超过 24 小时" in found[0]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("regions: [", "YAML 语法错误"),
        ("regions: &a []\nmore: *a\n", "锚点"),
        ("regions: " + "[" * 100_000, "嵌套过深"),
        ("regions: []\nregions: []\n", "重复的键 regions"),
        ("- 1\n", "缺少 regions"),
        ("regions:\n  - {id: a, name: 甲, parent: b}\n  - {id: b, name: 乙, parent: a}\n", "成环"),
    ],
)
def test_what_is_no_list_of_regions_is_refused_with_its_place(text: str, part: str) -> None:
    found = reasons(EXAMPLE | {"regions": text})

    assert any(line.startswith("regions.yaml") and part in line for line in found)


def test_a_missing_file_is_an_error_of_that_file() -> None:
    found = reasons({name: text for name, text in EXAMPLE.items() if name != "roster"})

    assert found == ["roster.yaml: 缺少此文件"]


def test_an_unknown_profile_says_where_profiles_are() -> None:
    with pytest.raises(ConfigError, match="deploy/profiles"):
        profile.find("atlantis")


def test_a_rule_on_a_watch_asks_for_both_queries() -> None:
    rule = next(rule for rule in profile.load(EXAMPLE).rules if rule.id == "county.chemical-park")

    assert "化工园 OR 化工厂" in rule.query


def test_a_rule_on_an_unknown_watch_is_an_error() -> None:
    found = reasons(EXAMPLE | {"rules": EXAMPLE["rules"].replace("watch: chemical-park", "watch: nowhere")})

    assert found == ["rules.yaml:7: county.chemical-park：没有监测方案 nowhere"]


def test_every_rule_of_the_library_can_be_read() -> None:
    assert len(profile.library()) >= 40


def test_a_window_given_twice_is_an_error() -> None:
    twice = EXAMPLE["levels"].replace("IV: 30m}", "IV: 30m}\n  - {stage: confirm, IV: 40m}", 1)

    assert reasons(EXAMPLE | {"levels": twice}) == ["levels.yaml:12: confirm IV 级已在前面规定"]

"""Whose matter it is: the norm's order, by table."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import owner
from core.model import Score, TaggedPost
from tests.fixtures.county import a_county, a_post

COUNTY = a_county()
SHILAN = ("省/市/采川县/石澜镇",)
QINGHE = ("省/市/采川县/青禾乡",)


def posts(topics: dict[str, float], *regions: tuple[str, ...], **tags: Any) -> list[TaggedPost]:
    scores = tuple(Score(id=topic, score=score) for topic, score in topics.items())
    return [a_post(str(number), topics=scores, regions=region, **tags) for number, region in enumerate(regions)]


@pytest.mark.parametrize(
    ("topics", "regions", "lead", "co", "guidance", "review"),
    [
        # One place, one department: 属地 hosts, the department guides.
        ({"wages": 0.9}, [SHILAN], "shilan", (), ("human_resources",), False),
        # Specialists answer directly; the place helps.
        ({"utilities": 0.9}, [SHILAN], "water", ("shilan",), (), False),
        # Several places: the department over them.
        ({"wages": 0.9}, [SHILAN, QINGHE], "human_resources", ("shilan", "qinghe"), (), False),
        # Several departments: the office names the lead.
        ({"education": 0.9, "wages": 0.7}, [SHILAN], "education", ("human_resources",), (), True),
        # A weak second topic does not count.
        ({"wages": 0.9, "education": 0.2}, [SHILAN], "shilan", (), ("human_resources",), False),
        # No place known: the topic's department, to be reviewed.
        ({"wages": 0.9}, [()], "human_resources", (), (), True),
        # No topic known: the place, to be reviewed.
        ({}, [SHILAN], "shilan", (), (), True),
        # Nothing known: the office.
        ({}, [()], "gov_office", (), (), True),
    ],
)
def test_owner_follows_the_norm(
    topics: dict[str, float],
    regions: list[tuple[str, ...]],
    lead: str,
    co: tuple[str, ...],
    guidance: tuple[str, ...],
    review: bool,
) -> None:
    found = owner.suggest(posts(topics, *regions), COUNTY)

    assert (found.lead, found.co, found.guidance, found.needs_review) == (lead, co, guidance, review)
    assert found.reasons


def test_rule_may_name_the_lead() -> None:
    found = owner.suggest(posts({"wages": 0.9}, SHILAN), COUNTY, hint="police")

    assert (found.lead, found.reasons[0]) == ("police", "规则指定由县公安局牵头")


def test_place_named_in_passing_does_not_count() -> None:
    found = owner.suggest(posts({"wages": 0.9}, *[SHILAN] * 9, QINGHE), COUNTY)

    assert found.lead == "shilan"


def test_village_belongs_to_the_unit_of_its_township() -> None:
    found = owner.suggest(posts({"wages": 0.9}, ("省/市/采川县/石澜镇/无名村",)), COUNTY)

    assert found.lead == "shilan"


def test_vertical_line_and_rumour_are_remarked() -> None:
    found = owner.suggest(posts({"environment": 0.9}, (), flags=("rumor_suspect",)), COUNTY)

    assert any("垂直管理，同时抄送市生态环境局" in reason for reason in found.reasons)
    assert any("由人决定" in reason for reason in found.reasons)
    assert found.needs_review


def test_institution_named_in_posts_is_pointed_out() -> None:
    found = owner.suggest(posts({"education": 0.9}, SHILAN, institutions=("人社局",)), COUNTY)

    assert "1 / 1 帖提到县人社局，未列入，请核对" in found.reasons


def test_several_places_share_the_jurisdiction_above_them() -> None:
    assert owner.suggest(posts({"wages": 0.9}, SHILAN, QINGHE), COUNTY).jurisdiction == "省/市/采川县"

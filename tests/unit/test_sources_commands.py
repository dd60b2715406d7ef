"""`caifeng sources` in-process; what needs the network stands in the integration tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from caifeng import bootstrap
from caifeng.commands.sources import sources
from core.errors import ConfigError
from crawlers import states
from crawlers.models import PushToken, SourceState
from crawlers.sources import Source
from tests.fixtures.collect import a_source

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def of_home(monkeypatch: pytest.MonkeyPatch) -> list[Source]:
    """A home with two sources, and a database that is ready."""
    found = [a_source(), a_source(id="hotline", name="热线", kind="push", url="")]
    monkeypatch.setattr(bootstrap, "ready", lambda: None)
    monkeypatch.setattr(bootstrap, "sources", lambda: found)
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sources, arguments)


@pytest.mark.usefixtures("of_home")
def test_a_source_of_the_catalogue_is_tried_on_its_stored_pages() -> None:
    result = run("test", "mala", "--fixture", "--json")

    drafts = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [draft["external_id"] for draft in drafts] == [f"/thread-5000-1-1.html#post_8800{n}" for n in range(3)]


@pytest.mark.usefixtures("of_home")
def test_an_unknown_source_is_a_usage_error() -> None:
    with pytest.raises(ConfigError, match="no source nowhere"):
        CliRunner().invoke(sources, ["test", "nowhere", "--fixture"], catch_exceptions=False)


@pytest.mark.usefixtures("of_home")
def test_a_fixture_that_brings_nothing_is_a_no(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "- {id: empty, name: 空, kind: feed, url: 'https://a.cn/f', fixtures: [f.xml]}", "utf-8"
    )
    (tmp_path / "f.xml").write_text("<rss></rss>", "utf-8")

    assert run("test", "empty", "--fixture", "--file", str(tmp_path / "s.yaml")).exit_code == 1


def test_status_says_no_when_a_source_is_not_well(of_home: list[Source]) -> None:
    states.ensure(of_home, datetime.now(UTC))
    well = run("status", "--json")
    SourceState.objects.filter(source="news").update(health="broken", health_reason="连续 3 次采集失败")
    ill = run("status")

    assert (well.exit_code, ill.exit_code) == (0, 1)
    assert {one["id"] for one in json.loads(well.stdout)} == {"news", "hotline"}
    assert "故障\tnews\t县政府网" in ill.stdout


@pytest.mark.usefixtures("of_home")
def test_a_token_is_shown_once_and_for_push_sources_only() -> None:
    result = run("token", "hotline", "--holder", "热线办")

    assert result.stdout.startswith("cfp_")
    assert PushToken.objects.get().digest not in result.stdout
    assert run("token", "news", "--holder", "热线办").exit_code != 0


@pytest.mark.usefixtures("of_home")
def test_lists_say_what_is_off_and_unverified() -> None:
    assert "启用" in run("list").stdout
    assert "停用，未在线核对" in run("list", "--catalogue").stdout

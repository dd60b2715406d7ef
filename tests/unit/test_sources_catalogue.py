"""The catalogue that comes with Caifeng: every entry reads its own stored documents."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawlers.preview import stored
from crawlers.sources import FETCHED, Kind, Source, load

FOLDER = Path(__file__).parents[2] / "deploy" / "sources"
CATALOGUE = load(*sorted(FOLDER.glob("*.yaml")))
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PAGED = {Kind.LIST, Kind.BOARD, Kind.FORUM, Kind.SITEMAP}


def test_the_catalogue_covers_every_kind_with_sixty_sources_or_more() -> None:
    assert len(CATALOGUE) >= 60
    assert {source.kind for source in CATALOGUE} == set(Kind)


@pytest.mark.parametrize("source", CATALOGUE, ids=lambda source: source.id)
def test_an_entry_is_off_says_so_and_reads_its_fixture(source: Source) -> None:
    found = stored(source, FOLDER, NOW)

    assert (source.enabled, source.verified) == (False, False)
    assert "未在线核对" in source.note
    assert found.rejected == []
    assert not found.failed
    assert all((draft.title and draft.published_at) or source.kind is Kind.HOTLIST for draft, _ in found.drafts)
    assert len(found.drafts) + len(found.links) >= 5


@pytest.mark.parametrize("source", [one for one in CATALOGUE if one.kind in PAGED], ids=lambda source: source.id)
def test_a_page_behind_the_index_is_read_to_the_minute(source: Source) -> None:
    draft, _ = stored(source, FOLDER, NOW).drafts[0]

    assert draft.precision in ("minute", "second")
    assert len(draft.text) >= 20
    assert "首页" not in draft.text


def test_addresses_are_of_public_hosts() -> None:
    hosts = [host for source in CATALOGUE if source.kind in FETCHED for host, _ in source.origins]

    assert all("." in host and not host.replace(".", "").isdigit() for host in hosts)

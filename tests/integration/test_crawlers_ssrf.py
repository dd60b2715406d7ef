"""Nobody gets the crawler to connect inwards: 70 targets, asked directly, by redirect, by meta refresh, by rebinding."""

from __future__ import annotations

import pytest

from crawlers.guards import GUARDS
from tests.fixtures.probing import probe


@pytest.mark.parametrize("guards", [",".join(GUARDS), *GUARDS])
def test_every_guard_alone_keeps_every_target_out(guards: str) -> None:
    reached, outcomes = probe(guards)

    assert reached == 0
    assert len(outcomes) >= 300
    assert [name for name, outcome in outcomes.items() if outcome == "REACHED"] == []

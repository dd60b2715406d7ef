"""Parallel runs: tests that share a heavy server stay together in one process, so that it is started once."""

from __future__ import annotations

import pytest

SHARED = ("elasticsearch", "browser")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in SHARED:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.xdist_group(name))

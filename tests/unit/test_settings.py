"""The tests themselves: a home of their own, and the database that was asked for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

pytestmark = pytest.mark.workflow


def test_no_test_touches_the_home_of_an_installation() -> None:
    assert settings.HOME.is_relative_to(Path(tempfile.gettempdir()).resolve())


def test_the_database_is_the_one_that_was_asked_for() -> None:
    wanted = os.environ.get("CAIFENG_TEST_DATABASE", "sqlite")

    assert connection.vendor == wanted

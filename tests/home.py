"""A pytest plugin: every run has a home of its own and sees no setting of the machine.

It is named in `addopts`, not a conftest: pytest-django reads the settings before any conftest is loaded.
With CAIFENG_TEST_DATABASE=postgresql the workflow database is a real PostgreSQL, started here before Django is.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.servers import postgresql

# Tests assert behaviour, not time: the first example may build a table, on a busy machine.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")

_KEPT = ("CAIFENG_TEST_", "CAIFENG_DATA")
for _name in [name for name in os.environ if name.startswith("CAIFENG_") and not name.startswith(_KEPT)]:
    del os.environ[_name]
_HOME = tempfile.TemporaryDirectory(prefix="caifeng-test-", ignore_cleanup_errors=True)
atexit.register(_HOME.cleanup)
os.environ["CAIFENG_HOME"] = _HOME.name

if os.environ.get("CAIFENG_TEST_DATABASE") == "postgresql":
    if _url := os.environ.get("CAIFENG_TEST_POSTGRESQL_URL"):
        os.environ["CAIFENG_DATABASE_URL"] = _url
    else:
        _server = postgresql.start()
        atexit.register(_server.stop)
        os.environ["CAIFENG_DATABASE_URL"] = _server.url


@pytest.fixture(autouse=True, scope="session")
def passwords_are_hashed_quickly() -> Iterator[None]:
    """A good hash takes a third of a second, and every test of the console makes one."""
    from django.test import override_settings

    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield

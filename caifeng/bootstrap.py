"""The wiring: which adapter stands behind which port. Commands and roles call these, tests pass their own."""

from __future__ import annotations

import functools

import django
from django.apps import apps
from django.core.management import call_command


def setup() -> None:
    """Make Django ready and bring the database to this version; works on a fresh home."""
    if not apps.ready:
        django.setup()
    call_command("migrate", verbosity=0, interactive=False)


@functools.cache
def django_ready() -> None:
    """`setup`, once per process."""
    setup()

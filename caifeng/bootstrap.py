"""The wiring: which adapter stands behind which port. Commands and roles call these, tests pass their own."""

from __future__ import annotations

import fcntl
import functools
import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

from core.profile import Profile

if TYPE_CHECKING:
    from caifeng.profile import Installation
    from core.ports import PostStore
    from crawlers.sources import Source
    from rules.schema import Rule


@functools.cache
def ready() -> None:
    """Start Django and bring the database of this home to this version; works on a fresh home."""
    if not apps.ready:
        django.setup()
    with _one_at_a_time():
        _migrate()
    # Migrating leaves megabytes in cycles, which what is loaded next would be put behind.
    gc.collect()
    _wire_pages()


def _migrate() -> None:
    """Look first: with nothing to do the command still builds every model again."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Roles of one home that start together on a fresh database take turns."""
    settings.HOME.mkdir(parents=True, exist_ok=True)
    with (settings.HOME / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def load_profile(name_or_path: str) -> Profile:
    """A profile from its folder, without any database. Raises ConfigError with every fault."""
    from caifeng import profile

    return profile.load(profile.texts(profile.find(name_or_path))).profile


def installation() -> Installation:
    """What this home runs on: the newest version of every section; the first call takes in CAIFENG_PROFILE."""
    from storage import documents

    ready()
    if not (state := documents.state()):
        adopt(settings.PROFILE, actor="system:setup", now=datetime.now(UTC))
        state = documents.state()
    return _installation(state)


def adopt(name_or_path: str, *, actor: str, now: datetime) -> None:
    """Take a checked profile folder into the database as the next version of each section that differs."""
    from caifeng import profile
    from storage import documents

    sections = profile.texts(profile.find(name_or_path))
    profile.load(sections)
    for section, text in sections.items():
        current = documents.newest(section)
        if current is None or current.body != text:
            documents.save(section, text, based_on=current.version if current else 0, actor=actor, now=now)


@functools.lru_cache(maxsize=1)
def _installation(state: tuple[tuple[str, int], ...]) -> Installation:
    from caifeng import profile
    from storage import documents

    return profile.with_rules(profile.load(documents.bodies()), profile.library())


def profile() -> Profile:
    """The jurisdiction of this home, as edited last."""
    return installation().profile


def sources() -> list[Source]:
    """The sources of this home, those switched off included."""
    return list(installation().sources)


def rules() -> list[Rule]:
    """The rules of this home: the profile's and the library's, those switched off included."""
    return list(installation().rules)


@functools.cache
def post_store() -> PostStore:
    """The post store CAIFENG_STORE names, one per process."""
    ready()
    if settings.STORE == "elasticsearch":
        from storage.elastic import ElasticStore

        return ElasticStore.from_settings(settings)
    from storage.sqlite import SqliteStore

    return SqliteStore(settings.HOME / "posts.sqlite3")


def check(sections: Mapping[str, str]) -> None:
    """Check a profile given as section → text. Raises ConfigError with every fault."""
    from caifeng import profile

    profile.load(sections)


def _wire_pages() -> None:
    from briefings import parts
    from console import deps

    parts.install(post_store=post_store, profile=profile)
    deps.install(post_store=post_store, profile=profile, rules=rules, sources=sources, check=check)

"""Backup and restore of an installation with many posts, as its operator does it: two commands, verified counts."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench import house
from bench.house import show
from bench.storage_posts import Town

AT_ONCE = 1000


def fill(environment: Mapping[str, str], posts: int) -> None:
    """Put posts straight into the store."""
    house.enter(environment)
    from caifeng import bootstrap

    town, store = Town(7), bootstrap.post_store()
    for first in range(0, posts, AT_ONCE):
        store.upsert(list(town.posts(AT_ONCE, first=first)))


def timed(environment: Mapping[str, str], *arguments: str) -> float:
    """Seconds of a command on the wall, its start included. Raises CalledProcessError."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "caifeng.cli", *arguments], env=environment, check=True)
    return time.monotonic() - begun


def main() -> None:
    """Fill, back up, restore elsewhere, compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--posts", type=int, default=200_000)
    options.add_argument("--store", type=Path, help="a posts.sqlite3 with so many posts, instead of filling one")
    given = options.parse_args()
    posts = given.posts
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-", ignore_cleanup_errors=True) as folder:
        here = house.prepare(Path(folder) / "here")
        if given.store:
            shutil.copy(given.store, Path(here["CAIFENG_HOME"]) / "posts.sqlite3")
        else:
            fill(here, posts)
        there = here | {"CAIFENG_HOME": str(Path(folder) / "there")}
        file = Path(folder) / "kept.tar"
        kept = timed(here, "backup", str(file))
        restored = timed(there, "restore", str(file))
        found = subprocess.run(
            [sys.executable, "-m", "caifeng.cli", "store", "info"],
            env=there,
            check=True,
            capture_output=True,
            text=True,
        )
        size, load = file.stat().st_size / 1e6, f"load {os.getloadavg()[0]:.1f}"
    complete = str(posts) in found.stdout.replace(",", "")
    show(f"backup of {posts:,} posts", "–", f"{kept:.1f} s, {size:.0f} MB ({load})")
    show(f"restore of {posts:,} posts, verified", "< 120 s", f"{restored:.1f} s ({load})")
    show("posts missing after the restore", "0", "0" if complete else f"not {posts:,}: {found.stdout.strip()[:200]}")


if __name__ == "__main__":
    main()

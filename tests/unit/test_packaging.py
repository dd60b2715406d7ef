"""Our folders are the packages: nobody else may own their names, and no list may forget one."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


def test_no_other_distribution_owns_our_names() -> None:
    owners = importlib.metadata.packages_distributions()

    assert {name: owners[name] for name in PACKAGES if set(owners.get(name, ["caifeng"])) != {"caifeng"}} == {}


def test_wheel_contracts_and_linters_know_every_package() -> None:
    lists = {
        "wheel": PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"],
        "import-linter": PROJECT["tool"]["importlinter"]["root_packages"],
        "mypy": PROJECT["tool"]["mypy"]["packages"],
        "deptry": PROJECT["tool"]["deptry"]["known_first_party"],
        "isort": PROJECT["tool"]["ruff"]["lint"]["isort"]["known-first-party"],
    }

    assert {name: sorted(found) for name, found in lists.items()} == dict.fromkeys(lists, PACKAGES)


def test_tests_are_no_package_that_could_shadow_ours() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []

"""Ready rules for the usual topics of a county. Their numbers are starting points, no norm knows any."""

from __future__ import annotations

import functools
from importlib.resources import files

import yaml

from core.errors import ConfigError, Fault
from rules.schema import Rule, parse


@functools.cache
def load() -> tuple[Rule, ...]:
    """Every rule of the library, those switched off included. Raises ConfigError with every fault."""
    found: list[Rule] = []
    faults: list[Fault] = []
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".yaml"):
            continue
        for given in yaml.safe_load(file.read_text("utf-8")):
            try:
                found.append(parse(given, file=file.name))
            except ConfigError as error:
                faults += error.faults
    if faults:
        raise ConfigError(faults)
    return tuple(found)

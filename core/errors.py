"""Every error Caifeng raises on purpose; each class says what its catcher does next.

CaifengError
├── Rejected        drop this one item, count it, keep it with its reason; the good rest goes on
├── Retry           nothing is wrong with the item; try again later (`after` seconds when known)
├── Permanent       trying again cannot help: quarantine it and tell a person
├── ConfigError     an administrator must change a file or a setting; lists every fault at once
├── Refused         the desk may not do this now; the message tells the officer why, in Chinese
│   └── Conflict    someone else changed the row first: show the newer state
└── QuerySyntax     a query cannot be read; `position` is the character, from 1

Do not add a class unless a caller acts differently on it.
"""

from __future__ import annotations

from dataclasses import dataclass


class CaifengError(Exception):
    """Root of the errors raised on purpose."""


class Rejected(CaifengError):
    """One item is unusable; the reason is kept beside it."""


class Retry(CaifengError):
    """The outside failed for now.

    `after` is the wait in seconds the other side asked for, None when it said nothing.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Permanent(CaifengError):
    """The outside refused for good; a person has to look."""


class Refused(CaifengError):
    """The action is not allowed in this state or for this actor; the text is shown as it is."""


class Conflict(Refused):
    """The row changed since it was read."""


class QuerySyntax(CaifengError):
    """A query that cannot be read; `position` counts characters from 1."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"第 {position} 个字：{message}")
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong in one place of a configuration file."""

    file: str
    #: 1-based; None when the whole file is meant.
    line: int | None
    reason: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.reason}"


class ConfigError(CaifengError):
    """A configuration that cannot be used; `faults` names every error at once."""

    def __init__(self, faults: list[Fault] | str) -> None:
        self.faults = [Fault(file="", line=None, reason=faults)] if isinstance(faults, str) else faults
        super().__init__("\n".join(str(fault).removeprefix(": ") for fault in self.faults))

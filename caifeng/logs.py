"""Log lines as `time level logger event key=value …`, so that people and machines read the same line."""

from __future__ import annotations

import json
import logging
from datetime import datetime

from core.clock import SHANGHAI

_STANDARD = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"}


class FieldFormatter(logging.Formatter):
    """The event, then the fields given with `extra`; anything with a space or sign is quoted as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it when there is one."""
        at = datetime.fromtimestamp(record.created, SHANGHAI).isoformat(timespec="milliseconds")
        fields = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        words = [f"{name}={_plain(value)}" for name, value in fields.items()]
        line = " ".join([at, record.levelname, record.name, _one_line(record.getMessage()), *words])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _one_line(text: str) -> str:
    # Hostile text must not forge a second line.
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _plain(value: object) -> str:
    text = str(value)
    simple = text and all(letter.isalnum() or letter in "-_.:/+" for letter in text)
    return text if simple else json.dumps(text, ensure_ascii=False)

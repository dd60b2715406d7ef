"""Django's SQLite backend, with writers that queue.

SQLite lets one writer in at a time and the others ask again after up to 100 ms: beside a process that goes from one
transaction to the next they hardly ever find it free. Here a transaction takes a file lock first, so the kernel wakes
the next one as soon as it is released. A process that dies releases it.
"""

from __future__ import annotations

import fcntl
import os
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend `storage.workflow`; a database in memory has no queue."""

    #: Descriptor of the lock file.
    _queue: int | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, and open the lock file beside the database."""
        connection = super().get_new_connection(conn_params)
        if not self.is_in_memory_db():
            self._queue = os.open(f"{self.settings_dict['NAME']}-queue", os.O_WRONLY | os.O_CREAT, 0o644)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        if self._queue is not None:
            fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # left out of the stubs
        except BaseException:
            self._leave()
            raise

    def commit(self) -> None:
        """Commit, and let the next one in."""
        super().commit()
        self._leave()

    def rollback(self) -> None:
        """Roll back, and let the next one in."""
        super().rollback()
        self._leave()

    def close(self) -> None:
        """Close the database and the lock file."""
        super().close()
        if self._queue is not None:
            os.close(self._queue)
            self._queue = None

    def _leave(self) -> None:
        if self._queue is not None:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

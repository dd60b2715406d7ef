"""Run a command on a private Elasticsearch: `python -m deploy.elasticsearch.run caifeng up --demo`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from deploy.elasticsearch import server


def main() -> int:
    """Start the server, run the command with it as its post store, stop the server; return the command's code."""
    print("starting Elasticsearch (first time: 98 MB from Maven Central)", file=sys.stderr, flush=True)  # noqa: T201
    try:
        started = server.start()
    except RuntimeError as error:
        sys.exit(str(error))
    settings = {"CAIFENG_STORE": "elasticsearch", "CAIFENG_ELASTICSEARCH_URL": started.url}
    try:
        with subprocess.Popen(sys.argv[1:], env={**os.environ, **settings}) as command:
            # The command ends in good order, and the server after it.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: command.terminate())
            return command.wait()
    finally:
        started.stop()


if __name__ == "__main__":
    sys.exit(main())

"""A private PostgreSQL on loopback, from Debian's binaries, gone with the test run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server; `url` is what CAIFENG_DATABASE_URL takes."""

    folder: Path
    url: str
    runner: tuple[str, ...]
    binaries: Path

    def stop(self) -> None:
        """Stop at once and remove every trace."""
        subprocess.run(
            [*self.runner, self.binaries / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop"],
            capture_output=True,
            cwd="/",
        )
        shutil.rmtree(self.folder, ignore_errors=True)


def start(*, durable: bool = False, owner: str = "caifeng") -> Server:
    """Make a cluster and start it; refuses to run as root, so root borrows the user `postgres`.

    `durable`: commits reach the disk, as in production; tests do without. `owner` names superuser and database.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError("no PostgreSQL found: run tests/prepare, or set CAIFENG_TEST_POSTGRESQL_URL to a server")
    binaries = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="caifeng-postgresql-"))
    runner: tuple[str, ...] = ()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        runner = ("runuser", "-u", "postgres", "--")
    port = _free_port()
    data = folder / "data"
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync={'on' if durable else 'off'} -c max_connections=60"
    for command in (
        [binaries / "initdb", "-D", data, "-U", owner, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
        [binaries / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"],
        [binaries / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", owner, owner],
    ):
        # Output goes to files: a server that inherited our pipe would keep it open.
        with (folder / "setup.log").open("ab") as log:
            done = subprocess.run([*runner, *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")
        if done.returncode:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'setup.log').read_text()[-2000:]}")
    return Server(
        folder=folder,
        url=f"postgres://{owner}@127.0.0.1:{port}/{owner}",
        runner=runner,
        binaries=binaries,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

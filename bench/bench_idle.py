"""Bars of an installation at rest: start to first page, memory and processor of all roles, on a fresh home.

Run as `python -m bench.bench_idle [--settle S] [--watch S]`. The roles are started as `make run` starts them.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from urllib.error import URLError
from urllib.request import urlopen

import psutil

MEGABYTE = 1e6


def bar(name: str, wanted: str, measured: str) -> None:
    """One line of the report."""
    print(f"{name:<44} bar {wanted:<12} measured {measured:<60} load {os.getloadavg()[0]:.1f}", flush=True)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def first_page(port: int, since: float) -> float:
    """Seconds until the login page was read in full."""
    while time.monotonic() - since < 120:
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/login", timeout=10) as page:
            page.read()
            return time.monotonic() - since
        time.sleep(0.02)
    raise SystemExit("no page within two minutes")


def family(parent: psutil.Process) -> dict[str, psutil.Process]:
    """The supervisor and its roles by name."""
    return {"up": parent} | {child.cmdline()[-1]: child for child in parent.children(recursive=True)}


def spent(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Processor seconds of each so far."""
    return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}


def words(figures: dict[str, float], unit: str, digits: int) -> str:
    """The sum, and each role's share."""
    parts = ", ".join(f"{name} {value:.{digits}f}" for name, value in figures.items())
    return f"{sum(figures.values()):.{digits}f} {unit} ({parts})"


def main() -> int:
    """Start, wait, measure, stop."""
    options = argparse.ArgumentParser()
    options.add_argument("--settle", type=float, default=30, help="seconds before the processor is watched")
    options.add_argument("--watch", type=float, default=60, help="seconds it is watched")
    given = options.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "CAIFENG_HOME": home, "CAIFENG_PORT": str(port)}
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", "caifeng.cli", "up"], env=environment, stderr=subprocess.DEVNULL
        ) as up:
            try:
                bar("start to first page, fresh home", "< 8 s", f"{first_page(port, began):.1f} s")
                time.sleep(given.settle)
                roles = family(psutil.Process(up.pid))
                before, started = spent(roles), time.monotonic()
                time.sleep(given.watch)
                passed = time.monotonic() - started
                share = {name: (value - before[name]) / passed * 100 for name, value in spent(roles).items()}
                memory = {name: process.memory_info().rss / MEGABYTE for name, process in roles.items()}
                bar("processor of all roles at rest", "< 2 %", words(share, "% of a core", 2))
                bar("memory (RSS) of all roles at rest", "< 400 MB", words(memory, "MB", 0))
            finally:
                up.send_signal(signal.SIGTERM)
                up.wait(60)
    return 0


if __name__ == "__main__":
    sys.exit(main())

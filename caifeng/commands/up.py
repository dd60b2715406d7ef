"""`caifeng up`: kept free of Django, so that the supervisor stays small."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.request import urlopen

import click

from caifeng import supervise
from caifeng.demo import stage

ROLES = ("desk", "crawl", "work")
#: These load much, and on two cores the desk's first page would wait for them: they start some seconds later.
HEAVY = {"crawl", "work"}
HEAD_START = 7.0


@click.command()
@click.option("--demo", is_flag=True, help="add the little town, its chat, and accounts to try everything with")
def up(demo: bool) -> None:
    """Start every role under one supervisor; Ctrl-C stops them all in good order."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    place = stage.Stage.of(os.environ)
    _free(place.port)
    environment = {**os.environ, "CAIFENG_SUPERVISED": "1"}
    commands = [(name, supervise.role_command(name)) for name in ROLES]
    if demo:
        environment |= place.environment()
        commands.append(("town", [sys.executable, "-m", "caifeng.demo.stage", "play"]))
        _prepare(environment)
    later = time.monotonic() + HEAD_START
    children = [
        supervise.Child(name=name, command=line, environment=environment, start_at=later if name in HEAVY else 0.0)
        for name, line in commands
    ]
    threading.Thread(target=_announce, args=(place, demo, stop), daemon=True).start()
    supervise.Supervisor(children=children, stop=stop).run()
    click.echo("caifeng: all roles stopped", err=True)


def _prepare(environment: Mapping[str, str]) -> None:
    done = subprocess.run([sys.executable, "-m", "caifeng.demo.stage", "prepare"], env=environment, check=False)
    if done.returncode:
        raise click.ClickException("the demo's home could not be prepared; the reason stands above")


def _free(port: int) -> None:
    """Refuse early and clearly when the console's port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.UsageError(f"port {port} is taken; set CAIFENG_PORT to a free one") from error


def _announce(place: stage.Stage, demo: bool, stop: threading.Event) -> None:
    """Say where the console is, once it answers."""
    while not stop.wait(0.2):
        # Fixed scheme and host: our own console. The standard library keeps the supervisor small.
        with suppress(OSError), urlopen(f"http://127.0.0.1:{place.port}/healthz", timeout=2):
            break
    else:
        return
    lines = [f"采风  {place.url}"]
    if demo:
        lines += [
            f"登录  {stage.LOGIN}  密码  {place.password()}",
            f"小城  {place.town_url}",
            f"通知  {place.chat_url}",
        ]
    lines.append("Ctrl-C 停止；再次启动接着运行")
    click.echo("\n" + "\n".join(lines) + "\n", err=True)

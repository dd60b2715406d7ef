"""The process roles: serve, schedule, crawl, work, sweep, send."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable

import click

from caifeng import bootstrap, supervise
from caifeng.roles import Loop, Role, instance, stop_on_signal, utc_now

ONCE = click.option("--once", is_flag=True, help="do what is due now and end")


def _run(build: Callable[[], Role], *, once: bool) -> None:
    """Run one role in this process."""
    supervise.die_with_parent()
    stop = stop_on_signal()
    bootstrap.ready()
    from caifeng.light import Watch

    Loop(role=build(), stop=stop, watch=Watch()).run(once=once)


#: New values after which garbage is looked for: a batch makes tens of thousands and drops them all by itself.
_GARBAGE_EVERY = 50_000


def _worker() -> Role:
    from caifeng.work import worker

    gc.set_threshold(_GARBAGE_EVERY)
    return worker(instance())


def _sweeper() -> Role:
    from caifeng.light import Sweeper

    return Sweeper()


def _sender() -> Role:
    from caifeng.light import sender

    return sender(instance())


def _scheduler() -> Role:
    from caifeng.schedule import Schedule

    return Schedule()


@click.command()
@ONCE
def work(once: bool) -> None:
    """Take what waits in the inbox the whole way: clean, mask, tag, merge, match, store, alert."""
    _run(_worker, once=once)


@click.command()
@ONCE
def sweep(once: bool) -> None:
    """Act on deadlines that are due: remind, escalate, supervise."""
    _run(_sweeper, once=once)


@click.command()
@ONCE
def send(once: bool) -> None:
    """Send what the outbox holds."""
    _run(_sender, once=once)


@click.command()
@ONCE
def schedule(once: bool) -> None:
    """Mark sources due, draft the Monday briefing, tidy up at night."""
    _run(_scheduler, once=once)


@click.command()
@ONCE
def crawl(once: bool) -> None:
    """Fetch the sources that are due into the inbox."""
    supervise.die_with_parent()
    stop = stop_on_signal()
    bootstrap.ready()
    from crawlers import worker

    worker.run(bootstrap.sources, once=once, stop=stop)


@click.command()
@ONCE
def serve(once: bool) -> None:
    """Serve the console and the API on CAIFENG_HOST:CAIFENG_PORT; --once only checks that it could start."""
    _serve(once=once)


@click.command()
def desk() -> None:
    """Serve, schedule, sweep and send in one process: the light roles of one machine, as `up` starts them."""
    _serve(_scheduler, _sweeper, _sender)


def door(host: str, port: int, *, beside: bool) -> socket.socket:
    """The console's port. A newer version may open it beside us, so that an upgrade leaves nobody before a closed door.

    `beside`: another console of this home may have it open already. Without, a port somebody else has raises OSError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if not beside:
        socket.create_server((host, port), family=family).close()
    return socket.create_server((host, port), family=family, backlog=2048, reuse_port=True)


def _serve(*builders: Callable[[], Role], once: bool = False) -> None:
    """uvicorn in this thread, the loops of other roles and our own sign of life beside it."""
    import uvicorn
    from django.conf import settings
    from django.core.management import call_command

    supervise.die_with_parent()
    bootstrap.ready()
    call_command("collectstatic", interactive=False, verbosity=0)
    from caifeng.asgi import application
    from caifeng.light import Serving, Watch
    from storage import heartbeat

    config = uvicorn.Config(
        application,
        host=settings.HOST,
        port=settings.PORT,
        log_level="warning",
        access_log=False,
        # Live feeds never end by themselves; a restart must not wait for them.
        timeout_graceful_shutdown=2,
        proxy_headers=True,
        forwarded_allow_ips=settings.TRUSTED_PROXIES,
    )
    if once:
        config.load()
        return
    stop, watch = threading.Event(), Watch()
    loops = [Loop(role=role, stop=stop, watch=watch) for role in (Serving(), *(build() for build in builders))]
    threads = [threading.Thread(target=loop.run, name=loop.role.name) for loop in loops]
    # Open before the first sign of life: who waits for that may close the older version's.
    older = any(pulse.role == "serve" and not pulse.silent for pulse in heartbeat.pulses(utc_now()))
    opened = door(settings.HOST, settings.PORT, beside=older)
    for thread in threads:
        thread.start()
    try:
        uvicorn.Server(config).run([opened])
    finally:
        stop.set()
        for thread in threads:
            thread.join()

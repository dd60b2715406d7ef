"""The guards between the crawl worker and addresses it must not reach. Installed once per process.

1. Names: what a host resolves to is filtered before anyone sees it, so a rebinding name has no second chance.
2. Connections: `reactor.connectTCP` checks the address it is given.
3. Audit hook: Python itself reports every `socket.connect`, whoever calls it; it cannot be removed.

Any one of them stops a forbidden connection; tests switch them off one at a time.
"""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Sequence
from typing import Any

from scrapy.utils.reactor import install_reactor
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from crawlers.safety import Borders, address_refusal

log = logging.getLogger(__name__)


class Watch:
    """The borders in force; replaced when sources change. Every refusal is logged."""

    def __init__(self, borders: Borders) -> None:
        self.borders = borders

    def host(self, host: str, address: str) -> str:
        """Reason against `host` at `address`, noted."""
        return self._noted(self.borders.refusal(host, address), host)

    def address(self, address: str) -> str:
        """Reason against an address whose name is not known any more, noted."""
        return self._noted(address_refusal(address, self.borders.networks), address)

    def _noted(self, reason: str, target: str) -> str:
        if reason:
            log.warning("connection refused", extra={"target": target, "reason": reason})
        return reason


@implementer(IResolutionReceiver)
class _Filter:
    """Passes on the addresses of one name that may be reached."""

    def __init__(self, receiver: Any, host: str, watch: Watch) -> None:
        self._receiver, self._host, self._watch = receiver, host, watch

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802 - Twisted's interface
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802 - Twisted's interface
        if not self._watch.host(self._host, address.host):
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802 - Twisted's interface
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class GuardedResolver:
    """Twisted's resolver, minus forbidden answers."""

    def __init__(self, resolver: Any, watch: Watch) -> None:
        self._resolver, self._watch = resolver, watch

    def resolveHostName(self, receiver: Any, hostName: str, *rest: Any, **named: Any) -> Any:  # noqa: N802, N803 - Twisted's interface
        """Resolve through the filter."""
        return self._resolver.resolveHostName(_Filter(receiver, hostName, self._watch), hostName, *rest, **named)


class ForbiddenAddress(OSError):
    """A connection that was not made; an OSError, so that callers treat it as a connection that failed."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)


GUARDS = ("names", "connections", "audit")


def install(reactor: Any, watch: Watch, guards: Sequence[str] = GUARDS) -> None:
    """Put the guards up; the audit hook stays for the life of the process."""
    if "names" in guards:
        reactor.installNameResolver(GuardedResolver(reactor.nameResolver, watch))
    if "connections" in guards:
        _guard_connections(reactor, watch)
    if "audit" in guards:
        sys.addaudithook(_hook(watch))


def guarded_reactor(watch: Watch) -> Any:
    """Twisted's asyncio reactor with all guards up. One per process: the first import of it chooses it."""
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor

    install(reactor, watch)
    return reactor


def _guard_connections(reactor: Any, watch: Watch) -> None:
    connect = reactor.connectTCP

    def guarded(host: str, port: int, *rest: Any, **named: Any) -> Any:
        if reason := watch.address(host):
            raise ForbiddenAddress(reason)
        return connect(host, port, *rest, **named)

    reactor.connectTCP = guarded


def _hook(watch: Watch) -> Any:
    """Local sockets (their address is a path) are none of its business; PostgreSQL's library connects outside Python."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if (
            event == "socket.connect"
            and isinstance(arguments[1], tuple)
            and (reason := watch.address(str(arguments[1][0])))
        ):
            raise ForbiddenAddress(reason)

    return hook

"""A web site on loopback that logs every request and can behave well, badly and differently each time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as the site saw it."""

    at: float
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; `body` may be an iterator for endless ones."""

    status: int = 200
    body: bytes | Callable[[], Iterator[bytes]] = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


Answer = str | bytes | Reply | Callable[[Seen], "str | bytes | Reply"]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients here are killed on purpose."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Site:
    """`site.pages[path] = answer`; unknown paths give 404. `site.log` holds what came."""

    def __init__(self, address: str) -> None:
        self.pages: dict[str, Answer] = {}
        self.log: list[Seen] = []
        self._server = _Server((address, 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.host = f"{address}:{self.port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def paths(self) -> list[str]:
        """Paths asked for, robots.txt left out."""
        return [seen.path for seen in self.log if seen.path != "/robots.txt"]

    def answer(self, seen: Seen) -> Reply:
        """What stands at a path, as a Reply."""
        found = self.pages.get(seen.path, self.pages.get(seen.path.split("?")[0], Reply(status=404, body=b"none")))
        if callable(found):
            found = found(seen)
        if isinstance(found, str):
            found = found.encode()
        return Reply(body=found) if isinstance(found, bytes) else found

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen = Seen(at=time.monotonic(), path=self.path, headers=dict(self.headers))
            site.log.append(seen)
            reply = site.answer(seen)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if isinstance(reply.body, bytes):
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self._write(reply.body)
            else:
                self._stream(reply.body)

        def _write(self, body: bytes) -> None:
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the client had enough

        def _stream(self, body: Callable[[], Iterator[bytes]]) -> None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            try:
                for piece in body():
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                return  # the client had enough

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler


@contextmanager
def serve(address: str = "127.0.0.1") -> Iterator[Site]:
    """A site for the length of a `with`."""
    site = Site(address)
    try:
        yield site
    finally:
        site.close()

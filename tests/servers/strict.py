"""A loopback HTTP server around one function; the providers' stand-ins are such functions."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. `lost`: the request was taken, then the line broke."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False


def said(body: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    return Answer(status=status, body=json.dumps(body).encode(), headers=headers)


LOST = Answer(lost=True)
TOO_MANY = said({}, 429, **{"Retry-After": "7"})
UNAVAILABLE = Answer(status=503, body=b"<html>")


class Server:
    """Serves `answer` on loopback. Answers in `plan` come first, one for each request; LOST still takes the request."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self._answer = answer
        self.plan: list[Answer] = []
        self.requests: list[Request] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def take(self, request: Request) -> Answer:
        """Keep the request and answer it."""
        self.requests.append(request)
        planned = self.plan.pop(0) if self.plan else None
        if planned is None:
            return self._answer(request)
        if planned.lost:
            self._answer(request)
        return planned


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("content-length") or 0)),
            )
            answer = server.take(request)
            if answer.lost:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _serve  # noqa: N815 -- names of http.server

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

    return Handler

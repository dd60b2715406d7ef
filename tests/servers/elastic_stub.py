"""As much of Elasticsearch as bulk writes touch, with faults on demand."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from elasticsearch import Elasticsearch

Fault = tuple[int, dict[str, str]] | None


class Stub:
    """A server on loopback; `documents` is what was written, by id."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        #: Fault of each item in turn; None or the end of the list is success.
        self.item_faults: list[Fault] = []
        #: Fault of each bulk request in turn: a status, `cut` (answer lost after the write), `drop` (before it).
        self.request_faults: list[int | str | None] = []
        #: A request with this id in it is answered 400 whole.
        self.unreadable = ""
        self.is_down = False
        stub = self

        class Handler(BaseHTTPRequestHandler):
            """Hands requests to the stub."""

            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                """Template or bulk."""
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = stub.answer(self.path, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, content = answer
                encoded = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
                self.send_header("Content-Length", str(len(encoded)))
                self.end_headers()
                self.wfile.write(encoded)

            do_GET = do_POST = do_PUT  # noqa: N815 - the names http.server calls

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Stub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def client(self) -> Elasticsearch:
        """A client of it."""
        return Elasticsearch(f"http://127.0.0.1:{self._server.server_port}")

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, Any]] | None:
        """Status and body; None drops the connection."""
        if self.is_down:
            return None
        if not path.startswith("/_bulk"):
            return 200, {"acknowledged": True}
        fault = self.request_faults.pop(0) if self.request_faults else None
        if fault == "drop":
            return None
        if isinstance(fault, int):
            return fault, {"error": {"type": "fault", "reason": "on demand"}, "status": fault}
        if self.unreadable and self.unreadable.encode() in body:
            return 400, {"error": {"type": "x_content_parse_exception", "reason": "on demand"}, "status": 400}
        lines = [json.loads(line) for line in body.splitlines()]
        items = [self._item(action["index"], source) for action, source in zip(lines[::2], lines[1::2], strict=True)]
        return None if fault == "cut" else (200, {"errors": True, "items": items})

    def _item(self, action: dict[str, str], source: dict[str, Any]) -> dict[str, Any]:
        fault = self.item_faults.pop(0) if self.item_faults else None
        about = {"_index": action["_index"], "_id": action["_id"]}
        if fault is not None:
            return {"index": {**about, "status": fault[0], "error": fault[1]}}
        is_new = action["_id"] not in self.documents
        self.documents[action["_id"]] = source
        return {"index": {**about, "status": 201 if is_new else 200, "result": "created" if is_new else "updated"}}

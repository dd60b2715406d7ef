"""Headers every answer carries."""

from __future__ import annotations

from collections.abc import Callable

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase

from console import deps, live

#: Nothing from elsewhere, nothing inline: a hostile post that slipped through would still not run.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


#: Where a request carries the ids its page will show; no header of a client can have this name.
KNOWN_EVENTS = "caifeng.known_events"


class SafeHeaders:
    """Middleware: the content security policy, and no caching of pages that hold what only some may see."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, FileResponse):
            response = _whole(response)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class KnownEvents:
    """Middleware: notes what has happened before a page is made, so that its tab hears of exactly the rest."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and not request.headers.get("HX-Request"):
            request.META[KNOWN_EVENTS] = " ".join(map(str, live.known(deps.now())))
        return self.get_response(request)


def _whole(file: FileResponse) -> HttpResponse:
    """A static file in one piece: ASGI servers cannot stream what WhiteNoise opens."""
    body = HttpResponse(b"".join(file), status=file.status_code, headers=dict(file.items()))
    file.close()
    return body

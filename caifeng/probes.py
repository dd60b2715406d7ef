"""Health for load balancers and people: alive, ready, and figures for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from caifeng import bootstrap
from core.errors import CaifengError
from core.query import Everything
from storage import heartbeat


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Both databases answer; 503 names what does not."""
    faults: dict[str, str] = {}
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        faults["database"] = str(error)
    try:
        bootstrap.post_store().count(Everything())
    except (CaifengError, OSError) as error:
        faults["store"] = str(error)
    silent = [pulse.role for pulse in heartbeat.pulses(datetime.now(UTC)) if pulse.silent] if not faults else []
    return JsonResponse({"ok": not faults, "faults": faults, "silent": silent}, status=503 if faults else 200)

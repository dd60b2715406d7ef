"""The HTTP API: alerts, push, health; tokens with scopes. The schema stands at /api/openapi.json."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from ninja import NinjaAPI

from alerts import api as alerts_api
from alerts import channels
from caifeng import bootstrap
from crawlers import api as push_api
from crawlers.sources import Source


def utc_now() -> datetime:
    """The clock of every request."""
    return datetime.now(UTC)


def _source(source_id: str) -> Source | None:
    return next((source for source in bootstrap.sources() if source.id == source_id), None)


api = NinjaAPI(title="Caifeng", version="1", docs_url=None, openapi_url="/openapi.json")
api.add_router("", alerts_api.router(bootstrap.profile, utc_now))
api.add_router("", push_api.build_router(_source, utc_now))


@csrf_exempt
@require_POST
def slack_interactions(request: HttpRequest) -> HttpResponse:
    """Button presses of Slack by signed HTTP, for offices that can be reached from outside."""
    # Slack's library loads only where an office has it.
    from alerts.channels.slack import Slack
    from alerts.slack_app import SlackApp

    slack = next((one for one in channels.load_file(settings.CHANNELS_FILE).values() if isinstance(one, Slack)), None)
    if slack is None:
        return JsonResponse({"error": "slack is not configured"}, status=404)
    status, answer = SlackApp(slack, bootstrap.profile).answer_http(request.body, request.headers, utc_now())
    return JsonResponse(answer, status=status)

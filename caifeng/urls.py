"""Every address of the console, the API and health."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from caifeng import api, metrics, probes

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", probes.healthz),
    path("readyz", probes.readyz),
    path("metrics", metrics.metrics),
    path("api/", api.api.urls),
    path("slack/interactions", api.slack_interactions),
    path("", include("briefings.urls")),
    path("", include("console.urls")),
]

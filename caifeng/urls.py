"""Every address of the console, the API and health."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from caifeng import metrics, probes

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", probes.healthz),
    path("readyz", probes.readyz),
    path("metrics", metrics.metrics),
    path("", include("console.urls")),
]

"""Addresses of briefings and ledger."""

from __future__ import annotations

from django.urls import URLPattern, path

from briefings import views
from briefings.views import ledger

urlpatterns: list[URLPattern] = [
    path("briefings/", views.index, name="briefings"),
    path("briefings/draft", views.draft, name="briefing_draft"),
    path("briefings/<str:ref>/", views.show, name="briefing"),
    path("briefings/<str:ref>/edit", views.edit, name="briefing_edit"),
    path("briefings/<str:ref>/act", views.act, name="briefing_act"),
    path("briefings/<str:ref>/charts/<str:key>", views.chart, name="briefing_chart"),
    path("briefings/<str:ref>/download/<str:form>", views.download, name="briefing_download"),
    path("briefings/<str:ref>/corrections/<int:number>/<str:form>", views.correction, name="briefing_correction"),
    path("ledger/", ledger.show, name="ledger"),
    path("ledger/download/<str:form>", ledger.download, name="ledger_download"),
]

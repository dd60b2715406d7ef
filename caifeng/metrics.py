"""Figures of every stage for Prometheus, read from rows at each scrape: right whatever process is asked."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from alerts.models import OPEN_STATES, Alert, Deadline, Notification
from caifeng import bootstrap
from core.query import Everything
from crawlers.models import SourceState
from storage import heartbeat, inbox


class Figures:
    """A collector over the workflow's rows at one moment."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Every metric, one query each."""
        waiting, oldest = inbox.waiting()
        lag = (self._now - oldest).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily("caifeng_inbox_waiting", "Raw items that wait", value=waiting)
        yield GaugeMetricFamily("caifeng_inbox_lag_seconds", "Age of the oldest waiting item", value=lag)
        yield GaugeMetricFamily("caifeng_posts", "Posts in the store", value=bootstrap.post_store().count(Everything()))
        yield self._grouped("caifeng_alerts", "Alerts by state", "state", Alert.objects.values_list("state"))
        yield GaugeMetricFamily("caifeng_deadlines_overdue", "Open clocks past their time", value=self._overdue())
        yield self._grouped("caifeng_outbox", "Messages by state", "state", Notification.objects.values_list("state"))
        yield self._grouped("caifeng_sources", "Sources by health", "health", SourceState.objects.values_list("health"))
        yield from self._roles()

    def _overdue(self) -> int:
        return Deadline.objects.filter(
            alert__state__in=OPEN_STATES, met_at=None, cancelled_at=None, paused_at=None, due_at__lt=self._now
        ).count()

    def _grouped(self, name: str, words: str, label: str, rows: object) -> Metric:
        family = GaugeMetricFamily(name, words, labels=[label])
        for value, count in rows.annotate(count=Count("pk")).order_by():  # type: ignore[attr-defined]  # any queryset
            family.add_metric([value], count)
        return family

    def _roles(self) -> Iterator[Metric]:
        """Every process that gave a sign of life within a day; counters belong to a process, so each has its own."""
        who = ["role", "instance"]
        ages = GaugeMetricFamily("caifeng_role_silence_seconds", "Since the role's last sign of life", labels=who)
        failing = GaugeMetricFamily("caifeng_role_failing", "1 while the role's last step failed", labels=who)
        done = CounterMetricFamily("caifeng_role_done", "What a role counted since it began", labels=[*who, "what"])
        for pulse in heartbeat.processes(self._now):
            name = [pulse.role, pulse.instance]
            ages.add_metric(name, (self._now - pulse.at).total_seconds())
            failing.add_metric(name, bool(pulse.last_error))
            for what, count in pulse.detail.items():
                if isinstance(count, int):
                    done.add_metric([*name, what], count)
        yield ages
        yield failing
        yield done


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The exposition; from this machine, or with the token of CAIFENG_METRICS_TOKEN."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    local = request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers
    if not local and not (settings.METRICS_TOKEN and hmac.compare_digest(given, settings.METRICS_TOKEN)):
        return HttpResponse(status=403)
    registry = CollectorRegistry()
    registry.register(Figures(datetime.now(UTC)))
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")

"""What happens by the clock: sources become due, Monday's briefing is drafted, nights tidy up.

APScheduler only says when; every job reads its state from rows, so a run that was missed while the machine
was down is made up for at the next start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from django.conf import settings
from django.db import close_old_connections

from briefings import drafting
from caifeng import bootstrap
from core.clock import SHANGHAI
from crawlers import health, states
from crawlers import schedule as crawling
from rules import journal
from storage import inbox

log = logging.getLogger(__name__)

#: Finished inbox rows are kept this long for a look back.
KEEP_FINISHED = timedelta(days=7)
#: Windows look back five weeks and a day at most.
KEEP_MATCHES = timedelta(weeks=6)


def mark_due(now: datetime) -> None:
    """Sources whose time has come."""
    crawling.mark_due(now)


def judge_sources(now: datetime) -> None:
    """How each source stands, for the desk; silence raises its alert by the rule of that type."""
    health.judge_all(bootstrap.sources(), now)


def draft_briefing(now: datetime) -> None:
    """Last week's briefing, once, from Monday morning on; a house that did not watch last week has none to write."""
    first = inbox.first_sight()
    monday = (now.astimezone(SHANGHAI) - timedelta(days=now.astimezone(SHANGHAI).weekday())).date()
    if first is not None and first.astimezone(SHANGHAI).date() < monday:
        drafting.draft_due(now, profile=bootstrap.profile(), store=bootstrap.post_store())


def catch_up(now: datetime) -> None:
    """Posts that waited while a search cluster was down."""
    if settings.STORE == "elasticsearch":
        bootstrap.post_store().maintain()


def tidy(now: datetime) -> None:
    """Drop what retention no longer keeps, and merge what can be merged."""
    kept_since = now - timedelta(days=settings.RETENTION_DAYS)
    log.info(
        "tidied",
        extra={
            "inbox": inbox.forget_finished(now - KEEP_FINISHED),
            "posts": bootstrap.post_store().expire(kept_since),
            "matches": journal.expire(now - KEEP_MATCHES),
            "pages": states.forget_pages(now),
        },
    )
    bootstrap.post_store().maintain()


@dataclass(slots=True)
class Schedule:
    """The scheduler role."""

    name: str = "schedule"
    rest: float = 5.0
    counts: dict[str, int] = field(default_factory=dict)
    _scheduler: BackgroundScheduler | None = None

    def step(self, now: datetime) -> int:
        """Start the clock once; a dead clock thread is an error, not silence."""
        if self._scheduler is None:
            self._scheduler = self._start()
            mark_due(now)
        if not self._scheduler.running:
            raise RuntimeError("the scheduler's thread ended")
        return 0

    def detail(self) -> Mapping[str, Any]:
        """How often each job ran."""
        return dict(self.counts)

    def _start(self) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(
            timezone=SHANGHAI,
            daemon=True,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        scheduler.add_job(self._job(mark_due), "interval", seconds=5, id="sources")
        scheduler.add_job(self._job(judge_sources), "interval", minutes=1, id="health")
        scheduler.add_job(self._job(draft_briefing), "interval", minutes=5, id="briefing")
        scheduler.add_job(self._job(catch_up), "interval", seconds=10, id="spool")
        scheduler.add_job(self._job(tidy), "cron", hour=3, minute=30, id="tidy")
        scheduler.start()
        return scheduler

    def _job(self, work: Callable[[datetime], None]) -> Callable[[], None]:
        def run() -> None:
            close_old_connections()
            work(datetime.now(UTC))
            self.counts[work.__name__] = self.counts.get(work.__name__, 0) + 1

        return run

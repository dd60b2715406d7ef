"""Rows of collecting: how each source stands, which pages were fetched, and who may push."""

from __future__ import annotations

from django.db import models


class SourceState(models.Model):
    """What the crawl worker knows of one source; made when the source is first seen."""

    class Health(models.TextChoices):
        """The word a person reads."""

        NEW = "new", "未采集"
        OK = "ok", "正常"
        SLOW = "slow", "偏慢"
        SILENT = "silent", "沉默"
        BROKEN = "broken", "故障"
        BLOCKED = "blocked", "受阻"

    source = models.CharField(max_length=64, primary_key=True)
    next_fetch_at = models.DateTimeField(db_index=True)
    #: Set by `schedule.mark_due`; an old value says that no crawl worker came.
    due_since = models.DateTimeField(null=True)
    #: Seconds to the next poll when all goes well.
    period = models.FloatField(default=0)
    lease_owner = models.CharField(max_length=64, default="")
    lease_until = models.DateTimeField(null=True)
    #: Where an `api` source goes on; written in the transaction that stored its items.
    cursor = models.JSONField(default=dict)
    #: URL → ETag, Last-Modified, hash of the body, time of the last full GET.
    validators = models.JSONField(default=dict)
    #: `crawlers.history.History` as JSON.
    history = models.JSONField(default=dict)
    #: Times something new came since the last full hour that `history` has counted, ISO 8601.
    new_at = models.JSONField(default=list)

    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    last_new_at = models.DateTimeField(null=True)
    #: Failed crawls in a row.
    failures = models.PositiveIntegerField(default=0)
    polls = models.PositiveBigIntegerField(default=0)
    unchanged = models.PositiveBigIntegerField(default=0)
    items = models.PositiveBigIntegerField(default=0)
    #: What the last crawl saw: `crawlers.crawl.Crawl.outcome`.
    outcome = models.JSONField(default=dict)

    health = models.CharField(max_length=8, choices=Health.choices, default=Health.NEW)
    #: In Chinese, for people.
    health_reason = models.TextField(default="")
    health_since = models.DateTimeField(null=True)


class SeenUrl(models.Model):
    """A page behind an index was fetched; written in the transaction that stored it."""

    source = models.CharField(max_length=64)
    #: sha256 of the canonical URL, so that long addresses index well.
    url_hash = models.CharField(max_length=32)
    #: The index row's changing text (replies, status); another one means: fetch again.
    mark = models.CharField(max_length=32, default="")
    fetched_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "url_hash"], name="page_seen_once")]


class PushToken(models.Model):
    """A right to push into one source; the token itself is shown once and never kept."""

    source = models.CharField(max_length=64, db_index=True)
    #: sha256 of the token.
    digest = models.CharField(max_length=64, unique=True)
    #: Who got it.
    holder = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

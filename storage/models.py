"""Rows below the workflow: the inbox, what was ever seen, the profile's documents, and roles' heartbeats."""

from __future__ import annotations

from django.db import models


class Seen(models.Model):
    """First sight of every (source, key); survives the inbox row, so an id never changes."""

    source = models.CharField(max_length=64)
    #: External id, canonical URL, or content hash: what names the item within its source.
    key = models.CharField(max_length=512)
    first_seen_at = models.DateTimeField()
    #: Hash of the payload last taken in; the same bytes again are no news. Empty: never came in by itself.
    payload_hash = models.CharField(max_length=64, default="")
    #: Story its post was placed in; empty until the post has gone the whole way once.
    story = models.CharField(max_length=40, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="seen_once")]


class InboxItem(models.Model):
    """A raw item on its way; deleted by retention some days after it was finished."""

    class State(models.TextChoices):
        """Where the item stands."""

        NEW = "new"
        DONE = "done"
        REJECTED = "rejected"

    source = models.CharField(max_length=64)
    key = models.CharField(max_length=512)
    url = models.TextField()
    external_id = models.CharField(max_length=256, null=True)
    fetched_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    content_type = models.CharField(max_length=128)
    #: zstd-compressed bytes; `application/json` when `is_mapping`.
    payload = models.BinaryField()
    is_mapping = models.BooleanField(default=False)
    trace = models.CharField(max_length=512, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, default="")
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="inbox_new", condition=models.Q(state="new")),
            models.Index(fields=["source", "finished_at"], name="inbox_of_source"),
        ]


class Document(models.Model):
    """One version of one section of the profile; the newest version counts, older ones are its history."""

    #: regions, departments, topics, levels, roster, report, sources, watches, rules, …
    section = models.CharField(max_length=32)
    version = models.PositiveIntegerField()
    body = models.JSONField()
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=64)
    note = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["section", "version"], name="document_version")]


class Heartbeat(models.Model):
    """A role says it is alive; the others watch it."""

    role = models.CharField(max_length=16)
    #: `host:pid`.
    instance = models.CharField(max_length=128)
    started_at = models.DateTimeField()
    at = models.DateTimeField()
    #: Counters and lags of the role, for `caifeng status`.
    detail = models.JSONField(default=dict)
    last_error = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "instance"], name="heartbeat_instance")]


class Story(models.Model):
    """Near-duplicates of one text, counted; its id is the id of the first post."""

    id = models.CharField(max_length=40, primary_key=True)
    incident = models.CharField(max_length=40, db_index=True)
    title = models.CharField(max_length=200)
    #: MinHash signature, little-endian uint32s.
    signature = models.BinaryField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(db_index=True)
    size = models.PositiveIntegerField(default=1)
    #: Position in the order of saves; workers read what is newer than what they know.
    changed = models.BigIntegerField(db_index=True, default=0)


class Incident(models.Model):
    """A matter several stories are about; officers may split and join."""

    id = models.CharField(max_length=40, primary_key=True)
    title = models.CharField(max_length=200)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(db_index=True)
    size = models.PositiveIntegerField(default=0)
    sources = models.JSONField(default=list)
    #: What tells it from others: term → weight, place, topic.
    centre = models.JSONField(default=dict)
    heat = models.FloatField(default=0)
    heat_at = models.DateTimeField()
    #: Orders by heat at any later moment: `storage.stories.warmth`.
    warmth = models.FloatField(db_default=0.0, db_index=True)
    peak = models.FloatField(default=0)
    #: Set when an officer joined it into another one.
    merged_into = models.CharField(max_length=40, null=True)
    changed = models.BigIntegerField(db_index=True, default=0)


class Correction(models.Model):
    """A person says a tag is wrong; the models' report and retraining read these."""

    post = models.CharField(max_length=40, db_index=True)
    #: topic, sentiment, owner, region.
    field = models.CharField(max_length=16)
    was = models.CharField(max_length=128)
    should_be = models.CharField(max_length=128)
    source = models.CharField(max_length=64)
    model_version = models.CharField(max_length=32)
    at = models.DateTimeField()
    actor = models.CharField(max_length=64)

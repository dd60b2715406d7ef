"""Rows of the rules: what matched, what was found, who asked for quiet, and which rule is ill."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """A number handed out under its row's lock, so that `seq` rises in the order of commits."""

    name = models.CharField(max_length=16, primary_key=True)
    value = models.BigIntegerField(default=0)


class Turn(models.Model):
    """Which worker runs the rules, and until when it need not say so again."""

    name = models.CharField(max_length=16, primary_key=True)
    owner = models.CharField(max_length=64)
    until = models.DateTimeField()


class MatchRow(models.Model):
    """A rule's expression is true of a post. Windows are a cache of these rows."""

    seq = models.BigIntegerField(primary_key=True)
    rule = models.CharField(max_length=64)
    #: `Rule.version`: rows of an older wording do not feed the windows of the new one.
    version = models.CharField(max_length=16)
    post = models.CharField(max_length=40)
    key = models.CharField(max_length=256)
    #: Microseconds since 1970: a million of them are read when a worker starts.
    event_time = models.BigIntegerField()
    #: The same of the moment it was recorded; the difference is how late it came.
    recorded_at = models.BigIntegerField()
    #: What the rule's type reads of the post; null when it only counts.
    fields = models.JSONField(null=True)
    #: Incident of the post when it matched.
    incident = models.CharField(max_length=40, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "rule", "version"], name="match_once")]
        indexes = [
            models.Index(fields=["event_time"], name="match_event_time"),
            models.Index(fields=["rule", "event_time"], name="match_rule"),
        ]


class FindingRow(models.Model):
    """A finding, told or not, with the reason."""

    class State(models.TextChoices):
        """What became of it."""

        RAISED = "raised", "已报告"
        HELD = "held", "汇总中"
        MUTED = "muted", "未打扰"
        REVISED = "revised", "晚到内容修正"

    #: Names the finding by its content: whoever inserts it first raises it.
    fingerprint = models.CharField(max_length=32, primary_key=True)
    rule = models.CharField(max_length=64)
    version = models.CharField(max_length=16)
    key = models.CharField(max_length=256)
    at = models.DateTimeField()
    found_at = models.DateTimeField()
    reason = models.TextField()
    values = models.JSONField(default=dict)
    evidence = models.JSONField(default=list)
    incident = models.CharField(max_length=40, null=True)
    state = models.CharField(max_length=8, choices=State.choices)
    #: Why nobody was told, in Chinese; empty when somebody was.
    muted_by = models.TextField(default="")
    #: When its group is sent; null when it was not held.
    due_at = models.DateTimeField(null=True)
    #: `aggregation_key` of its group.
    group = models.CharField(max_length=256, default="")

    class Meta:
        indexes = [
            models.Index(fields=["rule", "at"], name="finding_rule"),
            models.Index(fields=["due_at"], name="finding_held", condition=models.Q(state="held")),
        ]


class Quiet(models.Model):
    """Until when a rule and key rest after a finding, and how far the waits have grown."""

    rule = models.CharField(max_length=64)
    key = models.CharField(max_length=256)
    until = models.DateTimeField()
    exponent = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "key"], name="quiet_once")]


class Silence(models.Model):
    """A person asked for quiet: who, why and until when."""

    #: Rule id; empty means every rule.
    rule = models.CharField(max_length=64, default="")
    #: Key of the rule; empty means every key.
    key = models.CharField(max_length=256, default="")
    #: Incident id; empty means every incident.
    incident = models.CharField(max_length=40, default="")
    owner = models.CharField(max_length=64)
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)


class Health(models.Model):
    """A rule that fails is tried again later and later; it is never switched off in silence."""

    rule = models.CharField(max_length=64, primary_key=True)
    #: `Rule.version` that is counted now, and since when: without keys, silence counts from there.
    version = models.CharField(max_length=16)
    since = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    error = models.TextField(default="")
    failed_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    #: Last match it has counted while it is ill; null when it keeps up with the others.
    seq = models.BigIntegerField(null=True)
    #: Matches that came after their allowed lateness.
    late = models.PositiveIntegerField(default=0)

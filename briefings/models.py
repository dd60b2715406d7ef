"""Briefings as rows: the draft, its edits, its course, its corrections, its files."""

from __future__ import annotations

from django.db import models


class Briefing(models.Model):
    """One issue. `body` is the document as composed; edits are laid over it (`briefings.editing`)."""

    class State(models.TextChoices):
        """How far it has come."""

        DRAFT = "draft", "起草"
        REVIEW = "review", "审核中"
        REVIEWED = "reviewed", "待签发"
        SIGNED = "signed", "待发布"
        PUBLISHED = "published", "已发布"

    #: `weekly-2026-W47`, `flash-2026-1142-1`: names it in addresses, files and commands.
    ref = models.CharField(max_length=64, unique=True)
    #: weekly, daily, monthly, flash, follow_up, special, circular, handover.
    kind = models.CharField(max_length=16)
    #: Period, alert number or incident it is about.
    subject = models.CharField(max_length=64)
    year = models.PositiveSmallIntegerField()
    issue = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    #: Rises with every change; whoever acts names the version they saw.
    version = models.PositiveIntegerField(default=0)
    body = models.JSONField()
    composed_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    #: Of the document with its edits; set when it is published, from then on nothing changes.
    digest = models.CharField(max_length=64, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "year", "issue"], name="briefing_issue_once")]
        indexes = [models.Index(fields=["kind", "-composed_at"], name="briefing_kind")]

    def __str__(self) -> str:
        return self.ref


class Edit(models.Model):
    """A paragraph as a person wrote it; the newest of a paragraph counts, older ones are its history."""

    briefing = models.ForeignKey(Briefing, on_delete=models.CASCADE, related_name="edits")
    paragraph = models.CharField(max_length=128)
    #: Runs, as `briefings.document.runs_json` writes them; None takes the edit back.
    runs = models.JSONField(null=True)
    actor = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=64)
    at = models.DateTimeField()


class Step(models.Model):
    """What was done to a briefing, by whom; append-only."""

    briefing = models.ForeignKey(Briefing, on_delete=models.CASCADE, related_name="steps")
    #: draft, recompose, edit, submit, approve, return, sign, publish, correct.
    kind = models.CharField(max_length=16)
    actor = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=64)
    at = models.DateTimeField()
    note = models.TextField(default="")


class Amendment(models.Model):
    """更正 of a published briefing: the briefing itself stays as it was."""

    briefing = models.ForeignKey(Briefing, on_delete=models.PROTECT, related_name="amendments")
    number = models.PositiveSmallIntegerField()
    paragraph = models.CharField(max_length=128, default="")
    text = models.TextField()
    actor = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["briefing", "number"], name="amendment_number")]


class File(models.Model):
    """A format of a published briefing, byte for byte as it went out."""

    briefing = models.ForeignKey(Briefing, on_delete=models.PROTECT, related_name="files")
    format = models.CharField(max_length=8)
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["briefing", "format"], name="briefing_file_once")]

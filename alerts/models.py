"""Rows of the workflow: fields, constraints and small queries; decisions stand in the pure modules beside."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models

from alerts.lifecycle import OPEN_STATES as OPEN_STATES
from alerts.lifecycle import STATE_LABELS
from alerts.lifecycle import State as State


class Alert(models.Model):
    """A finding that needs people, until they have answered. Changed only through `alerts.desk`."""

    #: `2026-1142`: year and running number.
    number = models.CharField(max_length=16, unique=True)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=[*STATE_LABELS.items()], default=State.DETECTED)
    #: Rises with every change; whoever acts names the version they saw.
    version = models.PositiveIntegerField(default=0)

    rule = models.CharField(max_length=64)
    rule_title = models.CharField(max_length=200, default="")
    key = models.CharField(max_length=256, default="")
    incident = models.CharField(max_length=40, null=True, db_index=True)
    #: Why it was raised, in Chinese, and the counts behind the words.
    reason = models.TextField()
    values = models.JSONField(default=dict)
    topic = models.CharField(max_length=64, default="")
    flags = models.JSONField(default=list)
    post_count = models.PositiveIntegerField(default=0)
    source_count = models.PositiveIntegerField(default=0)

    #: Level id of the profile once a person has graded; None before.
    level = models.CharField(max_length=8, null=True)
    suggested_level = models.CharField(max_length=8)
    suggested_score = models.PositiveSmallIntegerField(default=0)
    #: [{"part": "传播强度", "points": 22, "of": 25, "why": "…"}], floors last.
    suggestion = models.JSONField(default=list)

    #: Path of the place.
    jurisdiction = models.CharField(max_length=200, default="")
    #: Department ids: suggested before the dispatch, decided after.
    lead_unit = models.CharField(max_length=64, default="")
    co_units = models.JSONField(default=list)
    guidance_units = models.JSONField(default=list)
    #: Evidence for the owner, one Chinese line each.
    owner_reasons = models.JSONField(default=list)
    needs_review = models.BooleanField(default=False)
    returned_count = models.PositiveSmallIntegerField(default=0)
    reopened_count = models.PositiveSmallIntegerField(default=0)

    #: First post of the matter, then when we knew.
    first_post_at = models.DateTimeField(null=True)
    detected_at = models.DateTimeField()
    assessed_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    handling_at = models.DateTimeField(null=True)
    responded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="merged")
    #: Number and hash of the newest event: without them a cut-off tail of the chain would not show.
    chain_length = models.PositiveIntegerField(default=0)
    chain_head = models.CharField(max_length=64, default="")

    class Meta:
        constraints = [
            # Two workers never open the same alert: one open alert per rule and key.
            models.UniqueConstraint(
                fields=["rule", "key"],
                condition=models.Q(state__in=[state.value for state in OPEN_STATES]),
                name="one_open_alert_per_rule_and_key",
            )
        ]
        indexes = [models.Index(fields=["state", "detected_at"], name="alert_state")]

    def __str__(self) -> str:
        return self.number


class AlertNumber(models.Model):
    """The last number given out in a year; its row is the queue for the next one."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    last = models.PositiveIntegerField(default=0)


class AlertPost(models.Model):
    """Evidence: a post of an alert."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="posts")
    post = models.CharField(max_length=40)
    source = models.CharField(max_length=64, default="")
    added_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "post"], name="alert_post_once")]


class AlertEvent(models.Model):
    """What happened; append-only, each row sealed with the hash of the one before (`alerts.audit`)."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    #: Login, department id, or `system:sweep`.
    actor = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    from_state = models.CharField(max_length=16, default="")
    to_state = models.CharField(max_length=16, default="")
    note = models.TextField(default="")
    data = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "seq"], name="alert_event_seq")]
        ordering = ["alert_id", "seq"]


class Deadline(models.Model):
    """One stage's clock."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deadlines")
    #: confirm, dispatch, acknowledge, flash_report, first_feedback, authoritative_info, press_conference,
    #: public_response, verification_report, follow_up_report, closure, return_assignment.
    stage = models.CharField(max_length=32)
    #: The level whose window this is.
    level = models.CharField(max_length=8, default="")
    #: 1 for the first run of the stage, 2 after a return, another grade or reopening.
    round = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    basis = models.CharField(max_length=200)
    #: None for clock time.
    working_days = models.PositiveSmallIntegerField(null=True)
    #: All pauses so far; shares of the window leave them out.
    paused_for = models.DurationField(default=timedelta)
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.TextField(default="")
    met_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)
    #: Set when the stage lost its meaning (dismissed, merged, regraded); the row stays.
    cancelled_at = models.DateTimeField(null=True)
    #: Share already acted on (0, 50, 80, 100 …) and when the next step is due; None when none is left.
    escalated_percent = models.PositiveSmallIntegerField(default=0)
    next_step_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "stage", "round"], name="deadline_round")]
        indexes = [
            models.Index(
                fields=["next_step_at"],
                name="deadline_next_step",
                condition=models.Q(next_step_at__isnull=False),
            ),
            # The desk asks for the soonest running clock of every open alert at once.
            models.Index(
                fields=["alert", "due_at", "stage"],
                name="deadline_running",
                condition=models.Q(met_at=None, cancelled_at=None, paused_at=None),
            ),
            models.Index(fields=["due_at"], name="deadline_due"),
        ]


class Contact(models.Model):
    """Who can be told, and who may log in for a unit."""

    name = models.CharField(max_length=64)
    unit = models.CharField(max_length=64, default="", db_index=True)
    #: contact, head, deputy_leader, office_head, leader, duty_officer, duty_lead.
    role = models.CharField(max_length=32)
    addresses = models.JSONField(default=dict)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="contact")


class DutyOverride(models.Model):
    """Somebody stands in on the roster."""

    start = models.DateTimeField()
    end = models.DateTimeField()
    #: Logins; `replaces` empty adds a person.
    replaces = models.CharField(max_length=64, default="")
    login = models.CharField(max_length=64)
    reason = models.TextField(default="")


class Notification(models.Model):
    """The outbox: written in the transaction that caused it, sent at least once, same id each time."""

    class Sending(models.TextChoices):
        """Where the message stands."""

        PENDING = "pending", "待发送"
        SENDING = "sending", "发送中"
        SENT = "sent", "已送达"
        FAILED = "failed", "失败"
        #: The reason fell away before it was sent (acknowledged meanwhile).
        CANCELLED = "cancelled", "已取消"
        #: Nobody to tell, or a silence: kept so that 「为何未收到」 has an answer.
        SKIPPED = "skipped", "未通知"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: Alert, step, recipient and channel: the same cause never makes a second row.
    dedupe_key = models.CharField(max_length=256, unique=True)
    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE, related_name="notifications")
    #: new_alert, dispatch, reminder, supervision_order, overdue, circular, flash_report, briefing, health, …
    kind = models.CharField(max_length=32)
    channel = models.CharField(max_length=32)
    #: Address in the channel, and who that is in words.
    recipient = models.CharField(max_length=256)
    recipient_name = models.CharField(max_length=128, default="")
    #: Why this person is told, in Chinese.
    reason = models.CharField(max_length=200, default="")
    payload = models.JSONField(default=dict)
    #: 0 first.
    urgency = models.PositiveSmallIntegerField(default=5)
    state = models.CharField(max_length=10, choices=Sending.choices, default=Sending.PENDING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, default="")
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=128, default="")
    error = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["urgency", "due_at"], name="outbox_pending", condition=models.Q(state="pending")),
            models.Index(fields=["lease_until"], name="outbox_sending", condition=models.Q(state="sending")),
        ]


class Lane(models.Model):
    """One recipient of one channel, as the rate limits see it: any number of senders share these rows."""

    #: `slack:C012`, or the channel's name where the limit is the channel's.
    name = models.CharField(max_length=300, primary_key=True)
    #: From then on the next message may go (`alerts.pace`).
    free_at = models.DateTimeField()


class Consultation(models.Model):
    """A 会商 and what it found."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="consultations")
    at = models.DateTimeField()
    convened_by = models.CharField(max_length=64)
    units = models.JSONField(default=list)
    nature = models.TextField(default="")
    trend = models.TextField(default="")
    risk = models.TextField(default="")


class Statement(models.Model):
    """A version of the agreed statement 口径; publishable once agreed and nothing is 待核."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="statements")
    version = models.PositiveSmallIntegerField()
    text = models.TextField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    agreed_at = models.DateTimeField(null=True)
    agreed_by = models.CharField(max_length=64, default="")


class Instruction(models.Model):
    """A leader's 批示."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="instructions")
    leader = models.CharField(max_length=64)
    text = models.TextField()
    at = models.DateTimeField()
    entered_by = models.CharField(max_length=64)


class Response(models.Model):
    """What was said in public, where and when."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="responses")
    text = models.TextField()
    channel = models.CharField(max_length=64)
    url = models.URLField(max_length=500, blank=True, default="")
    published_at = models.DateTimeField()
    actor = models.CharField(max_length=64)


class Handover(models.Model):
    """交接班: automatic summary, notes, signed by both."""

    start = models.DateTimeField()
    end = models.DateTimeField()
    summary = models.JSONField(default=dict)
    notes = models.TextField(default="")
    outgoing = models.CharField(max_length=64)
    outgoing_signed_at = models.DateTimeField(null=True)
    incoming = models.CharField(max_length=64, default="")
    incoming_signed_at = models.DateTimeField(null=True)


class ApiToken(models.Model):
    """A key to the API: acts as its user, within its scopes. Only the digest is kept."""

    name = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    #: alerts:read, alerts:act, posts:push, health:read.
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

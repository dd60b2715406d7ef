"""The API on alerts: list, read, act, why, health. A token acts as its user, within its scopes.

`caifeng.urls` mounts `router(profile, clock)`; times are ISO 8601 with an offset, refusals are Chinese sentences.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from ninja.security import HttpBearer
from pydantic import Field

from alerts import clocks, desk, explain
from alerts.lifecycle import OPEN_STATES, Action, Actor
from alerts.models import Alert, AlertEvent, ApiToken, Deadline
from core.errors import ConfigError, Conflict, Refused
from core.profile import Profile
from storage import heartbeat

SCOPES = ("alerts:read", "alerts:act", "posts:push", "health:read")
#: Alerts a page holds at most.
PAGE = 200


class TokenAuth(HttpBearer):
    """`Authorization: Bearer …` with a token that has the scope; the request then carries the token."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The token's row, or None (401); a token without the scope is told so (403)."""
        found = ApiToken.objects.select_related("user").filter(digest=digest(token), revoked_at=None).first()
        if found is None or not found.user.is_active:
            return None
        if self.scope not in found.scopes:
            raise HttpError(403, f"令牌没有权限 {self.scope}")
        return found


def issue(name: str, user: User, scopes: Sequence[str], now: datetime) -> str:
    """Make a token and return it; only its digest is kept, so it is shown this once. Raises ConfigError."""
    if unknown := set(scopes) - set(SCOPES):
        raise ConfigError(f"没有权限 {'、'.join(sorted(unknown))}；可用：{'、'.join(SCOPES)}")
    if ApiToken.objects.filter(name=name).exists():
        raise ConfigError(f"已有令牌 {name}；吊销的令牌也占用名称")
    token = secrets.token_urlsafe(32)
    ApiToken.objects.create(name=name, digest=digest(token), user=user, scopes=list(scopes), created_at=now)
    return token


def revoke(name: str, now: datetime) -> None:
    """Close a token for good. Raises ConfigError when there is none, or it is closed."""
    if not ApiToken.objects.filter(name=name, revoked_at=None).update(revoked_at=now):
        raise ConfigError(f"没有有效的令牌 {name}")


def digest(token: str) -> str:
    """What is kept of a token; 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


class DeadlineOut(Schema):
    """One clock of an alert."""

    stage: str
    round: int
    level: str
    started_at: datetime
    due_at: datetime
    basis: str
    paused_at: datetime | None
    met_at: datetime | None
    missed_at: datetime | None
    cancelled_at: datetime | None


class EventOut(Schema):
    """One entry of the record."""

    seq: int
    at: datetime
    actor: str
    kind: str
    from_state: str
    to_state: str
    note: str
    hash: str


class AlertOut(Schema):
    """An alert in a list."""

    id: int
    number: str
    version: int
    title: str
    state: str
    level: str | None
    suggested_level: str
    rule: str
    key: str
    reason: str
    topic: str
    jurisdiction: str
    lead_unit: str
    co_units: list[str]
    guidance_units: list[str]
    incident: str | None
    post_count: int
    detected_at: datetime
    closed_at: datetime | None
    next_stage: str | None = None
    next_due_at: datetime | None = None


class AlertDetail(AlertOut):
    """An alert with its clocks, its record, its evidence and what the token's user may do."""

    suggestion: list[dict[str, Any]]
    owner_reasons: list[str]
    deadlines: list[DeadlineOut]
    events: list[EventOut]
    posts: list[str]
    #: Action → reason why not; empty when allowed.
    actions: dict[str, str]


class AlertPage(Schema):
    """Alerts, newest first; `after` asks for the next page."""

    alerts: list[AlertOut]
    after: int | None


class Filter(Schema):
    """Which alerts."""

    state: str = Field("open", description="open, all, or one state")
    level: str = ""
    unit: str = ""
    rule: str = ""
    after: int | None = None
    limit: int = Field(50, ge=1, le=PAGE)


class CommandIn(Schema):
    """What is to be done; the fields an action needs are those of the desk."""

    action: Action
    #: The version that was read: an older one is answered 409. Left out, the action applies to what stands now.
    version: int | None = None
    note: str = Field("", max_length=5000)
    level: str | None = None
    lead: str | None = None
    co: list[str] = []
    guidance: list[str] = []
    into: str | None = Field(None, description="number of the alert it is merged into")
    stage: str | None = None
    text: str = Field("", max_length=20000)
    channel: str = Field("", max_length=64)
    url: str = Field("", max_length=500)
    published_at: datetime | None = None
    leader: str = Field("", max_length=64)
    units: list[str] = []
    nature: str = ""
    trend: str = ""
    risk: str = ""


class ToldOut(Schema):
    """One message and what became of it."""

    id: str
    at: datetime
    kind: str
    who: str
    channel: str
    state: str
    reason: str
    error: str
    sent_at: datetime | None
    attempts: int


class NotToldOut(Schema):
    """Somebody who heard nothing, and why."""

    who: str
    reason: str


class WhyOut(Schema):
    """Who was told, who was not."""

    number: str
    told: list[ToldOut]
    not_told: list[NotToldOut]


class RoleOut(Schema):
    """A role's last sign of life."""

    role: str
    instance: str
    at: datetime
    silent: bool
    last_error: str


class HealthOut(Schema):
    """`ok` is False when a role is silent."""

    ok: bool
    roles: list[RoleOut]


def router(profile: Callable[[], Profile], clock: Callable[[], datetime]) -> Router:
    """The endpoints, on a profile and a clock."""
    routes = Router(tags=["alerts"])

    @routes.get("/alerts", response=AlertPage, auth=TokenAuth("alerts:read"), summary="List alerts")
    def list_alerts(request: HttpRequest, wanted: Query[Filter]) -> dict[str, Any]:
        rows = list(_filtered(visible(_actor(request)), wanted)[: wanted.limit + 1])
        page = rows[: wanted.limit]
        due = clocks.next_dues([row.pk for row in page])
        return {
            "alerts": [_out(row, due.get(row.pk)) for row in page],
            "after": page[-1].pk if len(rows) > len(page) else None,
        }

    @routes.get("/alerts/{number}", response=AlertDetail, auth=TokenAuth("alerts:read"), summary="Read an alert")
    def read_alert(request: HttpRequest, number: str) -> dict[str, Any]:
        actor = _actor(request)
        return _detail(_found(actor, number), actor, profile(), clock())

    @routes.post("/alerts/{number}/act", response=AlertDetail, auth=TokenAuth("alerts:act"), summary="Act on an alert")
    def act(request: HttpRequest, number: str, command: CommandIn) -> dict[str, Any]:
        actor, county, now = _actor(request), profile(), clock()
        alert = _found(actor, number)
        try:
            done = desk.act(_command(command, alert, actor), county, now)
        except Conflict as error:
            raise HttpError(409, str(error)) from error
        except Refused as error:
            raise HttpError(422, str(error)) from error
        return _detail(done, actor, county, now)

    @routes.get(
        "/alerts/{number}/why", response=WhyOut, auth=TokenAuth("alerts:read"), summary="Who was told, and why not"
    )
    def why(request: HttpRequest, number: str) -> explain.Explanation:
        return explain.why_alert(_found(_actor(request), number), profile())

    @routes.get("/health", response=HealthOut, auth=TokenAuth("health:read"), summary="Signs of life of every role")
    def health(request: HttpRequest) -> dict[str, Any]:
        pulses = heartbeat.pulses(clock())
        return {"ok": not any(pulse.silent for pulse in pulses), "roles": pulses}

    return routes


def visible(actor: Actor) -> QuerySet[Alert]:
    """The alerts a user may know of: a department only those dispatched to it; everything else is as if it were not there."""
    if actor.roles - {"department"}:
        return Alert.objects.all()
    if not actor.unit:
        return Alert.objects.none()
    own = [
        pk
        for pk, lead, co, guidance in Alert.objects.exclude(dispatched_at=None).values_list(
            "pk", "lead_unit", "co_units", "guidance_units"
        )
        if actor.unit in (lead, *co, *guidance)
    ]
    return Alert.objects.filter(pk__in=own)


def _actor(request: HttpRequest) -> Actor:
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # set by TokenAuth
    return desk.actor_named(token.user.get_username())


def _filtered(rows: QuerySet[Alert], wanted: Filter) -> QuerySet[Alert]:
    if wanted.state == "open":
        rows = rows.filter(state__in=OPEN_STATES)
    elif wanted.state != "all":
        rows = rows.filter(state=wanted.state)
    for column, value in (("level", wanted.level), ("lead_unit", wanted.unit), ("rule", wanted.rule)):
        if value:
            rows = rows.filter(**{column: value})
    return (rows.filter(pk__lt=wanted.after) if wanted.after is not None else rows).order_by("-pk")


def _found(actor: Actor, number: str) -> Alert:
    alert = visible(actor).filter(number=number).first()
    if alert is None:
        raise HttpError(404, f"没有编号 {number} 的告警，或不在可见范围")
    return alert


def _command(wanted: CommandIn, alert: Alert, actor: Actor) -> desk.Command:
    into = visible(actor).filter(number=wanted.into).values_list("pk", flat=True).first() if wanted.into else None
    return desk.Command(
        **wanted.dict(exclude={"into", "co", "guidance", "units"}),
        alert=alert.pk,
        actor=actor.login,
        into=into,
        co=tuple(wanted.co),
        guidance=tuple(wanted.guidance),
        units=tuple(wanted.units),
    )


def _out(alert: Alert, due: tuple[str, datetime] | None) -> dict[str, Any]:
    return _fields(alert) | {"next_stage": due[0] if due else None, "next_due_at": due[1] if due else None}


def _fields(alert: Alert) -> dict[str, Any]:
    names = AlertOut.model_fields.keys() - {"next_stage", "next_due_at"}
    return {name: getattr(alert, name) for name in names}


def _detail(alert: Alert, actor: Actor, profile: Profile, now: datetime) -> dict[str, Any]:
    actions = desk.allowed(alert, actor.roles, actor.unit, profile=profile, now=now)
    return _out(alert, clocks.next_dues([alert.pk]).get(alert.pk)) | {
        "suggestion": alert.suggestion,
        "owner_reasons": alert.owner_reasons,
        "deadlines": list(Deadline.objects.filter(alert=alert).order_by("due_at", "id")),
        "events": list(AlertEvent.objects.filter(alert=alert).order_by("seq")),
        "posts": list(alert.posts.order_by("id").values_list("post", flat=True)),
        "actions": {action.value: reason for action, reason in actions.items()},
    }

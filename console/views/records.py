"""管理: receipts, audit, accounts."""

from __future__ import annotations

import uuid
from typing import Any

from axes.utils import reset
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts.audit import verify
from alerts.explain import why_person
from alerts.models import AlertEvent, Contact, Notification
from console import deps, totp
from console.access import officer, page
from console.models import Deed, SecondFactor
from console.roles import ROLE_NAMES, Page, Role, may_open

PER_PAGE = 50


@page(Page.RECEIPTS)
@require_GET
def receipts(request: HttpRequest) -> HttpResponse:
    """Who was told what, when, by which channel, and why – or why not."""
    state, words = request.GET.get("state", ""), request.GET.get("q", "").strip()[:100]
    rows = Notification.objects.select_related("alert").order_by("-created_at", "id")
    if state in set(Notification.Sending.values):
        rows = rows.filter(state=state)
    if words:
        rows = rows.filter(Q(recipient_name__contains=words) | Q(recipient__contains=words) | Q(alert__number=words))
    context: dict[str, Any] = {
        "found": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "states": Notification.Sending.choices,
        "state": state,
        "q": words,
        "may_resend": may_open(Page.RECEIPT_RESEND, officer(request).roles),
    }
    if words:
        context["not_told"] = why_person(words, deps.profile(), deps.now())[1][:PER_PAGE]
    return render(request, "console/receipts.html", context)


@page(Page.RECEIPT_RESEND)
@require_POST
def resend(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Put a failed message back in the queue; it keeps its id, so a receiver that has it drops it."""
    again = Notification.objects.filter(pk=pk, state=Notification.Sending.FAILED).update(
        state=Notification.Sending.PENDING, due_at=deps.now(), attempts=0, error="", lease_owner="", lease_until=None
    )
    messages.success(request, "已重新排队发送") if again else messages.error(request, "该通知已不是失败状态")
    return redirect("receipts")


@page(Page.AUDIT)
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Every event of every alert, newest first, and the last deeds beside them."""
    actor, kind = request.GET.get("actor", "").strip()[:64], request.GET.get("kind", "").strip()[:32]
    number = request.GET.get("number", "").strip()[:16]
    rows = AlertEvent.objects.select_related("alert").order_by("-id")
    rows = rows.filter(actor=actor) if actor else rows
    rows = rows.filter(kind=kind) if kind else rows
    rows = rows.filter(alert__number=number) if number else rows
    context: dict[str, Any] = {
        "found": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "actor": actor,
        "kind": kind,
        "number": number,
        "deeds": Deed.objects.filter(**({"login": actor} if actor else {})).order_by("-id")[:PER_PAGE],
        "kinds": sorted(AlertEvent.objects.order_by().values_list("kind", flat=True).distinct()),
    }
    if request.GET.get("verify"):
        context["verdict"] = verify()
    return render(request, "console/audit.html", context)


@page(Page.USERS)
@require_GET
def users(request: HttpRequest) -> HttpResponse:
    """Accounts with their roles and units, and what each role may open."""
    people = User.objects.prefetch_related("groups").select_related("contact", "second_factor").order_by("username")
    context = {
        "people": [_person(user) for user in people],
        "roles": ROLE_NAMES.items(),
        "units": deps.profile().departments,
        "may_edit": may_open(Page.USER_EDIT, officer(request).roles),
    }
    return render(request, "console/users.html", context)


def _person(user: User) -> dict[str, Any]:
    contact = getattr(user, "contact", None)
    factor = getattr(user, "second_factor", None)
    return {
        "user": user,
        "roles": {group.name for group in user.groups.all()},
        "unit": contact.unit if contact else "",
        "totp": bool(factor and factor.confirmed_at),
    }


@page(Page.USER_EDIT)
@require_POST
@sensitive_post_parameters("password")
def add_user(request: HttpRequest) -> HttpResponse:
    """Make an account; the password must hold what the settings ask."""
    login, name = request.POST.get("login", "").strip(), request.POST.get("name", "").strip()
    password = request.POST.get("password", "")
    user = User(username=login, first_name=name)
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as fault:
        messages.error(request, "；".join(fault.messages))
        return redirect("users")
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            _set_roles(user, request)
    except IntegrityError:
        messages.error(request, f"已有账号 {login}")
        return redirect("users")
    messages.success(request, f"已建账号 {login}")
    return redirect("users")


@page(Page.USER_EDIT)
@require_POST
def edit_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Change roles, unit and whether the account is open; nobody closes their own."""
    user = get_object_or_404(User, pk=pk)
    itself = user.username == officer(request).login
    if itself and (not request.POST.get("active") or Role.ADMINISTRATOR not in request.POST.getlist("role")):
        messages.error(request, "不能停用本人账号或去掉本人的管理员角色")
        return redirect("users")
    with transaction.atomic():
        User.objects.filter(pk=pk).update(is_active=bool(request.POST.get("active")))
        _set_roles(user, request)
        if request.POST.get("unlock"):
            reset(username=user.username)
        if request.POST.get("drop_totp"):
            SecondFactor.objects.filter(user=user).delete()
    messages.success(request, f"已保存 {user.username}")
    return redirect("users")


def _set_roles(user: User, request: HttpRequest) -> None:
    """Roles and unit from the form; unknown names are dropped."""
    names = [name for name in request.POST.getlist("role") if name in set(Role)]
    user.groups.set([Group.objects.get_or_create(name=name)[0] for name in names])
    unit = request.POST.get("unit", "")
    known = deps.profile().department(unit) is not None
    role = "contact" if known else "duty_lead" if Role.DUTY_LEAD in names else "duty_officer"
    Contact.objects.update_or_create(
        user=user,
        defaults={"name": user.first_name or user.username, "unit": unit if known else ""},
        create_defaults={"name": user.first_name or user.username, "unit": unit if known else "", "role": role},
    )


@page(Page.SELF)
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters()
def account(request: HttpRequest) -> HttpResponse:
    """One's own password and second factor."""
    user = User.objects.get(username=officer(request).login)
    form = PasswordChangeForm(user, request.POST if request.POST.get("what") == "password" else None)
    if form.is_bound and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        messages.success(request, "密码已改")
        return redirect("account")
    status = 422 if form.is_bound else 200
    return render(request, "console/account.html", {"form": form, **_factor(request, user)}, status=status)


def _factor(request: HttpRequest, user: User) -> dict[str, Any]:
    """Begin or confirm the second factor as asked; what the page needs to show of it."""
    if request.POST.get("what") == "begin":
        return {"totp": False, "address": totp.begin(user), "secret": SecondFactor.objects.get(user=user).secret}
    if request.POST.get("what") == "confirm":
        if totp.confirm(user, request.POST.get("code", ""), deps.now()):
            messages.success(request, "动态口令已启用")
        else:
            messages.error(request, "动态口令不对，请核对手机时间后重新启用")
    return {"totp": totp.confirmed(user)}

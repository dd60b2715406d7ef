"""Briefings in the web: list, sheet with the ground of its numbers, editing, the way to publication."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from briefings import drafting, editing, office, parts
from briefings import render as rendering
from briefings.access import readers_only
from briefings.compose import correction as corrections
from briefings.compose.head import KIND_TITLES
from briefings.document import Document
from briefings.models import Briefing
from briefings.office import Person
from briefings.render import FORMATS, charts, web
from briefings.review import DUTY, RULES, STEPS, Action, refusal
from briefings.trace import Trace, find, trace
from core.errors import CaifengError, ConfigError, Refused

TYPES = {
    **rendering.TYPES,
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
_LISTED = 100


@require_GET
@readers_only
def index(request: HttpRequest, person: Person) -> HttpResponse:
    """All briefings, the newest first."""
    rows = Briefing.objects.defer("body").order_by("-composed_at")
    kind = request.GET.get("kind", "")
    context = {
        "briefings": [(row, KIND_TITLES[row.kind]) for row in (rows.filter(kind=kind) if kind else rows)[:_LISTED]],
        "kinds": KIND_TITLES.items(),
        "kind": kind,
        "may_draft": bool(person.roles & DUTY),
        "formats": FORMATS,
    }
    return render(request, "briefings/index.html", context)


@require_POST
@readers_only
def draft(request: HttpRequest, person: Person) -> HttpResponse:
    """Compose the briefing that was asked for."""
    if not person.roles & DUTY:
        messages.error(request, "由值班员、值班长起草")
        return redirect("briefings")
    try:
        briefing = drafting.draft(
            request.POST.get("kind", ""),
            request.POST.get("subject", ""),
            profile=parts.profile(),
            store=parts.post_store(),
            now=parts.now(),
            actor=person.login,
        )
    except CaifengError as error:
        messages.error(request, str(error))
        return redirect("briefings")
    return redirect("briefing", ref=briefing.ref)


@require_GET
@readers_only
def show(request: HttpRequest, person: Person, *, ref: str) -> HttpResponse:
    """The sheet, its steps, and the ground of the number that was clicked."""
    briefing = get_object_or_404(Briefing, ref=ref)
    document = editing.current(briefing)
    images = {chart.key: reverse("briefing_chart", args=[ref, chart.key]) for chart in document.charts()}
    may_edit = not refusal(Action.EDIT, briefing.state, person.roles)
    context: dict[str, Any] = {
        **web.sheet(document, images),
        "briefing": briefing,
        "numbers": len(document.used()),
        "way": [(label, _where(briefing.state, state)) for state, label in STEPS],
        "steps": briefing.steps.order_by("-pk")[:12],
        "actions": _actions(briefing, person),
        "amendments": briefing.amendments.order_by("number"),
        "formats": FORMATS,
        "link": "?figure=",
        "edit": "?edit=" if may_edit else "",
        "by_hand": _by_hand(document),
        **_panel(request, document),
    }
    if may_edit:
        context["editing"] = _editing(request.GET.get("edit", ""), document)
    return render(request, "briefings/show.html", context)


def _where(state: str, step: str) -> str:
    """done, here or ahead."""
    order = [name for name, _ in STEPS]
    if state not in order:
        return "done"
    return "done" if order.index(state) > order.index(step) else "here" if state == step else "ahead"


def _actions(briefing: Briefing, person: Person) -> list[dict[str, Any]]:
    """What this person can do now, or why not; what nobody can do in this state is left out."""
    shown = [action for action in Action if action is not Action.EDIT and briefing.state in RULES[action].sources]
    return [
        {
            "name": action.value,
            "label": RULES[action].label,
            "why_not": refusal(action, briefing.state, person.roles),
            "needs_note": RULES[action].needs_note,
            "is_main": bool(RULES[action].to) and action is not Action.RETURN,
        }
        for action in shown
    ]


def _by_hand(document: Document) -> list[tuple[str, list[str]]]:
    """Edited paragraphs with numbers nothing stands behind."""
    edited = [block for block in document.paragraphs() if block.edited_by]
    found = [(block.key, editing.untraced(block.runs)) for block in edited]
    return [(key, numbers) for key, numbers in found if numbers]


def _panel(request: HttpRequest, document: Document) -> dict[str, Any]:
    key = request.GET.get("figure", "")
    if not key:
        return {"chosen": ""}
    try:
        found: Trace = trace(document, key, store=parts.post_store(), now=parts.now())
    except ConfigError as error:
        raise Http404(str(error)) from error
    except CaifengError as error:
        return {"chosen": key, "figure": find(document, key), "down": f"帖文库暂时读不到：{error}"}
    place = document.used().index(key) + 1 if key in document.used() else None
    return {"chosen": key, "figure": found.figure, "trace": found, "place": place}


def _editing(key: str, document: Document) -> dict[str, str] | None:
    block = next((block for block in document.paragraphs() if block.key == key), None)
    return {"key": key, "text": document.words(block.runs)} if block else None


@require_POST
@readers_only
def edit(request: HttpRequest, person: Person, *, ref: str) -> HttpResponse:
    """Replace the words of a paragraph."""
    briefing = get_object_or_404(Briefing, ref=ref)
    paragraph, text = request.POST.get("paragraph", ""), request.POST.get("text", "")
    try:
        office.edit(briefing, paragraph, text, person=person, version=_version(request), now=parts.now())
    except Refused as error:
        messages.error(request, f"{error}。未保存的文字：{text}")
    else:
        messages.success(request, "已保存")
    return redirect(f"{reverse('briefing', args=[ref])}#p-{paragraph}")


@require_POST
@readers_only
def act(request: HttpRequest, person: Person, *, ref: str) -> HttpResponse:
    """Submit, approve, return, sign, publish, correct, or compose again."""
    briefing = get_object_or_404(Briefing, ref=ref)
    try:
        action = Action(request.POST.get("action", ""))
        _act(action, briefing, person, _version(request), request.POST.get("note", ""))
    except ValueError:
        messages.error(request, "没有这项操作")
    except CaifengError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已{RULES[action].label}")
    return redirect("briefing", ref=ref)


def _act(action: Action, briefing: Briefing, person: Person, version: int, note: str) -> None:
    if action is Action.CORRECT:
        office.correct(briefing, "", note, person=person, now=parts.now())
    elif action is Action.RECOMPOSE:
        if why := refusal(action, briefing.state, person.roles):
            raise Refused(why)
        drafting.again(briefing, profile=parts.profile(), store=parts.post_store(), now=parts.now(), actor=person.login)
    else:
        office.act(
            briefing, action, person=person, version=version, profile=parts.profile(), now=parts.now(), note=note
        )


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() else -1


@require_GET
@readers_only
def chart(request: HttpRequest, person: Person, *, ref: str, key: str) -> HttpResponse:
    """A chart as a picture."""
    document = editing.current(get_object_or_404(Briefing, ref=ref))
    found = next((chart for chart in document.charts() if chart.key == key), None)
    if found is None:
        raise Http404(key)
    return HttpResponse(charts.draw(found, document.figures), content_type="image/png")


@require_GET
@readers_only
def download(request: HttpRequest, person: Person, *, ref: str, form: str) -> HttpResponse:
    """A briefing as a file."""
    briefing = get_object_or_404(Briefing, ref=ref)
    if form not in FORMATS:
        raise Http404(form)
    return as_file(editing.files(briefing, (form,))[form], f"{ref}.{form}", form)


@require_GET
@readers_only
def correction(request: HttpRequest, person: Person, *, ref: str, number: int, form: str) -> HttpResponse:
    """A 更正 as a file."""
    briefing = get_object_or_404(Briefing, ref=ref)
    amendment = get_object_or_404(briefing.amendments, number=number)
    if form not in FORMATS:
        raise Http404(form)
    document = corrections.compose(editing.current(briefing), amendment.number, amendment.text, amendment.at)
    return as_file(rendering.render(document, (form,))[form], f"{ref}-correction-{number}.{form}", form)


def as_file(body: bytes, name: str, form: str) -> HttpResponse:
    """Bytes to be saved under a name."""
    response = HttpResponse(body, content_type=TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

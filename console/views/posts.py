"""帖文检索 and one post."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from alerts.models import Alert, AlertPost
from console import deps, evidence, wording
from console import export as exporting
from console.access import officer, page
from console.models import Deed, SavedView
from console.roles import Page, may_open
from core.clock import SHANGHAI
from core.errors import CaifengError, QuerySyntax
from core.model import TaggedPost
from core.ports import PostStore
from core.query import Node
from storage.models import Correction
from storage.query import parse

PAGE = 20
#: Facets beside the results: field, title, how its values are named.
FACETS: tuple[tuple[str, str], ...] = (
    ("topic", "话题"),
    ("sentiment", "情感"),
    ("kind", "信源类别"),
    ("source", "信源"),
    ("region", "地域"),
    ("flag", "标记"),
)


@page(Page.POSTS)
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Search in the query language; what cannot be read is said where it stands."""
    query = request.GET.get("q", "").strip()[:2000]
    context: dict[str, Any] = {
        "q": query,
        "saved": _saved(request),
        "may_export": may_open(Page.EXPORT, officer(request).roles),
    }
    try:
        node = parse(query, deps.now())
        context |= _found(node, query, request.GET.get("after") or None)
    except QuerySyntax as fault:
        context |= {
            "fault": str(fault),
            "position": fault.position,
            "before": query[: fault.position - 1],
            "at": query[fault.position - 1 :] or "（末尾）",
        }
    except CaifengError as fault:
        context["down"] = f"帖文库暂时读不到：{fault}"
    return render(request, "console/posts.html", context, status=422 if "fault" in context else 200)


def _found(node: Node, query: str, after: str | None) -> dict[str, Any]:
    store = deps.post_store()
    found = store.search(node, limit=PAGE, after=after)
    return {
        "posts": found.posts,
        "total": store.count(node),
        "after": found.after,
        "more": urlencode({"q": query, "after": found.after}) if found.after else "",
        "evidence": {"terms": tuple(evidence.words_of(query, deps.now())), "first": ""},
        "facets": facets(store, node, query),
    }


def facets(store: PostStore, node: Node, query: str) -> list[dict[str, Any]]:
    """What the found posts are about, each value a link that narrows the search."""
    return [
        {
            "title": title,
            "values": [
                {"name": value_name(field, value), "count": count, "query": narrowed(query, field, value)}
                for value, count in store.terms(node, field, limit=8)
            ],
        }
        for field, title in FACETS
    ]


@page(Page.EXPORT)
@require_POST
async def export(request: HttpRequest) -> HttpResponse:
    """The found posts as a file; built beside the one thread of the other requests, for it may take seconds."""
    query, form = request.POST.get("q", "").strip()[:2000], request.POST.get("form", "")
    if form not in exporting.FORMS:
        raise Http404(form)
    store = deps.post_store()
    try:
        node = parse(query, deps.now())
        total = await sync_to_async(store.count, thread_sensitive=False)(node)
        if total > exporting.LIMIT:
            return await _refused(request, query, f"共 {total} 帖，一次最多导出 {exporting.LIMIT} 帖，请缩小范围")
        write = exporting.as_xlsx if form == "xlsx" else exporting.as_csv
        names = await sync_to_async(_names)()
        body = await sync_to_async(lambda: write(store.scan(node), names), thread_sensitive=False)()
    except CaifengError as fault:
        return await _refused(request, query, f"未能导出：{fault}")
    await Deed.objects.acreate(
        at=deps.now(),
        login=officer(request).login,
        kind="export",
        words=f"导出 {total} 帖（{form}），检索式：{query or '全部'}",
    )
    name = f"posts-{deps.now().astimezone(SHANGHAI):%Y%m%d-%H%M}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type=exporting.FORMS[form], headers=headers)


@sync_to_async
def _refused(request: HttpRequest, query: str, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect(f"{reverse('posts')}?{urlencode({'q': query})}")


def _names() -> exporting.Names:
    return exporting.Names(
        sources={source.id: source.name for source in deps.sources()},
        topics={topic.id: topic.name for topic in deps.profile().topics},
    )


def narrowed(query: str, field: str, value: str) -> str:
    """The query, and this value of a field."""
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"({query}) AND {field}:{quoted}" if query else f"{field}:{quoted}"


def value_name(field: str, value: str) -> str:
    """A field's value in words."""
    tables: Mapping[str, Mapping[str, str]] = {
        "sentiment": wording.MOODS,
        "kind": wording.KINDS,
        "flag": wording.FLAGS,
    }
    if field == "topic":
        topic = deps.profile().topic(value)
        return topic.name if topic else value
    if field == "source":
        return next((source.name for source in deps.sources() if source.id == value), value)
    if field == "region":
        return value.rsplit("/", 1)[-1]
    return tables.get(field, {}).get(value, value)


def _saved(request: HttpRequest) -> list[SavedView]:
    return list(SavedView.objects.filter(owner__username=officer(request).login).order_by("name"))


@page(Page.POSTS)
@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep a search under a name; the same name again replaces it."""
    name, query = request.POST.get("name", "").strip()[:64], request.POST.get("q", "").strip()[:2000]
    owner = User.objects.get(username=officer(request).login)
    if name:
        try:
            with transaction.atomic():
                SavedView.objects.update_or_create(
                    owner=owner, name=name, defaults={"query": query, "saved_at": deps.now()}
                )
        except IntegrityError:
            pass  # pressed twice: the other request kept the same view
    return redirect(f"{reverse('posts')}?{urlencode({'q': query})}")


@page(Page.POSTS)
@require_POST
def drop_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a saved search of one's own."""
    SavedView.objects.filter(pk=pk, owner__username=officer(request).login).delete()
    return redirect("posts")


@page(Page.POSTS)
@require_GET
def show(request: HttpRequest, post_id: str) -> HttpResponse:
    """One post with everything Caifeng understood of it."""
    store = deps.post_store()
    tagged = _post(post_id)
    numbers = AlertPost.objects.filter(post=post_id).values_list("alert", flat=True)
    context = {
        "tagged": tagged,
        "topics": [(value_name("topic", topic.id), topic) for topic in tagged.tags.topics],
        "may_correct": may_open(Page.CORRECT, officer(request).roles),
        "all_topics": deps.profile().topics,
        "moods": wording.MOODS.items(),
        "corrections": list(Correction.objects.filter(post=post_id).order_by("-at")),
        "same": store.similar(post_id, limit=20),
        "alerts": list(Alert.objects.filter(pk__in=numbers).order_by("-detected_at")),
        "evidence": {"terms": tuple(term for topic in tagged.tags.topics[:1] for term in topic.terms), "first": ""},
    }
    return render(request, "console/post_page.html", context)


def _post(post_id: str) -> TaggedPost:
    found = deps.post_store().get([post_id])
    if not found:
        raise Http404("没有这条帖文，或已过保存期")
    return found[0]


@page(Page.CORRECT)
@require_POST
def correct(request: HttpRequest, post_id: str) -> HttpResponse:
    """Say that a tag is wrong; the post stays as it was tagged, the models learn from it."""
    tagged = _post(post_id)
    field, should_be = request.POST.get("field", ""), request.POST.get("should_be", "")
    was = {
        "topic": tagged.tags.topics[0].id if tagged.tags.topics else "",
        "sentiment": tagged.tags.sentiment.label.value,
    }.get(field)
    known = {topic.id for topic in deps.profile().topics} if field == "topic" else set(wording.MOODS)
    if was is None or should_be not in known or should_be == was:
        messages.error(request, "请选择与现判定不同的值")
        return redirect("post", post_id=post_id)
    Correction.objects.create(
        post=post_id,
        field=field,
        was=was,
        should_be=should_be,
        source=tagged.post.source,
        model_version=tagged.tags.model_version,
        at=deps.now(),
        actor=officer(request).login,
    )
    messages.success(request, "已登记纠正，供模型复核和再训练")
    return redirect("post", post_id=post_id)

"""The live feed's address, and standing at the desk."""

from __future__ import annotations

import asyncio

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_POST

from console import deps
from console.access import officer, page
from console.live import Hub, stream
from console.models import Post
from console.roles import Page

#: One hub per event loop: a server has one, tests have many.
_hubs: dict[int, Hub] = {}


@page(Page.LIVE)
async def live(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events; `Last-Event-ID` (or `?last=`) asks for what was missed."""
    if request.method != "GET":
        return HttpResponse(status=405)
    sent = request.headers.get("Last-Event-ID") or request.GET.get("last", "")
    hub = _hubs.setdefault(id(asyncio.get_running_loop()), Hub(deps.now))
    response = StreamingHttpResponse(
        stream(hub, officer(request), int(sent) if sent.isdigit() else None, deps.now),
        content_type="text/event-stream; charset=utf-8",
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


@page(Page.SELF)
@require_POST
def stand(request: HttpRequest) -> JsonResponse:
    """上岗 or 离岗: keep who stood at the desk when."""
    login, now = officer(request).login, deps.now()
    Post.objects.filter(login=login, until=None).update(until=now)
    if request.POST.get("on") == "1":
        Post.objects.create(login=login, since=now)
    return JsonResponse({"on": request.POST.get("on") == "1"})

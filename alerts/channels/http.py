"""HTTP as the channels speak it: time limits, and errors that say whether to try again. No address in any text."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from core.errors import Permanent, Retry

TIMEOUT = httpx.Timeout(10, connect=5)
_BUSY = {408, 425, 429}


def client(proxy: str | None = None) -> httpx.Client:
    """A client for one channel; thread-safe."""
    return httpx.Client(timeout=TIMEOUT, follow_redirects=False, proxy=proxy, verify=_trusted())


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificate authorities, read once for all channels."""
    return httpx.create_ssl_context()


def post(sender: httpx.Client, url: str, **request: Any) -> httpx.Response:
    """POST and return a 2xx answer. Raises Retry for what may pass, Permanent for what will not."""
    return call(sender, "POST", url, **request)


def call(sender: httpx.Client, method: str, url: str, **request: Any) -> httpx.Response:
    """Like `post` for any method."""
    try:
        answer = sender.request(method, url, **request)
    except httpx.TransportError as error:
        raise Retry(f"连接失败：{type(error).__name__}") from None
    except (httpx.InvalidURL, ValueError) as error:
        raise Permanent(f"请求无法发出：{type(error).__name__}") from None
    if answer.status_code in _BUSY or answer.status_code >= 500:
        raise Retry(f"对方暂不受理：HTTP {answer.status_code}", retry_after(answer.headers))
    if not answer.is_success:
        raise Permanent(f"对方拒绝：HTTP {answer.status_code}")
    return answer


def reply(answer: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of an answer; anything else is a gateway's fault and may pass."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Retry("对方的答复不是 JSON")
    return body


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the other side asked for: a number, or a date read against the answer's own clock."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return (parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None


def target(targets: Mapping[str, str], name: str) -> str:
    """The secret address behind a recipient's name. Raises Permanent."""
    if name not in targets:
        raise Permanent(f"渠道文件中没有接收方“{name}”")
    return targets[name]


def check_addresses(targets: Any) -> dict[str, str]:
    """Every address is http(s) with a host. Raises ValueError that names the target, not its address."""
    if not isinstance(targets, Mapping) or not targets:
        raise ValueError("must name at least one target: name → address")
    for name, address in targets.items():
        parts = urlsplit(address) if isinstance(address, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"target {name!r} needs an http or https address")
    return dict(targets)

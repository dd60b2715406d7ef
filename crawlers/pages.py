"""Index pages of news lists, forums and message boards, and the contributions on a thread's page. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from parsel import Selector

from core.errors import Rejected
from crawlers.markup import absolute, base_of, block_at, canonical, look_up, parse_page, plain_text, text_at
from crawlers.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page an index points to, with what the index says of it."""

    url: str
    title: str = ""
    #: The publish time as written; empty when the index shows none.
    published: str = ""
    #: Hash of the row's changing text; another one means there is news behind the link.
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What an index page leads to."""

    links: tuple[Link, ...]
    next: str | None = None


def read_index(text: str, url: str, source: Source) -> Index:
    """Links of an index page in page order, each once.

    Raises Rejected when the page shows no row at all: then its layout changed, or it is no index.
    """
    page = parse_page(text)
    base = base_of(text, url)
    rows = look_up(page, source.selectors.item) if source.selectors.item else _guess_rows(page)
    links = {link.url: link for link in filter(None, (_link(row, base, source) for row in rows))}
    links.pop(url, None)
    if not links:
        raise Rejected(f"目录页里没有找到链接（{len(rows)} 行），页面结构可能变了")
    return Index(links=tuple(links.values()), next=_next(page, base, source.selectors.next, url))


def _link(row: Selector, base: str, source: Source) -> Link | None:
    places = source.selectors
    anchor = row if row.root.tag == "a" else None
    found = look_up(row, places.link) if places.link else [anchor] if anchor else row.css("a[href]")[:1]
    if not found:
        return None
    href = found[0].attrib.get("href") or (found[0].get() if isinstance(found[0].root, str) else "")
    url = absolute(href, base)
    if url is None or (source.link_pattern and not re.search(source.link_pattern, url)):
        return None
    title = text_at(row, places.title) if places.item and places.title else ""
    return Link(
        url=url,
        title=title or _anchor_title(found[0]),
        published=text_at(row, places.time) or _date_in(row),
        mark=_hash(text_at(row, places.changed)) if places.changed else "",
    )


def _anchor_title(anchor: Selector) -> str:
    if isinstance(anchor.root, str):
        return ""
    return anchor.attrib.get("title", "").strip() or " ".join(plain_text(anchor.get()).split())


_DATE = re.compile(r"(?:20\d\d\s*[-/.年]\s*)?\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?")


def _date_in(row: Selector) -> str:
    """The row's date when it stands outside the link, as Chinese news lists have it."""
    outside = " ".join(row.xpath(".//text()[not(ancestor::a)]").getall())
    match = _DATE.search(outside)
    return match[0].strip() if match else ""


#: Links whose text is shorter are navigation.
_TITLE_LENGTH = 8


def _guess_rows(page: Selector) -> list[Selector]:
    """Anchors that read like headlines, for lists without `selectors.item`."""
    anchors = page.xpath("//a[@href][not(ancestor::nav or ancestor::footer or ancestor::header)]")
    headlines = [anchor for anchor in anchors if len(_anchor_title(anchor)) >= _TITLE_LENGTH]
    rows: list[Selector] = []
    for anchor in headlines:
        parent = anchor.xpath("ancestor::li[1] | ancestor::tr[1]")
        rows.append(parent[-1] if parent and len(parent[-1].css("a[href]")) <= 2 else anchor)
    return rows


def _next(page: Selector, base: str, place: str | None, here: str) -> str | None:
    if place is None:
        return None
    found = next(iter(look_up(page, place)), None)
    if found is None:
        return None
    href = found.get() if isinstance(found.root, str) else found.attrib.get("href", "")
    url = absolute(href, base)
    return url if url != here else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One post on a thread's page: its markup, and what names it within the source."""

    key: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A page of a thread."""

    title: str
    contributions: tuple[Contribution, ...]
    next: str | None


def read_thread(text: str, url: str, source: Source) -> Thread:
    """Contributions of a thread's page.

    Raises Rejected when the page shows none: its layout changed, or it asks for a login.
    """
    places = source.selectors
    page = parse_page(text)
    posts = look_up(page, places.post) if places.post else []
    if not posts:
        raise Rejected("帖子页里没有找到发言，页面结构可能变了")
    contributions = tuple(
        Contribution(key=_post_key(post, places.post_id, thread_key(url), floor), html=post.get())
        for floor, post in enumerate(posts, start=1)
    )
    return Thread(
        title=text_at(page, places.title) or _document_title(page),
        contributions=contributions,
        next=_next(page, base_of(text, url), places.next_posts, url),
    )


def thread_key(url: str) -> str:
    """Path and query of a thread, which name it within its source."""
    parts = urlsplit(canonical(url))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _post_key(post: Selector, place: str | None, thread: str, floor: int) -> str:
    """The forum's own id, else the text: floors shift when a post is deleted."""
    own = text_at(post, place) or post.attrib.get("id", "")
    if own:
        return f"{thread}#{own}"
    return f"{thread}#{floor}-{_hash(plain_text(post.get()))[:12]}"


def _document_title(page: Selector) -> str:
    heading = page.css("h1")
    if len(heading) == 1:
        return " ".join(plain_text(heading.get() or "").split())
    title = page.css("title::text").get("")
    return re.split(r"\s*[_|]\s*|\s+-\s+", title.strip())[0]


_LOGIN = re.compile(
    r"(?:请先?|您?需要|您?尚未)\s*登[录陆]|登[录陆]后(?:可|才|查看|浏览)|验证码|安全验证|访问过于频繁|人机验证|滑动验证"
)


def login_wall(text: str, *, url: str = "", asked: str = "") -> str:
    """Why a page looks like a login or check page instead of the one asked for; empty when it does not."""
    path = urlsplit(url).path.lower()
    if url != asked and re.search(r"/(?:login|signin|passport|captcha|verify|sso|antispider)\b", path):
        return f"被转到登录或验证页面 {path}"
    if len(text) > 60_000 or not _LOGIN.search(text):
        return ""
    page = plain_text(text)
    match = _LOGIN.search(page)
    if match and len(page) < 400:
        return f"页面要求“{match[0]}”"
    return ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fields_of(html: str, source: Source) -> dict[str, str]:
    """What the source's selectors find on a page or in a contribution, as text; fields it lacks are left out."""
    node = parse_page(html)
    places = source.selectors
    found = {
        name: text_at(node, getattr(places, name))
        for name in (
            "title",
            "time",
            "author",
            "replied_at",
            "replied_by",
            "status",
            "views",
            "comments",
            "likes",
            "shares",
        )
    }
    found |= {name: block_at(node, getattr(places, name)) for name in ("text", "reply")}
    return {name: value for name, value in found.items() if value}

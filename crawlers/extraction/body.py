"""Which paragraphs of a page are its article: full sentences vote for the boxes they stand in."""

from __future__ import annotations

import re

from crawlers.extraction.layout import Box, Layout, Paragraph

#: Class and id names of what stands around an article. Whole words, then parts of words.
_NOISE_WORD = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|footer|foot|bottom|copyright|comments?|cmt|reply|relate[ds]?|relevant|recommend|recom"
    r"|rec|hot|rank|ranking|sidebar|side|aside|share|breadcrumb|crumb|position|toolbar|tool|login|reg|search|ads?|advert"
    r"|banner|pager|page|pagination|keyword|tags?|links?|widget|popup|dialog|qrcode|subscribe|app|download|disclaimer"
    r"|statement|editor|ep-source|author|feedback|tiezi|newslist|list)(?:$|[\s_\d-])"
)
_NOISE_PART = re.compile(
    r"comment|related?|recommend|footer|sidebar|copyright|breadcrumb|share|advert|hotnews|rank|toplink|pinglun|xiangguan"
    r"|tuijian"
)
_ARTICLE_NAME = re.compile(
    r"article|content|endtext|artibody|body|text|main|detail|post|story|zoom|trs_editor|ucap|vsb|news|zhengwen|p-detail"
    r"|rich_media"
)
_NOISE_TAGS = frozenset({"nav", "footer", "aside"})
_LISTS = frozenset({"ul", "ol", "dl", "table"})
#: A paragraph in one of these votes for the box around it.
_PARAGRAPH_TAGS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "pre", "td", "dd", "dt", "center"}
)
_SENTENCE_END = re.compile(r"[。！？]$")
_LONG_SENTENCE = re.compile("[\u4e00-\u9fff，]{30,}[。；]")
_FURNITURE = re.compile(
    r"(?:责任编辑|编辑[:：]|相关(?:阅读|新闻|链接|文章|报道)|延伸阅读|更多(?:精彩|阅读)|分享到|上一篇|下一篇|打印|关闭窗口|【?纠错"
    r"|版权(?:声明|所有)|返回|来源[:：]\S{0,12}$|作者[:：]\S{0,12}$|扫一扫|字号|浏览次数|发布(?:时间|日期)[:：])"
)
_HEAD_FURNITURE = re.compile(r"来源|作者|字号|时间|日期|浏览|点击|首页|>|\||\d{4}[-年/]\d")
_TAIL = re.compile(r"^[（(]|[。！？…”]$")
_SHORTEST_VOTE = 12
_FURNITURE_LENGTH = 60
_HIDDEN_NOTE = 1500


def find_body(layout: Layout) -> list[Paragraph]:
    """The paragraphs of the article, in reading order; empty when nothing reads like one.

    1. Paragraphs with punctuation vote for their box and, less, for the boxes around it.
    2. The box with most votes wins, less what is links, by what its name says.
    3. While the box around holds clearly more sentences and few links, take that one.
    4. Leave out boxes that name themselves noise, lists of links, furniture lines.
    5. The article runs from its first to its last sentence.
    """
    votes = _votes(layout)
    if not votes:
        return []
    best = max(votes, key=lambda box: votes[box] * _worth(layout, box))
    best = _widen(layout, best)
    kept = _without_noise(layout, best)
    return _trim(kept)


def _votes(layout: Layout) -> dict[Box, float]:
    votes: dict[Box, float] = {}
    for paragraph in layout.paragraphs:
        if paragraph.length < _SHORTEST_VOTE or paragraph.linked > paragraph.length * 0.5:
            continue
        vote = min((paragraph.chinese or paragraph.length * 0.4) / 20, 12) + min(paragraph.marks, 12) * 0.8
        if not paragraph.marks:
            vote *= 0.25
        box = paragraph.box.parent if paragraph.box.tag in _PARAGRAPH_TAGS else paragraph.box
        for level in range(4):
            if box is None or box.tag == "html":
                break
            votes[box] = votes.get(box, 0.0) + vote
            vote *= 0.6 if level else 0.55
            box = box.parent
    return votes


def _worth(layout: Layout, box: Box) -> float:
    worth: float = (1 - min(layout.link_share(box), 1.0)) ** 1.5
    if box.tag == "body":
        worth *= 0.6
    if _ARTICLE_NAME.search(box.name):
        return worth * 1.25
    return worth * 0.3 if _NOISE_PART.search(box.name) else worth


def _is_sentence(paragraph: Paragraph) -> bool:
    return paragraph.length >= 25 and paragraph.linked < paragraph.length * 0.3 and paragraph.marks > 0


def _widen(layout: Layout, best: Box) -> Box:
    totals = [0]
    for paragraph in layout.paragraphs:
        totals.append(totals[-1] + (paragraph.length if _is_sentence(paragraph) else 0))
    while (around := best.parent) is not None and around.tag != "html":
        inside = totals[best.last] - totals[best.first]
        if totals[around.last] - totals[around.first] <= inside * 1.35 or layout.link_share(around) >= 0.2:
            break
        best = around
    return best


def _without_noise(layout: Layout, best: Box) -> list[Paragraph]:
    whole = layout.length(best) or 1
    noise: dict[Box, bool] = {best: False}

    def is_noise(box: Box) -> bool:
        path = []
        for outer in box.ancestors():
            if outer in noise:
                break
            path.append(outer)
        for inner in reversed(path):
            noise[inner] = (inner.parent is not None and noise.get(inner.parent, False)) or _reads_as_noise(
                layout, inner, whole
            )
        return noise[box]

    return [
        paragraph
        for paragraph in layout.paragraphs_of(best)
        if not is_noise(paragraph.box) and not _is_furniture(paragraph)
    ]


def _reads_as_noise(layout: Layout, box: Box, whole: int) -> bool:
    """A box that by its name, its links or its style is no part of an article of `whole` characters."""
    length = layout.length(box)
    if box.name and length < whole * 0.5:
        if _NOISE_PART.search(box.name):
            return True
        if _NOISE_WORD.search(box.name) and not _ARTICLE_NAME.search(box.name):
            return True
    if box.tag in _NOISE_TAGS and length < whole * 0.5:
        return True
    if box.tag in _LISTS and layout.link_share(box) > 0.45:
        return True
    return box.hidden and length < _HIDDEN_NOTE and not _tells_a_story(layout, box)


def _tells_a_story(layout: Layout, box: Box) -> bool:
    return any(_LONG_SENTENCE.search(paragraph.text) for paragraph in layout.paragraphs_of(box))


def _is_furniture(paragraph: Paragraph) -> bool:
    if paragraph.linked >= paragraph.length * 0.6 and paragraph.length < 80:
        return not _SENTENCE_END.search(paragraph.text)
    return paragraph.length < _FURNITURE_LENGTH and bool(_FURNITURE.match(paragraph.text))


def _trim(paragraphs: list[Paragraph]) -> list[Paragraph]:
    sentences = [index for index, paragraph in enumerate(paragraphs) if paragraph.length >= 18 and paragraph.marks]
    if not sentences:
        return paragraphs
    first, last = sentences[0], sentences[-1]
    head = [
        paragraph
        for paragraph in paragraphs[max(0, first - 2) : first]
        if paragraph.length >= 6 and not _HEAD_FURNITURE.search(paragraph.text)
    ]
    tail = [paragraph for paragraph in paragraphs[last + 1 : last + 3] if _TAIL.search(paragraph.text)]
    return head + paragraphs[first : last + 1] + tail

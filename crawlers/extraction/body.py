"""Which paragraphs of a page are its article: full sentences vote for the boxes they stand in."""

from __future__ import annotations

import functools
import itertools
import re

from crawlers.extraction.layout import Box, Layout, Paragraph

#: Class and id names of what stands around an article. Whole words, then parts of words.
_NOISE_WORD = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|footer|foot|bottom|copyright|comments?|cmt|reply|relate[ds]?|relevant|recommend|recom"
    r"|rec|hot|most-read|rank|ranking|sidebar|side|aside|share|breadcrumb|crumb|position|toolbar|tool|login|reg|search|ads?|advert"
    r"|banner|pager|page|pagination|keywords?|tags?|links?|widget|popup|dialog|qrcode|subscribe|app|download|disclaimer"
    r"|statement|editor|ep-source|author|feedback|tiezi|newslist|list)(?:$|[\s_\d-])"
)
_NOISE_PART = re.compile(
    r"comment|related?|recommend|footer|sidebar|copyright|breadcrumb|share|advert|hotnews|rank|toplink|disclaimer"
    r"|postauthor|profile|user[-_]?info|favatar|signature|\bpls\b"
    r"|pinglun|xiangguan|tuijian|shen?g?ming|mianze|fenxiang|jiathis|bdshare|erweima"
)
_ARTICLE_NAME = re.compile(
    r"article|content|endtext|artibody|body|text|main|detail|post|story|zoom|trs_editor|ucap|vsb|news|zhengwen|p-detail"
    r"|rich_media"
)
#: Names content systems give to exactly the box of the text; nothing around it belongs to it.
_EXACT_NAME = re.compile(
    r"artibody|article[-_]?(?:content|body|text|con\b|txt)|trs_(?:ue)?editor|ucap-content|endtext|js_content|vsb_content"
    r"|rich_media_content|\bzoom\b|post[-_]?(?:content|body|text)|entry[-_]content|news[-_]?(?:text|content|body|con\b|txt)"
    r"|text[-_]?con|content[-_]?text|detail[-_]?(?:content|con\b|text)|zhengwen|cnt?_main|arc_body|rm_txt_con"
)
_NOISE_TAGS = frozenset({"nav", "footer", "aside"})
_LISTS = frozenset({"ul", "ol", "dl", "table"})
#: A paragraph in one of these votes for the box around it.
_PARAGRAPH_TAGS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "pre", "dd", "dt", "center"})
_SENTENCE_END = re.compile(r"[。！？]$")
_LONG_SENTENCE = re.compile("[\u4e00-\u9fff，]{30,}[。；]")
_FURNITURE = re.compile(
    r"(?:责任编辑|编辑[:：]|相关(?:阅读|新闻|链接|文章|报道)|延伸阅读|更多(?:精彩|阅读)|分享到|上一篇|下一篇|打印|关闭窗口|【?纠错"
    r"|版权(?:声明|所有)|返回|来源[:：]\S{0,12}$|作者[:：]\S{0,12}$|扫一扫|字号|浏览次数|发布(?:时间|日期)[:：])"
)
#: What forums write beside a post, and government sites above a document.
_LABELS = re.compile(
    r"^(?:发表于|回复于|只看(?:该作者|楼主)|倒序|楼主$|\d+\s?[#楼]$|沙发$|板凳$|注册时间|积分|帖子|威望|金钱|在线时间|最后登录|UID|精华|发短?消息"
    r"|加(?:为)?好友|当前(?:离线|在线)|举报|TOP$|使用道具|评分$|本帖最后由|回复$|引用$|编辑$"
    r"|(?:索\s?引\s?号|发文机关|发布机构|成文日期|主题分类|主题词|公开(?:方式|类别|形式|日期)|信息(?:分类|类别|名称)|有\s?效\s?性|废止日期|文\s*号|发文字号|组配分类)"
    r"\s?[:：])"
)
_HEAD_FURNITURE = re.compile(r"来源|作者|字号|时间|日期|浏览|点击|首页|>|\||\d{4}[-年/]\d")
#: Headings of what follows an article.
_AFTERWARDS = re.compile(
    r"^[【\[(（\s]*(?:相关|延伸|推荐|更多|热门|热点|精彩|猜你|大家都|您可能|你可能|为您|为你|网友|最新|今日|今天|24小时|本周|一周|往期|编辑|图片|视频"
    r"|评论|发表|我要|用户|全部)\s*[·•]?\s*(?:新闻|阅读|推荐|链接|文章|报道|专题|资讯|内容|评论|喜欢|在看|也?感?兴趣\S{0,6}|精彩\S{0,4}|排行\S{0,2}"
    r"|回顾|点击|热点|热评|图集|图片|视频|话题|说两句|留言)\s*[】\])）:：>》\s]*$"
)
_TAIL = re.compile(r"^[（(]|[。！？…”]$")
_BYLINE = re.compile(
    r"(?:19|20)\d\d\s?[-年/.]\s?\d{1,2}\s?[-月/.]\s?\d{1,2}.*(?:来源|作者|编辑|责编|浏览|点击|字号|字体|阅读|评论|打印|我要)"
    r"|(?:来源|作者|发布|浏览|点击|字号|字体)[^。]*(?:19|20)\d\d\s?[-年/.]\s?\d{1,2}\s?[-月/.]\s?\d{1,2}[^。]*$"
    r"|^[（(【]?(?:本文)?原标题[:：]|(?:您|你)?(?:现在|当前|所在|目前)?(?:所在|的)?位置[:：]|首页\s*[>»›＞]"
)
_DISCLAIMER = re.compile(
    r"^[（(【\[*※]*(?:免责|特别|版权|郑重|重要)?声明[】\]]?[:：]|^[（(【]?(?:本文仅代表|以上内容仅|转载请注明|凡本[网站报]|凡注明|本网站?转载)"
)
_BYLINE_LENGTH = 120
_WHOLE = 150
#: Boxes of a thread are named for it or numbered: `post_1203`, `pid77`, `floor`.
_POST_NAME = re.compile(r"post|reply|floor|thread|topic|answer|message|msg|lou|\d{2,}|[a-z]_?\d+$")
_SHORTEST_POST = 15
_POST_DEPTH = 12
_LISTED = frozenset({"p", "li", "tr", "td", "dd", "h1", "h2", "h3", "h4", "section", "span"})
_SHORTEST_VOTE = 12
_FURNITURE_LENGTH = 60
_HIDDEN_NOTE = 1500


def find_body(layout: Layout, title: str = "") -> list[Paragraph]:
    """The paragraphs of the article, in reading order; empty when nothing reads like one.

    1. Paragraphs with punctuation vote for their box and, less, for the boxes around it.
    2. The box with most votes wins, less what is links, by what its name says.
    3. While the box around holds clearly more sentences and few links, take that one;
       a post of a thread takes the other posts with it.
    4. Leave out boxes that name themselves noise, lists of links, furniture lines.
    5. The article begins behind its headline and ends before the heading of what follows it.
    6. It runs from its first to its last sentence, with the lines that stand in one box with these.
    """
    votes = _votes(layout)
    if not votes:
        return []
    best = max(votes, key=lambda box: votes[box] * _worth(layout, box))
    best = _thread(layout, _widen(layout, best))
    kept = _until_afterwards(_after_title(_without_noise(layout, best), title))
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
    while (around := best.parent) is not None and around.tag != "html" and not _is_whole(layout, best):
        inside = totals[best.last] - totals[best.first]
        if totals[around.last] - totals[around.first] <= inside * 1.35 or layout.link_share(around) >= 0.2:
            break
        best = around
    return best


def _is_whole(layout: Layout, box: Box) -> bool:
    """A box named as the text itself, the only one of its name, is all there is."""
    if not _EXACT_NAME.search(box.name) or layout.length(box) < _WHOLE:
        return False
    return sum(_kind(other) == _kind(box) for other in layout.boxes) == 1


def _kind(box: Box) -> tuple[str, str]:
    """What the boxes of one sort have in common: tag and name without the numbers in it."""
    return box.tag, _unnumbered(box.name)


@functools.lru_cache(maxsize=4096)
def _unnumbered(name: str) -> str:
    return re.sub(r"\d+", "", name)


def _thread(layout: Layout, best: Box) -> Box:
    """The box of a whole thread when `best` is one of its posts, or stands in one."""
    for box in itertools.islice(best.ancestors(), _POST_DEPTH):
        if box.parent is None or box.tag in _LISTED or not _POST_NAME.search(box.name):
            continue
        posts = [other for other in layout.boxes if other.parent is box.parent and _kind(other) == _kind(box)]
        spoken = [post for post in posts if layout.length(post) >= _SHORTEST_POST and layout.link_share(post) < 0.3]
        if len(spoken) > 1 and layout.link_share(box.parent) < 0.3:
            return box.parent
    return best


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _after_title(paragraphs: list[Paragraph], title: str) -> list[Paragraph]:
    """Without the headline and what stands above it, when it stands in the upper part."""
    wanted = _letters(title)
    if len(wanted) < 4:
        return paragraphs
    upper = sum(paragraph.length for paragraph in paragraphs) * 0.3
    start, passed = 0, 0
    for index, paragraph in enumerate(paragraphs[:20]):
        if passed > upper:
            break
        passed += paragraph.length
        if paragraph.length <= len(wanted) * 1.5 + 10 and _letters(paragraph.text) == wanted:
            start = index + 1
    return paragraphs[start:]


def _until_afterwards(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """Up to the heading of what follows the article, when it stands in the lower half."""
    half, passed = sum(paragraph.length for paragraph in paragraphs) * 0.4, 0
    for index, paragraph in enumerate(paragraphs):
        if passed >= half and paragraph.length <= 40 and _AFTERWARDS.search(paragraph.text):
            return paragraphs[:index]
        if passed >= half and _DISCLAIMER.match(paragraph.text) and index >= len(paragraphs) // 2:
            return paragraphs[:index]
        passed += paragraph.length
    return paragraphs


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
    if paragraph.length >= 20 and _SENTENCE_END.search(paragraph.text):
        return False
    if paragraph.length < _BYLINE_LENGTH and _BYLINE.search(paragraph.text):
        return True
    short = paragraph.length < _FURNITURE_LENGTH
    return short and bool(_FURNITURE.match(paragraph.text) or _LABELS.match(paragraph.text))


def _trim(paragraphs: list[Paragraph]) -> list[Paragraph]:
    sentences = [index for index, paragraph in enumerate(paragraphs) if paragraph.length >= 18 and paragraph.marks]
    if not sentences:
        return paragraphs
    first, last = sentences[0], sentences[-1]
    while first and _belongs(paragraphs[first - 1], paragraphs[sentences[0]]):
        first -= 1
    while last + 1 < len(paragraphs) and _belongs(paragraphs[last + 1], paragraphs[sentences[-1]]):
        last += 1
    head = paragraphs[max(0, first - 2) : first]
    tail = paragraphs[last + 1 : last + 3]
    return [
        *(line for line in head if line.length >= 6 and not _HEAD_FURNITURE.search(line.text)),
        *paragraphs[first : last + 1],
        *(line for line in tail if _TAIL.search(line.text)),
    ]


def _belongs(line: Paragraph, sentence: Paragraph) -> bool:
    """A line that stands in one box with a sentence and does not read like a byline or a menu."""
    return _container(line) is _container(sentence) and not _HEAD_FURNITURE.search(line.text) and not line.linked


def _container(paragraph: Paragraph) -> Box | None:
    return paragraph.box.parent if paragraph.box.tag in _PARAGRAPH_TAGS else paragraph.box

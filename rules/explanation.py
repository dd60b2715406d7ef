"""Why a rule's query is or is not true of a post, in words an officer can act on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.clock import SHANGHAI
from core.errors import QuerySyntax
from core.model import TaggedPost
from core.query import And, Everything, Field, Node, Not, Or, Range, Text
from rules.reading import event_time, key_of
from rules.schema import UNMATCHED, Rule
from storage.query import matches, parse
from storage.query.fields import ORDERED

_NAMES = {
    "topic": "主题",
    "sentiment": "情感",
    "region": "地区",
    "source": "来源",
    "kind": "渠道",
    "flag": "标记",
    "incident": "事件",
    "story": "同文",
    "institution": "机构",
    "keyword": "关键词",
    "language": "语言",
    "id": "编号",
    "title": "标题",
    "risk": "风险",
    "published": "发布时间",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a rule thinks of a post."""

    rule: Rule
    matched: bool
    reasons: tuple[str, ...]
    #: The key it counts under; empty without one.
    key: str = ""


def explain(rule: Rule, post: TaggedPost, now: datetime) -> Explanation:
    """Every condition that decided; for a rule that is off, or fed by facts, that."""
    if not rule.enabled:
        return Explanation(rule=rule, matched=False, reasons=("规则已停用",))
    if rule.type in UNMATCHED:
        return Explanation(rule=rule, matched=False, reasons=("此类规则看信源或事件，不看单条帖文",))
    try:
        tree = parse(rule.query, now)
    except QuerySyntax as error:
        return Explanation(rule=rule, matched=False, reasons=(f"查询无法识别：{error}",))
    if not matches(tree, post):
        return Explanation(rule=rule, matched=False, reasons=tuple(_against(tree, post)))
    reasons = tuple(_for(tree, post))
    late = post.post.first_seen_at - event_time(post.post)
    if late > rule.lateness:
        reasons = (*reasons, f"采集比发布晚 {late.total_seconds() / 3600:.0f} 小时，超过允许的迟到时间，不计入窗口")
    return Explanation(rule=rule, matched=True, reasons=reasons, key=key_of(rule, post))


def _for(node: Node, post: TaggedPost) -> list[str]:
    """The conditions that hold."""
    match node:
        case Everything():
            return ["规则适用于全部帖文"]
        case And(children):
            return [reason for child in children for reason in _for(child, post)]
        case Or(children):
            return [reason for child in children if matches(child, post) for reason in _for(child, post)][:3]
        case Not(child):
            return [f"没有{_words(child)}"]
        case _:
            return [f"有{_words(node)}"]


def _against(node: Node, post: TaggedPost) -> list[str]:
    """The conditions that do not hold."""
    match node:
        case And(children):
            return [reason for child in children if not matches(child, post) for reason in _against(child, post)]
        case Or(_):
            return [f"没有{_words(node)}"]
        case Not(child):
            return [f"有排除的{_words(child)}"]
        case Range(name):
            return [f"{_words(node)}不成立，实为 {_shown(ORDERED[name](post))}"]
        case _:
            return [f"没有{_words(node)}"]


def _words(node: Node) -> str:
    match node:
        case Text(value):
            return f"“{value}”"
        case Field(name, value):
            return f"{_NAMES.get(name, name)}“{value}”"
        case Range(name, low, high):
            bounds = [
                f"不低于 {_shown(low)}" if low is not None else "",
                f"不高于 {_shown(high)}" if high is not None else "",
            ]
            return f"{_NAMES.get(name, name)}{'、'.join(filter(None, bounds))}"
        case Or(children):
            return f"{'、'.join(_words(child) for child in children)}中的任何一个" if len(children) > 1 else ""
        case And(children):
            return "和".join(_words(child) for child in children)
        case Not(child):
            return f"“没有{_words(child)}”"
        case _:
            return "任何内容"


def _shown(value: object) -> str:
    return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)

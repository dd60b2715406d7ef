"""Codes of the workflow in the words officers use."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.lifecycle import ACTION_LABELS
from alerts.wording import KIND_NAMES

MOODS: Mapping[str, str] = {"negative": "负面", "neutral": "中性", "positive": "正面"}

FLAGS: Mapping[str, str] = {
    "casualty": "伤亡",
    "collective": "聚集",
    "rumor_suspect": "疑似谣言",
    "minor_involved": "未成年人",
    "call_for_help": "求助",
    "media_central": "中央媒体",
    "media_provincial": "省级媒体",
    "policy_related": "政策",
}

KINDS: Mapping[str, str] = {
    "news": "新闻网站",
    "government": "政府网站",
    "forum": "论坛",
    "board": "留言板",
    "hotline": "12345 热线",
    "microblog": "微博",
    "wechat": "公众号",
    "video": "短视频",
    "app": "客户端",
}

#: Kinds of an alert's events: the desk's actions and the sweeper's messages.
EVENTS: Mapping[str, str] = {
    **KIND_NAMES,
    **{action.value: label for action, label in ACTION_LABELS.items()},
    "open": "发现",
    "join": "再次命中",
}

NOTICES = KIND_NAMES

CHANNELS: Mapping[str, str] = {
    "slack": "Slack",
    "wecom": "企业微信",
    "dingtalk": "钉钉",
    "feishu": "飞书",
    "email": "邮件",
    "webhook": "Webhook",
    "apprise": "Apprise",
    "console": "值班台",
}

NUMERALS: Mapping[str, str] = {"I": "Ⅰ", "II": "Ⅱ", "III": "Ⅲ", "IV": "Ⅳ", "V": "Ⅴ"}


def word(table: Mapping[str, str], code: str) -> str:
    """The word of a code; a code nobody named yet stands for itself."""
    return table.get(code, code)

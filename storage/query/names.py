"""Names of fields and of their fixed values, in English and Chinese."""

from __future__ import annotations

#: What an officer may write → the field's name. `since` and `until` are bounds of `published`.
FIELD_NAMES = {
    "topic": "topic",
    "主题": "topic",
    "话题": "topic",
    "sentiment": "sentiment",
    "情感": "sentiment",
    "region": "region",
    "地区": "region",
    "区域": "region",
    "source": "source",
    "来源": "source",
    "kind": "kind",
    "类型": "kind",
    "渠道": "kind",
    "flag": "flag",
    "标记": "flag",
    "incident": "incident",
    "事件": "incident",
    "story": "story",
    "同文": "story",
    "institution": "institution",
    "机构": "institution",
    "keyword": "keyword",
    "关键词": "keyword",
    "language": "language",
    "语言": "language",
    "id": "id",
    "编号": "id",
    "title": "title",
    "标题": "title",
    "risk": "risk",
    "风险": "risk",
    "published": "published",
    "发布": "published",
    "时间": "published",
    "since": "since",
    "自": "since",
    "起": "since",
    "until": "until",
    "至": "until",
    "止": "until",
}

_KINDS = {
    "新闻": "news",
    "政务": "government",
    "论坛": "forum",
    "留言": "board",
    "留言板": "board",
    "热线": "hotline",
    "微博": "microblog",
    "微信": "wechat",
    "视频": "video",
    "客户端": "app",
}

#: Field → Chinese word for a fixed value → the value.
VALUE_NAMES = {
    "sentiment": {"负面": "negative", "中性": "neutral", "正面": "positive"},
    "kind": _KINDS,
    "source": _KINDS,
    "flag": {
        "伤亡": "casualty",
        "聚集": "collective",
        "疑似谣言": "rumor_suspect",
        "涉未成年人": "minor_involved",
        "求助": "call_for_help",
        "央媒": "media_central",
        "省媒": "media_provincial",
        "涉政策": "policy_related",
    },
}

"""The words that tell a post from others: rjieba's cuts (the same as jieba's), weighed by how rare they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import rjieba

from pipeline.rarity import usual_words

MOST = 8
#: What a post is about is said early.
_READ = 120
#: A word said again weighs so many times more.
_AGAIN = 1.4
_WORD = re.compile("[\u4e00-\u9fa5]{2,8}|[a-z][a-z0-9]{2,15}")
_UNKNOWN = 9.0
_REMEMBERED = 100_000
#: Words that name no matter.
STOP = frozenset(
    [
        "我们",
        "你们",
        "他们",
        "她们",
        "它们",
        "大家",
        "自己",
        "人家",
        "这个",
        "那个",
        "这些",
        "那些",
        "这样",
        "那样",
        "这么",
        "那么",
        "这里",
        "那里",
        "什么",
        "怎么",
        "怎样",
        "如何",
        "为什么",
        "多少",
        "哪里",
        "哪个",
        "一个",
        "一些",
        "一下",
        "一直",
        "一样",
        "一定",
        "一般",
        "一次",
        "一种",
        "一起",
        "可以",
        "可能",
        "应该",
        "需要",
        "能够",
        "不能",
        "不会",
        "不是",
        "不要",
        "没有",
        "没人",
        "就是",
        "还是",
        "但是",
        "可是",
        "因为",
        "所以",
        "如果",
        "虽然",
        "而且",
        "或者",
        "以及",
        "并且",
        "然后",
        "已经",
        "正在",
        "现在",
        "目前",
        "今天",
        "昨天",
        "明天",
        "今年",
        "去年",
        "明年",
        "之前",
        "之后",
        "以后",
        "以前",
        "时候",
        "时间",
        "期间",
        "情况",
        "问题",
        "事情",
        "东西",
        "方面",
        "地方",
        "原因",
        "结果",
        "进行",
        "开始",
        "继续",
        "出现",
        "发生",
        "存在",
        "造成",
        "导致",
        "影响",
        "作为",
        "成为",
        "属于",
        "关于",
        "对于",
        "根据",
        "按照",
        "通过",
        "由于",
        "为了",
        "除了",
        "其中",
        "其他",
        "其它",
        "有关",
        "相关",
        "部门",
        "领导",
        "单位",
        "尊敬",
        "您好",
        "你好",
        "谢谢",
        "感谢",
        "希望",
        "请求",
        "请问",
        "咨询",
        "建议",
        "反映",
        "解决",
        "处理",
        "答复",
        "回复",
        "知道",
        "觉得",
        "认为",
        "感觉",
        "看到",
        "听到",
        "说是",
        "表示",
        "告诉",
        "要求",
        "非常",
        "特别",
        "十分",
        "比较",
        "真的",
        "其实",
        "当然",
        "确实",
        "完全",
        "全部",
        "所有",
        "每个",
        "每天",
        "各种",
        "很多",
        "许多",
        "不少",
        "太多",
        "几个",
        "两个",
        "三个",
        "第一",
        "第二",
        "以上",
        "以下",
        "左右",
        "附近",
        "旁边",
        "里面",
        "外面",
        "上面",
        "下面",
        "前面",
        "后面",
        "本人",
        "个人",
        "有人",
        "别人",
        "老百姓",
        "百姓",
        "市民",
        "群众",
        "居民",
        "网友",
        "用户",
        "转发",
        "微博",
        "图片",
        "视频",
        "链接",
        "全文",
        "展开",
        "哈哈",
        "哈哈哈",
        "呵呵",
        "嘻嘻",
        "啊啊",
        "一点",
        "有点",
        "有些",
        "有没有",
        "是否",
        "是不是",
        "能否",
        "不知道",
        "不知",
        "怎么办",
        "为何",
        "何时",
        "还有",
        "只有",
        "只能",
        "只是",
        "来说",
        "起来",
        "下来",
        "出来",
        "过来",
        "上去",
        "下去",
        "回来",
        "这是",
        "都是",
        "也是",
        "还是",
        "又是",
        "说的",
        "做的",
        "一年",
        "多年",
        "几年",
        "多次",
        "再次",
        "至今",
        "直到",
        "到底",
        "究竟",
        "甚至",
        "尤其",
        "此外",
        "另外",
        "同时",
        "随着",
        "但愿",
        "http",
        "https",
        "www",
        "com",
        "支持",
        "喜欢",
        "太阳",
        "生活",
        "工作",
        "回家",
        "晚上",
        "早上",
        "下午",
        "上午",
        "中午",
        "月份",
        "编号",
        "网上",
        "平台",
        "电话",
        "没",
        "好",
        "相信",
        "不好",
        "不到",
        "看看",
        "必须",
        "无法",
        "严重",
        "为此",
        "有效",
        "尽快",
        "及时",
        "整改",
        "加强",
        "强烈",
        "恳请",
        "作出",
        "给予",
        "谢谢您",
        "敬请",
    ]
)


class Keywords:
    """Cuts and weighs, with a profile's own words in the dictionary.

    The dictionary is the process's: one of its own would take 25 MB more, and a process serves one profile.
    """

    def __init__(self, own_words: Iterable[str] = ()) -> None:
        own = frozenset(word for word in own_words if len(word) >= 2)
        for word in sorted(own):
            rjieba.add_word(word, None, None)
        self._weights = _Weights(own)

    def words(self, text: str) -> list[str]:
        """Content words in order, of a case-folded, simplified text."""
        return list(filter(self._weights.__getitem__, rjieba.cut(text, True)))

    def find(self, text: str) -> tuple[str, ...]:
        """At most `MOST` words, the most telling first."""
        words = self.words(text[:_READ])
        found = dict(zip(words, map(self._weights.__getitem__, words), strict=True))
        if len(found) < len(words):
            for word, count in Counter(words).items():
                if count > 1:
                    found[word] *= _AGAIN ** (count - 1)
        return tuple(sorted(found, key=found.__getitem__, reverse=True)[:MOST])


class _Weights(dict[str, float]):
    """Weight of every word met so far; 0 for what is no keyword."""

    def __init__(self, own: frozenset[str]) -> None:
        super().__init__()
        self._own = own

    def __missing__(self, word: str) -> float:
        if len(self) > _REMEMBERED:
            self.clear()
        weight = self[word] = self._judge(word)
        return weight

    def _judge(self, word: str) -> float:
        if word in STOP or not _WORD.fullmatch(word):
            return 0.0
        weight = usual_words().get(word, _UNKNOWN) * (1.0 + 0.1 * min(len(word), 4))
        return weight * 1.3 if word in self._own else weight

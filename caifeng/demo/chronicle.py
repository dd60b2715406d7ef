"""What the people of the little town write: a pure function of when it began and of now.

The same beginning gives the same posts in every process, so a second start of the demo continues.
Everything is invented: county, people, numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Ordinary posts come this often, by day; nights are four times quieter.
PACE = timedelta(seconds=45)
#: History before the beginning, so that the first briefing has a week to speak of.
PAST = timedelta(days=6)
PAST_PACE = timedelta(minutes=50)
#: A new matter begins to brew this often; the first at once.
BREW_EVERY = timedelta(minutes=14)

PLACES = (
    ("石澜镇", "石桥村"),
    ("石澜镇", "澜口村"),
    ("禾渡镇", "渡头村"),
    ("云杼镇", "机杼村"),
    ("青砚镇", "湖滨村"),
    ("望禾乡", "望东村"),
    ("松圩乡", "松林村"),
    ("竹浦街道", "竹园社区"),
    ("北杼街道", "文昌社区"),
    ("采川经开区", "电子路社区"),
)
NAMES = (
    "河边的柳",
    "采川老王",
    "早起的面馆",
    "一路向北",
    "石桥人家",
    "竹园居民",
    "田埂上的人",
    "小满",
    "街角灯",
    "晚风",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TownPost:
    """One post: where it stands, who signed, what it says."""

    number: int
    #: news, forum, board, feed, hotline.
    site: str
    at: datetime
    author: str
    title: str
    text: str
    #: Answers under a forum thread.
    replies: tuple[str, ...] = ()


#: (site, title, text); {town} and {village} are filled in.
ORDINARY: tuple[tuple[str, str, str], ...] = (
    (
        "board",
        "{town}{village}路灯坏了半个月",
        "{village}到镇上的路灯坏了半个月，晚上孩子放学回家一片漆黑，打过电话没人来修，请安排处理。",
    ),
    ("board", "咨询居民医保缴费时间", "想问一下今年{town}的城乡居民医保什么时候截止缴费，可以在手机上交吗？"),
    (
        "board",
        "{village}垃圾池多日无人清运",
        "{town}{village}的垃圾池堆满一个多星期了，苍蝇很多，气味难闻，希望尽快清运。",
    ),
    (
        "board",
        "反映{village}自来水水压太低",
        "{village}最近两周自来水水压很低，二楼基本没有水，供水公司说在检修，一直没有结果。",
    ),
    (
        "board",
        "感谢{town}便民服务中心",
        "昨天去{town}便民服务中心给老人办高龄津贴，工作人员态度很好，二十分钟就办完了，谢谢。",
    ),
    (
        "board",
        "施工扰民，凌晨还在打桩",
        "{town}{village}旁边工地凌晨一点还在打桩，家里有老人和婴儿，几次报给城管都没有改。",
    ),
    (
        "board",
        "宅基地审批什么时候有结果",
        "我家在{village}，去年十月交的宅基地申请材料，到现在没有答复，问了几次都让等，请问要多久？",
    ),
    (
        "board",
        "建议在{village}路口装红绿灯",
        "{village}路口车多速度快，这个月已经发生两起碰擦，建议装一个红绿灯或者减速带。",
    ),
    ("board", "物业收费不公开", "{town}锦澜小区物业费涨了，公共收益从不公示，业主要求看账目，物业一直推诿。"),
    (
        "board",
        "高标准农田水渠不通",
        "{town}{village}的高标准农田项目做完了，水渠不通水，今年的秧插不下去，请农业部门来看看。",
    ),
    ("forum", "{town}哪里修电动车靠谱", "车子骑一半没电了，求推荐{town}附近修电动车的店，价钱公道就行。"),
    ("forum", "说说咱们{town}的夜市", "周末去逛了一圈，小吃多了，就是油烟大，摊子摆到人行道上，推婴儿车过不去。"),
    ("forum", "县医院挂号越来越难了", "早上六点排队，专家号还是没有了，{town}过来一趟不容易，能不能多放点网上的号？"),
    ("forum", "{village}的桂花开了", "回{village}看父母，村口两棵桂花开得正好，给大家看看。"),
    (
        "forum",
        "公交 3 路又改线了？",
        "今天等了四十分钟没等到，听说不进{village}了，老人小孩怎么出门，改线之前也不说一声。",
    ),
    ("forum", "孩子转学要哪些材料", "下学期想从外地转回{town}读四年级，哪位家长办过，需要什么材料？"),
    ("forum", "健身房关门了，卡里还有钱", "{town}这家健身房说装修，门锁了一个月，电话打不通，办卡的钱找谁退？"),
    ("forum", "周末去青砚湖露营", "周末天气好，去湖边露营的人不少，垃圾记得带走。"),
    (
        "feed",
        "{town}举办秋季农产品展销会",
        "{town}近日举办农产品展销会，二十多家合作社参展，现场销售山货、蜂蜜和粉丝。",
    ),
    (
        "feed",
        "我县开展燃气安全入户检查",
        "县住建部门组织燃气企业在{town}等地开展入户安全检查，重点检查软管老化和报警器安装。",
    ),
    ("feed", "{town}新建污水管网二期开工", "{town}污水管网二期工程开工，计划明年六月完工，施工期间部分路段半幅通行。"),
    ("feed", "采川县招聘中小学教师公告", "根据工作需要，面向社会公开招聘中小学教师六十名，报名时间见附件。"),
    (
        "news",
        "{town}：干部下沉 把问题解决在村口",
        "在{town}{village}，每周三的村口夜谈已经坚持半年，累计收集群众诉求一百四十余件，办结九成以上。",
    ),
    (
        "news",
        "全县冬小麦播种进度过八成",
        "记者从县农业农村局获悉，截至昨日，全县冬小麦播种面积完成计划的八成以上，{town}进度最快。",
    ),
    ("news", "{town}举行消防应急演练", "{town}联合消防救援大队在{village}举行应急演练，模拟居民楼起火后的疏散和扑救。"),
    ("news", "县人民医院新门诊楼启用", "县人民医院新门诊楼昨日启用，设有二十六个诊室，首日接诊一千二百余人次。"),
    ("hotline", "反映楼上装修噪音", "来电人反映{town}{village}楼上装修，中午休息时间施工，噪音扰民，联系电话{phone}。"),
    ("hotline", "咨询失业金申领", "来电人咨询失业保险金申领条件和办理地点，户籍在{town}。"),
    ("hotline", "反映停电", "来电人反映{town}{village}今日上午停电，未见通知，询问恢复时间，联系电话{phone}。"),
    (
        "hotline",
        "求助办理残疾证",
        "来电人家住{town}{village}，家中老人行动不便，询问能否上门评定办理残疾证，联系电话{phone}。",
    ),
    ("hotline", "投诉超市销售过期食品", "来电人在{town}一超市购买的面包已过期三天，要求核查处理，联系电话{phone}。"),
    ("hotline", "表扬抢修人员", "来电人表扬供水抢修人员，昨晚{village}水管爆裂，一小时内修好，服务态度好。"),
)

#: A matter that brews: ordered (site, title, text); the first come fast, the rest spread out.
BREWING: tuple[tuple[tuple[str, str, str], ...], ...] = (
    (
        (
            "forum",
            "石澜镇中心小学好多孩子吐了",
            "孩子在石澜镇中心小学住校，晚饭吃完说肚子疼，同宿舍还有两个也吐了。班主任电话一直占线，有知情的家长吗？",
        ),
        (
            "hotline",
            "反映学生就餐后呕吐",
            "来电人反映，其子在石澜镇中心小学就餐后呕吐腹痛，已送镇卫生院，要求核实食堂食材来源，联系电话{phone}。",
        ),
        (
            "board",
            "石澜镇中心小学食堂是不是出问题了",
            "我家孩子在石澜镇中心小学食堂吃完晚饭后腹痛呕吐，家长群里说好几个班都有，请教育局和市场监管局查一查食堂。",
        ),
        (
            "forum",
            "石澜镇卫生院现在全是小学生",
            "刚从石澜镇卫生院出来，走廊坐满了石澜镇中心小学的孩子，都说是晚饭吃坏肚子，又吐又拉。",
        ),
        (
            "board",
            "要求公布石澜镇中心小学食堂留样结果",
            "石澜镇中心小学多名学生食物中毒，学校到现在没有说法，要求公布食堂留样检测结果。",
        ),
        (
            "hotline",
            "家长询问学校食堂情况",
            "来电人为石澜镇中心小学四年级学生家长，孩子呕吐腹泻，询问有多少学生送医，由谁负责，联系电话{phone}。",
        ),
        (
            "feed",
            "石澜镇中心小学多名学生就餐后身体不适 校方称正在配合调查",
            "石澜镇中心小学多名学生晚餐后出现腹痛、呕吐等症状被送医，校方称正配合市场监管部门调查，具体原因待核。",
        ),
        (
            "forum",
            "石澜小学食堂换承包商才两个月",
            "食堂是上学期末换的承包商，之前就有家长说菜里有异物，学校没当回事，这次好几个孩子呕吐才想起来查。",
        ),
        (
            "board",
            "石澜镇中心小学能不能先停了食堂",
            "孩子们呕吐腹痛还没好，今天食堂照样开门，家长不放心，能不能先停业查清楚？",
        ),
        (
            "hotline",
            "反映学校电话无人接听",
            "来电人称拨打石澜镇中心小学值班电话一直无人接听，孩子昨晚呕吐三次，要求学校给出解释，联系电话{phone}。",
        ),
    ),
    (
        (
            "forum",
            "经开区电子厂三个月没发工资了",
            "经开区电子厂拖欠工资三个月，说等回款，房租都交不起了，有没有一起去讨薪的？",
        ),
        (
            "board",
            "采川经开区电子厂拖欠工资",
            "我们车间四十多人在采川经开区电子厂上班，从八月到现在没发工资，找了劳动监察大队说在协调，一直没钱。",
        ),
        ("hotline", "反映拖欠工资", "来电人反映采川经开区一电子厂拖欠工资三个月，工人准备集体讨薪，联系电话{phone}。"),
        ("forum", "电子厂门口拉横幅了", "经开区电子厂门口聚集了一百多人拉横幅讨薪，路堵了一半，警车也来了。"),
        (
            "board",
            "电子厂欠薪，请人社局出面",
            "经开区电子厂老板电话打不通，欠薪的工人聚集在门口，有人说老板跑路了，请人社局出面。",
        ),
        (
            "hotline",
            "工人聚集讨薪",
            "来电人称经开区电子厂有工人聚集讨薪，情绪激动，希望政府尽快派人，联系电话{phone}。",
        ),
        (
            "feed",
            "采川经开区一企业被反映拖欠工人工资 人社部门介入",
            "有工人反映采川经开区一电子企业拖欠工资三个月，人社部门表示已介入调查，情况待核。",
        ),
        (
            "forum",
            "听说电子厂要先发一个月",
            "有消息说经开区电子厂明天先发一个月工资，剩下的没说，血汗钱能不能拿全还不知道。",
        ),
    ),
    (
        (
            "board",
            "望塔小区自来水发黄有异味",
            "云杼镇望塔小区从前天开始自来水发黄，有异味，烧开还有沉淀，不敢给孩子喝，供水公司电话打不通。",
        ),
        (
            "forum",
            "你们那边的水也是黄的吗",
            "云杼镇云水小区，早上放出来的自来水是黄的，有股味道，楼下好多人去超市买水。",
        ),
        (
            "hotline",
            "反映水质发黄",
            "来电人反映云杼镇望塔小区二次供水水质发黄、有异味，两栋楼都有，要求检测，联系电话{phone}。",
        ),
        (
            "forum",
            "云水小区水箱多久没洗了",
            "云杼镇云水小区物业说水箱三年没洗过，自来水发黄就是这个原因，物业和供水公司互相推诿。",
        ),
        (
            "board",
            "云水小区水质问题请尽快检测",
            "云杼镇云水小区自来水发黄，有人喝了拉肚子，请供水公司和卫健局来检测水质，并公布结果。",
        ),
        (
            "hotline",
            "询问自来水能否饮用",
            "来电人家住云杼镇云水小区，自来水有异味，家有婴儿，询问能否饮用，联系电话{phone}。",
        ),
        (
            "feed",
            "云杼镇两小区居民反映自来水发黄 供水企业称正在排查",
            "云杼镇望塔、云水两小区居民反映自来水发黄有异味，供水企业称正在排查二次供水设施。",
        ),
    ),
)
REPLIES = (
    "我家也是这样。",
    "有没有人去问过？",
    "顶一下，希望有人管。",
    "等官方消息，别传没影的事。",
    "同问。",
    "已经打 12345 了，让等回复。",
)


def posts(began: datetime, now: datetime) -> list[TownPost]:
    """Everything published up to `now`, oldest first; numbers never change as time goes on."""
    found = [*_history(began), *_ordinary(began, now), *_brewing(began, now)]
    return sorted((post for post in found if post.at <= now), key=lambda post: (post.at, post.number))


def _history(began: datetime) -> Iterator[TownPost]:
    for index in range(int(PAST / PAST_PACE)):
        yield _fill(100_000 + index, began - PAST + index * PAST_PACE, ORDINARY)


def _ordinary(began: datetime, now: datetime) -> Iterator[TownPost]:
    for index in range(int((now - began) / PACE) + 1):
        yield _fill(200_000 + index, began + index * PACE, ORDINARY)


def _brewing(began: datetime, now: datetime) -> Iterator[TownPost]:
    for turn in range(int((now - began) / BREW_EVERY) + 1):
        start = began + turn * BREW_EVERY
        for index, voice in enumerate(BREWING[turn % len(BREWING)]):
            # Five voices within twenty seconds, then one a minute: enough for a rule, and a tail to watch.
            after = timedelta(seconds=4 * index) if index < 5 else timedelta(seconds=20 + 60 * (index - 4))
            yield _fill(300_000 + turn * 100 + index, start + after, (voice,))


def _fill(number: int, at: datetime, voices: tuple[tuple[str, str, str], ...]) -> TownPost:
    # Not for secrets: the same number must tell the same story in every process.
    chance = random.Random(number)  # noqa: S311
    site, title, text = chance.choice(voices)
    town, village = chance.choice(PLACES)
    words = {"town": town, "village": village, "phone": f"139{chance.randrange(10**8):08d}"}
    replies = tuple(chance.sample(REPLIES, chance.randrange(3))) if site == "forum" else ()
    return TownPost(
        number=number,
        site=site,
        at=at,
        author=chance.choice(NAMES),
        title=title.format(**words),
        text=text.format(**words),
        replies=replies,
    )

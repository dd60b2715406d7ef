"""Stories and incidents: stable, counted, shared between workers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.ids import content_hash
from core.model import Engagement, Mood, Post, Precision, Score, Sentiment, TaggedPost, Tags
from pipeline.merge import Merger

NINE = datetime(2026, 11, 20, 1, tzinfo=UTC)
PLANT = "石澜镇化工厂昨夜偷排废水，澜口水库出现大量死鱼，村民反映气味刺鼻"


def a_post(text: str, *, name: str = "p1", at: datetime = NINE, source: str = "board", title: str = "") -> TaggedPost:
    post = Post(
        id=name,
        source=source,
        kind="board",
        url="",
        title=title,
        text=text,
        language="zh-Hans",
        published_at=at,
        precision=Precision.SECOND,
        first_seen_at=at,
        author_hash="",
        author_label="",
        engagement=Engagement(),
        content_hash=content_hash(text),
    )
    tags = Tags(
        topics=(),
        class7=(),
        sentiment=Sentiment(label=Mood.NEUTRAL, negative=0.0, neutral=1.0, positive=0.0),
        regions=("采川县/石澜镇",),
        institutions=(),
        flags=(),
        keywords=(),
        risk=0,
        risk_reasons=(),
        confident=True,
        model_version="test",
    )
    return TaggedPost(post=post, tags=tags)


def test_near_duplicates_share_a_story_and_are_counted() -> None:
    merger = Merger()

    first, second = merger.place([a_post(PLANT), a_post(f"转发微博//@小禾:{PLANT}", name="p2", source="weibo")])

    assert (first.story, second.story) == ("p1", "p1")
    changes = merger.changes()
    assert [story.size for story in changes.stories] == [2]
    assert changes.incidents[0].sources == ("board", "weibo")


def test_two_texts_about_one_matter_share_an_incident_only() -> None:
    merger = Merger()

    first, second = merger.place(
        [a_post(PLANT), a_post("澜口水库死鱼成片，都说是石澜镇化工厂偷排废水造成的，环保局查了吗", name="p2")]
    )

    assert first.story != second.story
    assert first.incident == second.incident == "p1"


def test_another_matter_founds_its_own_incident() -> None:
    merger = Merger()

    placed = merger.place([a_post(PLANT), a_post("竹浦街道公交停运两周，老人出行不便，何时恢复", name="p2")])

    assert [one.incident for one in placed] == ["p1", "p2"]


def incidents_of(*messages: tuple[str, str]) -> list[str | None]:
    """Of messages given as title and text, one after the other."""
    posts = [a_post(text, name=f"p{number}", title=title) for number, (title, text) in enumerate(messages)]
    return [placed.incident for placed in Merger().place(posts)]


def test_two_matters_of_one_estate_stay_apart() -> None:
    kindergarten = (
        "投诉云栖澜庭配套幼儿园高价收费",
        "云栖澜庭的配套幼儿园应办成普惠园，现在却每月收三千元，家长负担不起",
    )
    rubbish = ("云栖澜庭北门要建垃圾站", "云栖澜庭北门外正在施工，听说是垃圾站，臭味和污水会影响居民")

    assert incidents_of(kindergarten, rubbish) == ["p0", "p1"]


def test_one_complaint_at_two_estates_stays_apart() -> None:
    one = ("云栖澜庭旁工地夜间施工扰民", "工地每晚施工到凌晨，渣土车进出，噪音很大，居民无法休息")
    other = ("翠屏雅筑对面工地夜间施工扰民", "对面工地通宵施工，打桩的噪音扰得居民睡不着，渣土车扬尘")

    assert incidents_of(one, other) == ["p0", "p1"]


def test_letters_in_the_style_of_one_author_stay_apart() -> None:
    stadium = (
        "请加快体育中心的建设力度",
        "体育场馆常年严重不足，市民没有地方打球跑步，在国家大力倡导全民健身的大背景下，希望市政府加快建设刻不容缓",
    )
    hospital = (
        "请加快区域医疗中心的建设力度",
        "医院床位常年不足，病人看病要去外地，在国家大力倡导健康中国的大背景下，希望市政府加快建设刻不容缓",
    )

    assert incidents_of(stadium, hospital) == ["p0", "p1"]


def test_the_seam_of_two_words_is_no_name() -> None:
    one = ("咨询洪山公园建设问题", "洪山公园规划了十几年，到底什么时候开工建设")
    other = ("希望鹅羊山公园早日按规划完成", "鹅羊山公园才开始动工，希望公园建设按规划完成")

    assert incidents_of(one, other) == ["p0", "p1"]


def test_words_of_the_name_tell_no_matter() -> None:
    quality = ("江山帝景新房有严重安全隐患", "江山帝景四期外廊没有窗户，小孩有坠落危险，电梯进水")
    piling = ("学士路江山帝景小区施工损坏房屋", "江山帝景小区六期打桩施工，隔壁楼房墙体开裂下沉")

    assert incidents_of(quality, piling) == ["p0", "p1"]


def test_a_title_without_the_name_joins_by_what_the_text_says() -> None:
    named = ("云栖澜庭旁搅拌站噪音扰民", "云栖澜庭旁边建了搅拌站，噪音和粉尘污染严重，居民无法开窗")
    unnamed = ("请管管搅拌站", "我是云栖澜庭的居民，搅拌站的粉尘和噪音让人整夜睡不着，污染严重")

    assert incidents_of(named, unnamed) == ["p0", "p0"]


def test_many_messages_are_joined_by_what_they_share_not_by_what_each_title_says_besides() -> None:
    titled = (
        ("云栖澜庭旁搅拌站噪音扰民", "云栖澜庭旁边建了搅拌站，噪音和粉尘污染严重，居民无法开窗"),
        ("拯救云栖澜庭的老人小孩", "云栖澜庭旁的搅拌站噪音粉尘污染，老人小孩咳嗽，居民夜里睡不着"),
        ("举报锐恒混凝土违建厂房殃及云栖澜庭", "锐恒混凝土搅拌站紧挨云栖澜庭，噪音扰民，粉尘污染严重"),
        ("云栖澜庭窗台积灰沥青呛鼻何时休", "云栖澜庭旁搅拌站日夜噪音，粉尘污染落满窗台"),
        ("云栖澜庭轰鸣彻夜颠簸渣土横飞谁管", "云栖澜庭旁的搅拌站彻夜轰鸣噪音，渣土车粉尘污染严重"),
    )
    unnamed = ("夜夜昏天暗地叫人怎么活", "我是云栖澜庭的业主，旁边的工厂粉尘和噪音让人整夜睡不着")

    assert incidents_of(*titled, unnamed) == ["p0"] * 6


def test_words_alike_join_a_matter_of_this_week_and_not_one_silent_for_months() -> None:
    alike = "石澜镇又有工厂排废水了，请问环保局什么时候来查，村民等答复"

    def incident_after(days: int) -> str | None:
        merger = Merger()
        merger.place([a_post(PLANT)])
        return merger.place([a_post(alike, name="p2", at=NINE + timedelta(days=days))])[0].incident

    assert incident_after(2) == "p1"
    assert incident_after(80) == "p2"


def test_a_post_that_has_its_story_keeps_it_and_is_not_counted_again() -> None:
    merger = Merger()

    (placed,) = merger.place([replace(a_post(PLANT), story="old", incident="older")])

    assert (placed.story, placed.incident) == ("old", "older")
    assert merger.changes().stories == ()


def test_a_second_worker_goes_on_from_the_rows_of_the_first() -> None:
    first = Merger()
    first.place([a_post(PLANT)])
    rows = first.changes()

    second = Merger(rows.stories, rows.incidents)
    (placed,) = second.place([a_post(PLANT + "！", name="p9")])

    assert placed.story == "p1"
    assert second.changes().stories[0].size == 2


def test_a_second_worker_knows_the_matter_from_the_row() -> None:
    first = Merger()
    first.place([a_post(PLANT)])
    rows = first.changes()

    second = Merger(rows.stories, rows.incidents)
    (placed,) = second.place([a_post("澜口水库死鱼成片，都说是石澜镇化工厂偷排废水造成的", name="p9")])

    assert (placed.story, placed.incident) == ("p9", "p1")


def test_posts_follow_an_incident_that_was_joined_into_another() -> None:
    merger = Merger()
    merger.place([a_post(PLANT), a_post("竹浦街道公交停运两周，老人出行不便，何时恢复", name="p2")])
    rows = {row.id: row for row in merger.changes().incidents}

    merger.learn((), [replace(rows["p1"], merged_into="p2")])
    (placed,) = merger.place([a_post(PLANT, name="p3")])

    assert placed.incident == "p2"


def test_what_nobody_repeated_for_days_is_let_go_and_what_was_repeated_stays() -> None:
    merger = Merger()
    alone = "竹浦街道公交停运两周，老人出行不便，何时恢复"
    merger.place([a_post(PLANT), a_post(PLANT, name="p2"), a_post(alone, name="p3")])

    merger.forget(NINE + timedelta(days=4))
    placed = merger.place([a_post(PLANT, name="p4"), a_post(alone, name="p5")])

    assert [post.story for post in placed] == ["p1", "p5"]


def test_a_single_message_to_an_office_waits_weeks_for_a_second_one() -> None:
    def incident_after_a_week(classes: tuple[Score, ...]) -> str | None:
        merger = Merger()
        first = a_post(PLANT)
        merger.place([replace(first, tags=replace(first.tags, class7=classes))])
        merger.forget(NINE + timedelta(days=7))
        again = a_post("澜口水库又见死鱼成片，都说是石澜镇化工厂偷排废水造成的", name="p2", at=NINE + timedelta(days=7))
        return merger.place([again])[0].incident

    assert incident_after_a_week((Score(id="环境保护", score=0.9), Score(id="城乡建设", score=0.1))) == "p1"
    assert incident_after_a_week(()) == "p2"


def test_old_stories_take_no_more_posts_and_are_forgotten() -> None:
    merger = Merger()
    merger.place([a_post(PLANT)])

    merger.forget(NINE + timedelta(days=120))
    (placed,) = merger.place([a_post(PLANT, name="p2", at=NINE + timedelta(days=120))])

    assert (placed.story, placed.incident) == ("p2", "p2")

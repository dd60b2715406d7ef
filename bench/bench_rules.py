"""Rules: matching, windows, rebuild, the way from post to finding, and ElastAlert2 on the same stream.

`python -m bench.bench_rules [--small] [part …]`. Everything is synthetic and seeded. The peer runs in an environment of
its own (`pip install elastalert2==2.19.0 pytz setuptools`; CAIFENG_BENCH_ELASTALERT names its Python) and asks an Elasticsearch started
here; without either that line says why it is missing.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
SYLLABLES = "停水电路学校食堂呕吐腹痛工资拖欠讨薪聚集横幅污染黑臭异味房屋漏雨物业暖气供热医院挂号排队窗口材料证明补贴低保养老征地拆迁补偿交通红灯公交"


def bar(name: str, wanted: str, measured: str, ratio: str = "") -> None:
    """One line of the report."""
    print(f"{name:<52} bar {wanted:<22} measured {measured:<22} {ratio}", flush=True)


def words(random: Random, count: int) -> list[str]:
    """Distinct terms of two to four characters."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(random.choice(SYLLABLES) for _ in range(random.randint(2, 4)))] = None
    return list(found)


def some_rules(random: Random, count: int, terms: Sequence[str], **changes: Any) -> list[Any]:
    """Rules of five terms each: any of three, and one of two more or a topic, not an excluded one."""
    from rules.schema import parse

    rules = []
    for number in range(count):
        a, b, c, d, e = (terms[(number * 5 + offset) % len(terms)] for offset in range(5))
        query = f"({a} OR {b} OR {c}) AND ({d} OR topic:t{number % 21}) NOT {e}"
        given = {"id": f"rule-{number}", "type": "frequency", "num_events": 5, "timeframe": "1h", "query": query}
        rules.append(parse({**given, **changes}))
    return rules


def some_posts(random: Random, count: int, terms: Sequence[str], length: int = 120) -> list[Any]:
    """Posts of about `length` characters made of common syllables and now and then a term."""
    from core.model import Engagement, Mood, Post, Precision, Score, Sentiment, TaggedPost, Tags

    posts = []
    for number in range(count):
        pieces = [
            random.choice(terms) if random.random() < 0.04 else chr(random.randint(0x4E00, 0x9000)) * 2
            for _ in range(length // 2)
        ]
        at = NOON + timedelta(seconds=number / 200)
        post = Post(
            id=f"202611-{number:024x}",
            source=f"s{number % 40}",
            kind="forum",
            url="https://example.test",
            title="".join(pieces[:8]),
            text="".join(pieces[8:]),
            language="zh-Hans",
            published_at=at,
            precision=Precision.SECOND,
            first_seen_at=at,
            author_hash="",
            author_label="",
            engagement=Engagement(),
            content_hash="",
        )
        tags = Tags(
            topics=(Score(id=f"t{number % 21}", score=0.9),),
            class7=(),
            sentiment=Sentiment(label=Mood.NEGATIVE, negative=0.8, neutral=0.1, positive=0.1),
            regions=(f"省/市/县/镇{number % 12}",),
            institutions=(),
            flags=(),
            keywords=(),
            risk=40,
            risk_reasons=(),
            confident=True,
            model_version="bench",
        )
        posts.append(TaggedPost(post=post, tags=tags))
    return posts


def rate(work: Callable[[], Any], count: int, repeat: int = 3) -> float:
    """Items per second of CPU, the best of some runs."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return count / best


def matching(scale: int) -> None:
    """1,000 rules with 5,000 terms, and what more rules cost."""
    from rules.matcher import Matcher
    from storage.query import matches, parse

    random = Random(7)
    terms = words(random, 25_000)
    short, long = (some_posts(random, count // scale, terms, length) for count, length in ((4000, 120), (1000, 600)))
    matchers = {count: Matcher(some_rules(random, count, terms), NOON) for count in (100, 1000, 5000)}
    rates = {count: _rate(matcher, short) for count, matcher in matchers.items()}
    trees = [parse(rule.query, NOON) for rule in some_rules(random, 1000, terms)]
    naive = rate(lambda: [[matches(tree, post) for tree in trees] for post in short[:20]], 20, repeat=1)
    bar(
        "posts/s/core, 1,000 rules, 5,000 terms",
        "≥ 10,000",
        f"{rates[1000]:,.0f}",
        f"naive ×{rates[1000] / naive:,.0f}",
    )
    for name, posts, ratio in (
        ("120 characters", short, rates[100] / rates[5000]),
        ("600 characters", long, _rate(matchers[100], long) / _rate(matchers[5000], long)),
    ):
        held = sum(sum(term in post.post.text for term in terms) for post in posts[:50]) / 50
        bar(
            f"cost of 5,000 rules over 100, posts of {name}",
            "≤ 2×",
            f"{ratio:.2f}×",
            f"a post holds {held:.0f} of 25,000 terms",
        )


def _rate(matcher: Any, posts: Sequence[Any]) -> float:
    return rate(lambda: [matcher.match(post) for post in posts], len(posts))


def rows(random: Random, rules: Sequence[Any], count: int, keys: int = 12) -> Iterator[Any]:
    """A day of matches, a tenth of them up to an hour late."""
    from rules.live import Row
    from rules.windows.events import ticks

    start, step = ticks(NOON), 86_400_000_000 // count
    for number in range(count):
        recorded = start + number * step
        late = random.randint(0, 3_600_000_000) if random.random() < 0.1 else random.randint(0, 60_000_000)
        rule = rules[random.randrange(len(rules))]
        key = f"镇{random.randrange(keys)}"
        yield Row(number + 1, rule.id, rule.version, key, recorded - late, recorded, f"202611-{number:08d}", None)


def windows(scale: int) -> None:
    """A million matches of a day through 1,000 rules."""
    from rules.live import RuleWindows
    from rules.windows.events import ticks

    random = Random(8)
    rules = some_rules(random, 1000, words(random, 5000), query_key="region")
    log = list(rows(random, rules, 1_000_000 // scale))
    live = {rule.id: RuleWindows(rule, ticks(NOON)) for rule in rules}
    start = time.process_time()
    for row in log:
        live[row.rule].add(row)
    took = time.process_time() - start
    bar(f"matches/s/core, 1,000 rules, {len(log):,} held", "≥ 20,000", f"{len(log) / took:,.0f}")


def rebuild(scale: int) -> None:
    """Rows in the database, a new runner."""
    from django.db import connection, transaction

    from rules import journal
    from rules.live import Row
    from rules.matcher import Hit
    from rules.models import Counter, MatchRow
    from rules.runner import CLOCK, RUNNER, Runner
    from rules.windows.events import ticks

    random = Random(8)
    rules = some_rules(random, 1000, words(random, 5000), query_key="region")
    count = 1_000_000 // scale
    columns = ", ".join(f'"{name}"' for name in Row._fields)
    marks = ", ".join(["%s"] * len(Row._fields))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO rules_matchrow ({columns}) VALUES ({marks})", list(rows(random, rules, count)))
    end = NOON + timedelta(days=1)
    for name, value in (("matches", count), (RUNNER, count), (CLOCK, ticks(end))):
        Counter.objects.update_or_create(name=name, defaults={"value": value})
    wall, cpu = time.perf_counter(), time.process_time()
    runner = Runner(rules)
    runner.step(end, lambda finding, rule: None)
    ready = time.process_time() - cpu
    with transaction.atomic():
        post = some_posts(random, 1, ["停水"])[0]
        journal.record([(post, [Hit(rule=rule.id, version=rule.version, key="镇1") for rule in rules])], end)
    runner.step(end, lambda finding, rule: None)
    cpu = time.process_time() - cpu
    bar(
        f"rebuild after restart, {count:,} matches",
        "≤ 5 s",
        f"{ready:.2f} s CPU",
        f"{cpu:.1f} s CPU, {time.perf_counter() - wall:.1f} s wall when a post of every rule comes at once",
    )
    MatchRow.objects.all().delete()
    Counter.objects.all().delete()


def post_to_finding(scale: int) -> None:
    """200 posts a second for a while: from arrival to the sink, matching, journal and windows included."""
    from django.db import transaction

    from rules import journal
    from rules.matcher import Matcher
    from rules.runner import Runner

    random = Random(9)
    terms = words(random, 5000)
    rules = some_rules(random, 1000, terms, num_events=1, realert=0)
    posts = some_posts(random, 4000 // scale, terms)
    matcher, runner = Matcher(rules, NOON), Runner(rules)
    runner.step(NOON, lambda finding, rule: None)
    arrived: dict[str, float] = {}
    waits: list[float] = []
    start, done, cpu = time.perf_counter(), 0, time.process_time()

    def sink(finding: Any, rule: Any) -> None:
        waits.append(time.perf_counter() - arrived[finding.evidence[0]])

    while done < len(posts):
        due = min(len(posts), int((time.perf_counter() - start) * 200))
        batch = posts[done:due]
        for number, post in enumerate(batch, done):
            arrived[post.post.id] = start + number / 200
        done = max(done, due)
        now = NOON + timedelta(seconds=time.perf_counter() - start)
        with transaction.atomic():
            journal.record([(post, matcher.match(post)) for post in batch], now + timedelta(seconds=60))
        runner.step(now, sink)
        # As long as the work role rests.
        time.sleep(0.5)
    waits.sort()
    p99 = waits[int(len(waits) * 0.99)]
    bar(
        f"post → finding p99, 200 posts/s, {len(waits):,} findings",
        "≤ 2 s",
        f"{p99:.2f} s",
        f"median {statistics.median(waits):.2f} s, {(time.process_time() - cpu) / len(posts) * 200:.0%} of a core",
    )


#: Runs in ElastAlert2's own environment, which cannot be shared: it needs an older elasticsearch. One pass a minute over
#: all rules, each asking for its last fifteen minutes, as its example configuration has it.
PEER = """
import datetime as dt, json, logging, os, pathlib, sys, tempfile, time
import yaml
import elastalert.util
# The server build used here has no GET /, where the version would stand.
elastalert.util.get_version_from_cluster_info = lambda client: "8.19.9"
from elastalert.elastalert import ElastAlerter
logging.disable(logging.ERROR)
given = json.load(sys.stdin)
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "rules").mkdir()
for rule in given["rules"]:
    (folder / "rules" / (rule["name"] + ".yaml")).write_text(yaml.safe_dump(rule))
(folder / "config.yaml").write_text(yaml.safe_dump({
    "rules_folder": str(folder / "rules"), "es_host": "127.0.0.1", "es_port": given["port"], "run_every": {"minutes": 1},
    "buffer_time": {"minutes": 15}, "writeback_index": "elastalert", "alert_time_limit": {"days": 2},
}))
alerter = ElastAlerter(["--config", str(folder / "config.yaml"), "--verbose"])
found, tell = [], alerter.alert
def alert(matches, rule, *rest, **named):
    found.extend((rule["name"], str(match["published_at"])) for match in matches)
    return tell(matches, rule, *rest, **named)
alerter.alert = alert
passes = [dt.datetime.fromisoformat(at) for at in given["passes"]]
for rule in alerter.rules:
    alerter.run_rule(rule, passes[0])
print("ready", flush=True)
start = time.process_time()
for at in passes[1:]:
    for rule in alerter.rules:
        alerter.run_rule(rule, at)
print(json.dumps([time.process_time() - start, found]))
"""
#: Posts a second, for so many minutes.
PEER_PACE, PEER_MINUTES = 20, 30
#: ElastAlert2 asks for nothing that lies in the future.
PEER_START = datetime(2026, 1, 5, 4, tzinfo=UTC)


def peer(scale: int) -> None:
    """The same posts through ElastAlert2 with its Elasticsearch, and through ours with its database."""
    from deploy.elasticsearch import server

    name = "CPU against ElastAlert2, 200 frequency rules"
    python = os.environ.get("CAIFENG_BENCH_ELASTALERT")
    if not python:
        bar(name, "≤ 1/20", "no peer", "CAIFENG_BENCH_ELASTALERT names no Python that has elastalert2")
        return
    # The client complains while the server starts.
    logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)
    try:
        cluster = server.start()
    except RuntimeError as error:
        bar(name, "≤ 1/20", "no peer", str(error))
        return
    random = Random(10)
    minutes = max(PEER_MINUTES // scale, 3)
    terms = words(random, 1000)
    rules = some_rules(random, 200, terms, num_events=3, realert=0)
    posts = some_posts(random, minutes * 60 * PEER_PACE, terms)
    posts = [
        replace(post, post=replace(post.post, published_at=PEER_START + timedelta(seconds=number / PEER_PACE)))
        for number, post in enumerate(posts)
    ]
    try:
        their_cpu, their_engine, theirs = _through_elastalert(python, cluster, rules, posts, minutes)
    finally:
        cluster.stop()
    our_cpu, ours = _through_ours(rules, posts)
    bar(
        name,
        "≤ 1/20",
        f"1/{(their_cpu + their_engine) / our_cpu:.1f}",
        f"ours {our_cpu:.1f} s, its own {their_cpu:.1f} s and its engine's {their_engine:.1f} s; "
        f"{len(ours)} findings and {len(theirs)}, {len(theirs - ours)} missed",
    )


Found = set[tuple[str, datetime]]


def _through_elastalert(
    python: str, cluster: Any, rules: Sequence[Any], posts: Sequence[Any], minutes: int
) -> tuple[float, float, Found]:
    """CPU seconds of ElastAlert2, those of the Elasticsearch it asks, and (rule, instant) of its matches."""
    from elasticsearch.helpers import bulk

    from storage.elastic.documents import document
    from storage.elastic.translation import to_query
    from storage.query import parse

    grams = {"type": "text", "analyzer": "whitespace", "norms": False}
    properties = {"whole": grams, "title": grams, "facet": {"type": "keyword"}, "published_at": {"type": "date"}}
    client = cluster.client(request_timeout=60)
    client.indices.create(index="peer", mappings={"properties": properties, "_source": {"includes": ["published_at"]}})
    bulk(client, (_as_document(post, document(post), properties) for post in posts), refresh=True, chunk_size=500)
    given = {
        "port": cluster.port,
        "passes": [(PEER_START + timedelta(minutes=minute)).isoformat() for minute in range(minutes + 1)],
        "rules": [
            {
                "name": rule.id, "type": "frequency", "index": "peer", "timestamp_field": "published_at", "num_events": 3,
                "timeframe": {"hours": 1}, "realert": {"minutes": 0}, "alert": ["debug"],
                "filter": [to_query(parse(rule.query, NOON))],
            }
            for rule in rules
        ],
    }  # fmt: skip
    child = subprocess.Popen(
        [python, "-W", "ignore", "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    json.dump(given, child.stdin)
    child.stdin.close()
    assert child.stdout.readline() == "ready\n"
    engine = _cpu_of(cluster)
    cpu, found = json.loads(child.stdout.readlines()[-1])
    engine = _cpu_of(cluster) - engine
    child.wait()
    return cpu, engine, {(rule, datetime.fromisoformat(at)) for rule, at in found}


def _as_document(post: Any, document: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: document[name] for name in properties if name != "published_at"}
    return {"_index": "peer", "_id": post.post.id, **kept, "published_at": post.post.published_at.isoformat()}


def _cpu_of(cluster: Any) -> float:
    """CPU seconds of a server's processes so far."""
    import psutil

    launcher = psutil.Process(cluster.process.pid)
    times = [process.cpu_times() for process in (launcher, *launcher.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _through_ours(rules: Sequence[Any], posts: Sequence[Any]) -> tuple[float, Found]:
    """CPU seconds from post to finding, five seconds of posts a step, and (rule, instant) of the findings."""
    from django.db import transaction

    from rules import journal
    from rules.matcher import Matcher
    from rules.runner import Runner

    matcher, runner, found = Matcher(rules, PEER_START), Runner(rules), set()
    runner.step(PEER_START, lambda finding, rule: None)
    start, together = time.process_time(), 5 * PEER_PACE
    for number in range(0, len(posts), together):
        batch = posts[number : number + together]
        now = batch[-1].post.published_at
        with transaction.atomic():
            journal.record([(post, matcher.match(post)) for post in batch], now)
        runner.step(now, lambda finding, rule: found.add((rule.id, finding.at)))
    return time.process_time() - start, found


def main() -> None:
    """Print every bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="a tenth of everything")
    parser.add_argument("parts", nargs="*", help="matching, windows, rebuild, post_to_finding, peer; all of them")
    given = parser.parse_args()
    scale = 10 if given.small else 1
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-") as home:
        os.environ["CAIFENG_HOME"] = home
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caifeng.settings")
        from caifeng import bootstrap

        bootstrap.ready()
        for part in (matching, windows, rebuild, post_to_finding, peer):
            if not given.parts or part.__name__ in given.parts:
                part(scale)


if __name__ == "__main__":
    main()

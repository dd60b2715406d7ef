"""The way of a post, from inbox to alert, in one file: read `Worker.step` first.

inbox ─► drafts ─► posts (clean, mask) ─► tags ─► story, incident ─► hits ─► store ─► match rows ─► findings ─► alerts
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from alerts import desk
from caifeng import bootstrap, roles
from caifeng.facts import RowFacts
from caifeng.profile import Installation
from core.errors import Rejected
from core.model import Draft, Finding, Post, TaggedPost
from core.ports import InboxRow, PostStore
from crawlers import reading
from crawlers.sources import Source
from pipeline.posts import make_post
from rules import journal, turn
from rules.facts import Facts
from rules.matcher import Matcher
from rules.runner import Runner
from rules.schema import Rule
from storage import inbox, incidents
from storage.inbox import MAX_ATTEMPTS, DjangoInbox

if TYPE_CHECKING:
    from pipeline.merge import Merger
    from pipeline.tag import Tagger

log = logging.getLogger(__name__)

#: Large enough for the batch models, small enough that a crash repeats little.
BATCH = 256
#: How often a worker looks for rows of others that died, and lets stories go that take no more posts.
ORPHANS_EVERY, FORGET_EVERY = timedelta(seconds=1), timedelta(hours=1)

Key = tuple[str, str]


@dataclass(frozen=True)
class Understanding:
    """What was built from one version of the profile: models, matcher, windows."""

    installation: Installation
    sources: Mapping[str, Source]
    matcher: Matcher
    runner: Runner

    @classmethod
    def of(cls, installation: Installation, facts: Facts, now: datetime) -> Understanding:
        """Build everything a worker needs."""
        sources = {source.id: source for source in installation.sources}
        enabled = [rule for rule in installation.rules if rule.enabled]
        matcher = Matcher(enabled, now)
        return cls(
            installation=installation,
            sources=sources,
            matcher=matcher,
            runner=Runner(enabled, facts=facts, faults=matcher.faults),
        )

    @cached_property
    def tagger(self) -> Tagger:
        """The models. They come with the first post: a house at rest does without their 100 MB."""
        from pipeline.tag import Tagger

        tiers = {source.id: source.media_tier for source in self.installation.sources if source.media_tier}
        return Tagger(self.installation.profile, tiers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A post on its way, with what it came from."""

    row: InboxRow
    key: Key
    post: Post


@dataclass(slots=True)
class Worker:
    """The pipeline role: any number of them may run."""

    owner: str
    store: PostStore
    #: The newest checked profile; asked once a step.
    installation: Callable[[], Installation]
    facts: Facts
    secret: bytes
    #: Where rejected items are written down, one JSON object a line.
    rejected: Path
    name: str = "work"
    rest: float = 2.0
    door: DjangoInbox = field(default_factory=DjangoInbox)
    counts: dict[str, int] = field(default_factory=lambda: {"posts": 0, "rejected": 0, "findings": 0})
    _understanding: Understanding | None = None
    _merger: Merger | None = None
    _position: int = 0
    _orphans_at: datetime | None = None
    _forgot_at: datetime | None = None

    def step(self, now: datetime) -> int:
        """Take one batch the whole way, then let the rules look at what is new and at the clock."""
        understanding = self._current(now)
        self._take_over(now)
        if self._merger is None and inbox.waiting()[0]:
            # Seconds of loading, which no row shall be held for: others may take them meanwhile.
            _ = understanding.tagger, self._merger_now(now)
        rows = self.door.claim(BATCH, self.owner, now)
        self._take(rows, understanding, now)
        if turn.take(self.owner, now, roles.is_gone):
            self.counts["findings"] += understanding.runner.step(now, self._opener(understanding.installation, now))
        else:
            understanding.runner.pause()
        return len(rows)

    def detail(self) -> Mapping[str, Any]:
        """Counters, and how far behind the inbox is."""
        waiting, oldest = inbox.waiting()
        return {**self.counts, "waiting": waiting, "oldest": oldest.isoformat() if oldest else None}

    def _take_over(self, now: datetime) -> None:
        """What workers of this machine held that are gone comes back at once, not when its lease ends."""
        if self._orphans_at is None:
            # Whoever bore our name, always the same in a container, was before us.
            inbox.release_orphans(lambda owner: owner == self.owner)
        if self._orphans_at is None or now - self._orphans_at >= ORPHANS_EVERY:
            self._orphans_at = now
            inbox.release_orphans(roles.is_gone)

    def _current(self, now: datetime) -> Understanding:
        installation = self.installation()
        if self._understanding is None or self._understanding.installation is not installation:
            self._understanding = Understanding.of(installation, self.facts, now)
        return self._understanding

    def _take(self, rows: Sequence[InboxRow], understanding: Understanding, now: datetime) -> None:
        """A batch that fails is taken again row by row, so that one poisonous row stops nobody else."""
        if not rows:
            return
        try:
            self._batch(rows, understanding, now)
        except Exception as error:
            self._merger = None  # it may know of places that were rolled back
            if len(rows) > 1:
                for row in rows:
                    self._take([row], understanding, now)
                return
            # The row's lease runs out by itself, and it is tried again then; in the end a person looks.
            log.exception("row failed", extra={"row": rows[0].id, "source": rows[0].item.source})
            if rows[0].attempts >= MAX_ATTEMPTS:
                self._reject(rows[0], f"处理失败 {rows[0].attempts} 次：{type(error).__name__}: {error}", now)

    def _batch(self, rows: Sequence[InboxRow], understanding: Understanding, now: datetime) -> None:
        """Steps 2 to 8 of docs/architecture.md; every one may be repeated after a crash.

        1. Raw items become posts; what cannot be read is put aside with its reason.
        2. Posts are tagged: a pure function, so a post seen before gets the same tags.
        3. New posts join a story and an incident, for good.
        4. The store gets them before any rule speaks of them; writing again changes nothing but counts.
        5. Matches are recorded in the transaction that says the rows are done.
        """
        arrivals = self._arrivals(rows, understanding, now)
        posts = [arrival.post for arrival in arrivals]
        tags = understanding.tagger.tag(posts) if posts else []
        fresh = [TaggedPost(post=post, tags=tag) for post, tag in zip(posts, tags, strict=True)]
        tagged = self._placed(arrivals, fresh, understanding, now)
        self.store.upsert(tagged)
        hits = [(post, understanding.matcher.match(post)) for post in tagged]
        with transaction.atomic():
            journal.record(hits, now)
            self.door.finish([row.id for row in rows], now)
        self.counts["posts"] += len(tagged)

    def _placed(
        self, arrivals: Sequence[Arrival], tagged: Sequence[TaggedPost], understanding: Understanding, now: datetime
    ) -> list[TaggedPost]:
        """Story and incident of each post; those placed before keep theirs. One worker at a time."""
        merger = self._merger_now(now)
        self._learn(merger)  # most of it here, so that the lock is held only for what came since
        marks = merger.marks(tagged)
        with transaction.atomic():
            incidents.lock()
            self._learn(merger)
            stories = inbox.stories([arrival.key for arrival in arrivals])
            matters = incidents.of_stories(set(stories.values()))
            known = [
                replace(post, story=story, incident=matters.get(story)) if (story := stories.get(arrival.key)) else post
                for arrival, post in zip(arrivals, tagged, strict=True)
            ]
            placed = merger.place(known, marks)
            changes = merger.changes()
            self._position = incidents.save(changes.stories, changes.incidents)
            inbox.placed(
                {
                    arrival.key: post.story or post.post.id
                    for arrival, post in zip(arrivals, placed, strict=True)
                    if arrival.key not in stories
                }
            )
        return placed

    def _merger_now(self, now: datetime) -> Merger:
        """The merger; built from rows at start and after a failure."""
        from pipeline.merge import INCIDENT_RUNS, LONE_RUNS, MESSAGE_RUNS, Merger

        if self._merger is None:
            rows = incidents.running(now - INCIDENT_RUNS, now - LONE_RUNS, now - MESSAGE_RUNS)
            self._merger = Merger(rows.stories, rows.incidents)
            self._position = rows.position
        if self._forgot_at is None or now - self._forgot_at >= FORGET_EVERY:
            self._forgot_at = now
            self._merger.forget(now)
        return self._merger

    def _learn(self, merger: Merger) -> None:
        """Take in what other workers saved."""
        rows = incidents.changed_after(self._position)
        merger.learn(rows.stories, rows.incidents)
        self._position = rows.position

    def _arrivals(self, rows: Sequence[InboxRow], understanding: Understanding, now: datetime) -> list[Arrival]:
        drafted = [(row, draft) for row in rows for draft in self._drafts(row, understanding, now)]
        keys = [_key(row, draft) for row, draft in drafted]
        at = {key: row.item.fetched_at for key, (row, _) in zip(keys, drafted, strict=True)}
        sights = inbox.sights(keys, at)
        arrivals: dict[Key, Arrival] = {}
        for key, (row, draft) in zip(keys, drafted, strict=True):
            try:
                post = make_post(
                    draft,
                    source=row.item.source,
                    kind=understanding.sources[row.item.source].post_kind,
                    first_seen_at=sights[key],
                    secret=self.secret,
                )
            except Rejected as error:
                self._note_rejected(row, f"{draft.url or draft.external_id or ''} {error}".strip(), now)
                continue
            arrivals[key] = Arrival(row=row, key=key, post=post)
        return list(arrivals.values())

    def _drafts(self, row: InboxRow, understanding: Understanding, now: datetime) -> list[Draft]:
        source = understanding.sources.get(row.item.source)
        try:
            if source is None:
                raise Rejected(f"没有信源 {row.item.source}")
            return reading.drafts(row.item, source, now)
        except Rejected as error:
            self._reject(row, str(error), now)
            return []

    def _opener(self, installation: Installation, now: datetime) -> Callable[[Finding, Rule], None]:
        """What a new finding does, inside the transaction that records it."""
        telling = cache(partial(desk.telling_at, installation.profile, now))

        def open_alert(finding: Finding, rule: Rule) -> None:
            desk.open_or_join(
                finding,
                rule_title=rule.title,
                severity=rule.severity,
                owner_hint=rule.owner,
                posts=self.store.get(finding.evidence),
                profile=installation.profile,
                now=now,
                telling=telling,
            )

        return open_alert

    def _reject(self, row: InboxRow, reason: str, now: datetime) -> None:
        self.door.reject(row, reason, now)
        self._note_rejected(row, reason, now)

    def _note_rejected(self, row: InboxRow, reason: str, now: datetime) -> None:
        self.counts["rejected"] += 1
        log.warning("item rejected", extra={"source": row.item.source, "row": row.id, "reason": reason})
        line = {"at": now.isoformat(), "source": row.item.source, "url": row.item.url, "place": row.item.trace}
        self.rejected.parent.mkdir(parents=True, exist_ok=True)
        with self.rejected.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "reason": reason}, ensure_ascii=False) + "\n")


def _key(row: InboxRow, draft: Draft) -> Key:
    """What names the post for good: the source, and the draft's own id, address, or the row's place."""
    return row.item.source, (draft.external_id or draft.url or row.item.external_id or row.item.trace)[:512]


def worker(owner: str) -> Worker:
    """The pipeline role of this home."""
    return Worker(
        owner=owner,
        store=bootstrap.post_store(),
        installation=bootstrap.installation,
        facts=RowFacts(bootstrap.post_store(), bootstrap.sources),
        secret=settings.SECRET_KEY.encode(),
        rejected=settings.HOME / "rejected" / "inbox.jsonl",
    )

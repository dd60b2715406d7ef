"""Reach of a response: the share of an incident's later posts that carry it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.statistics import Rate
from core.model import TaggedPost
from storage.normal import matching_form

#: So many characters in a row taken over from a response are no accident.
RUN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A response as it was published."""

    text: str
    url: str
    at: datetime


def reach(responses: Sequence[Published], posts: Iterable[TaggedPost]) -> Rate:
    """Of the posts published after the first response, those that link to one or take over a run of its words."""
    first = min((response.at for response in responses), default=None)
    if first is None:
        return Rate(part=0, whole=0)
    runs = frozenset(run for response in responses for run in _runs(response.text))
    urls = [response.url for response in responses if response.url]
    later = [tagged for tagged in posts if tagged.post.published_at > first]
    return Rate(part=sum(_carries(tagged, runs, urls) for tagged in later), whole=len(later))


def _carries(tagged: TaggedPost, runs: frozenset[str], urls: Sequence[str]) -> bool:
    words = f"{tagged.post.title}\n{tagged.post.text}"
    return any(url in words or url == tagged.post.url for url in urls) or not runs.isdisjoint(_runs(words))


def _runs(text: str) -> set[str]:
    """Every run of `RUN` characters, white space and punctuation left out; a shorter text is one run."""
    plain = "".join(letter for letter in matching_form(text) if letter.isalnum())
    return {plain[start : start + RUN] for start in range(max(1, len(plain) - RUN + 1))} - {""}

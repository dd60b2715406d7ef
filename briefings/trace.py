"""From a number back to its query and the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.deadlines import STAGE_NAMES
from alerts.lifecycle import STATE_LABELS, State
from alerts.models import Alert, Deadline
from briefings import selections, wording
from briefings.document import Document
from briefings.figures import Figure, Kind, computed
from core.clock import SHANGHAI
from core.errors import ConfigError
from core.model import TaggedPost
from core.ports import PostStore
from storage import query


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row behind a number. `id` is a post's id, an alert's number, or another figure's key."""

    kind: Kind
    id: str
    title: str
    at: datetime | None = None
    #: State, overdue stage, source: what the row says on the point.
    note: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A number with everything behind it."""

    figure: Figure
    #: `84 ÷ 91`, or the query and its period.
    how: str
    meaning: str
    #: Counted again now; differs from the figure when rows came, changed or went since.
    now_value: float | None
    rows: tuple[Row, ...]

    @property
    def agrees(self) -> bool:
        """Whether counting again gives the same."""
        return self.now_value == self.figure.value


def trace(document: Document, key: str, *, store: PostStore, now: datetime, limit: int = 20) -> Trace:
    """Count a number again and show its rows. Raises ConfigError for a key the briefing does not have."""
    figure = find(document, key)
    return Trace(
        figure=figure,
        how=wording.how(document, figure),
        meaning=wording.meaning(figure),
        now_value=recount(document.figures, figure, store=store, now=now),
        rows=_rows(document, figure, store, now, limit),
    )


def find(document: Document, key: str) -> Figure:
    """The figure of a key. Raises ConfigError."""
    figure = document.figures.get(key)
    if figure is None:
        raise ConfigError(f"本期没有编号为 {key} 的数字")
    return figure


def recount(figures: Mapping[str, Figure], figure: Figure, *, store: PostStore, now: datetime) -> float | None:
    """The value as the rows stand now."""
    ground = figure.ground
    if ground.kind is Kind.POSTS:
        return store.count(query.parse(ground.query, now))
    if ground.kind is Kind.DERIVED and ground.operation is not None:
        operands = (recount(figures, figures[key], store=store, now=now) for key in ground.operands)
        return computed(ground.operation, tuple(operands))
    start, end = _period(figure)
    return selections.count(ground.query, start, end)


def _period(figure: Figure) -> tuple[datetime, datetime]:
    start, end = figure.ground.start, figure.ground.end
    if start is None or end is None:
        raise ConfigError(f"数字 {figure.key} 没有期间")
    return start, end


def _rows(document: Document, figure: Figure, store: PostStore, now: datetime, limit: int) -> tuple[Row, ...]:
    ground = figure.ground
    if ground.kind is Kind.DERIVED:
        return tuple(_of_figure(document.figures[key]) for key in ground.operands)
    if ground.kind is Kind.POSTS:
        found = store.search(query.parse(ground.query, now), limit=limit).posts
        return tuple(_of_post(tagged) for tagged in found)
    start, end = _period(figure)
    selection = selections.read(ground.query)
    if ground.kind is Kind.DEADLINES:
        return tuple(_of_deadline(row) for row in selections.deadlines(selection, start, end)[:limit])
    return tuple(_of_alert(row) for row in selections.alerts(selection, start, end)[:limit])


def _of_figure(figure: Figure) -> Row:
    return Row(kind=Kind.DERIVED, id=figure.key, title=figure.label, note=figure.text)


def _of_post(tagged: TaggedPost) -> Row:
    post = tagged.post
    title = post.title or post.text[:40]
    return Row(kind=Kind.POSTS, id=post.id, title=title, at=post.published_at, note=post.source)


def _of_alert(row: Alert) -> Row:
    return Row(
        kind=Kind.ALERTS, id=row.number, title=row.title, at=row.detected_at, note=STATE_LABELS[State(row.state)]
    )


def _of_deadline(row: Deadline) -> Row:
    name = STAGE_NAMES.get(row.stage, row.stage)
    due = f"{name}，限 {row.due_at.astimezone(SHANGHAI):%m-%d %H:%M}"
    return Row(
        kind=Kind.DEADLINES,
        id=row.alert.number,
        title=f"{row.alert.title}（{due}）",
        at=row.met_at,
        note="超时" if row.missed_at else "按时",
        is_bad=row.missed_at is not None,
    )

"""The way of a briefing: draft → review → reviewed → signed → published. Pure; `briefings.office` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DRAFT, REVIEW, REVIEWED, SIGNED, PUBLISHED = "draft", "review", "reviewed", "signed", "published"
DUTY = frozenset({"duty_officer", "duty_lead"})
SIGNERS = frozenset({"duty_lead", "leader"})
READERS = frozenset({"duty_officer", "duty_lead", "leader", "administrator", "auditor"})
ROLE_NAMES = {"duty_officer": "值班员", "duty_lead": "值班长", "leader": "领导"}


class Action(StrEnum):
    """What a person can do with a briefing."""

    RECOMPOSE = "recompose"
    EDIT = "edit"
    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"
    SIGN = "sign"
    PUBLISH = "publish"
    CORRECT = "correct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may do it, from where, and where it leads; no `to` leaves the state alone."""

    label: str
    roles: frozenset[str]
    sources: tuple[str, ...]
    to: str = ""
    needs_note: bool = False


RULES: Mapping[Action, Rule] = {
    Action.RECOMPOSE: Rule(label="重新取数", roles=DUTY, sources=(DRAFT,)),
    Action.EDIT: Rule(label="修改", roles=DUTY, sources=(DRAFT, REVIEW)),
    Action.SUBMIT: Rule(label="送审", roles=DUTY, sources=(DRAFT,), to=REVIEW),
    Action.APPROVE: Rule(label="审核通过", roles=frozenset({"duty_lead"}), sources=(REVIEW,), to=REVIEWED),
    Action.RETURN: Rule(label="退回修改", roles=SIGNERS, sources=(REVIEW, REVIEWED, SIGNED), to=DRAFT, needs_note=True),
    Action.SIGN: Rule(label="签发", roles=SIGNERS, sources=(REVIEWED,), to=SIGNED),
    Action.PUBLISH: Rule(label="发布", roles=DUTY, sources=(SIGNED,), to=PUBLISHED),
    Action.CORRECT: Rule(label="更正", roles=frozenset({"duty_lead"}), sources=(PUBLISHED,), needs_note=True),
}
#: State → (what is done then, in words): the steps above the page.
STEPS = ((DRAFT, "起草"), (REVIEW, "审核"), (REVIEWED, "签发"), (SIGNED, "发布"))


def refusal(action: Action, state: str, roles: frozenset[str], note: str | None = None) -> str:
    """Say in Chinese why this may not be done; empty when it may. `note` None leaves the words out of it."""
    rule = RULES[action]
    if not roles & rule.roles:
        return f"由{'、'.join(ROLE_NAMES[role] for role in ROLE_NAMES if role in rule.roles)}办理"
    if state not in rule.sources:
        return "已发布，只能更正" if state == PUBLISHED else f"现在不能{rule.label}"
    if rule.needs_note and note is not None and not note.strip():
        return f"{rule.label}须写明内容"
    return ""

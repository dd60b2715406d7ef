"""The officers' words for roles and for kinds of messages."""

from __future__ import annotations

from collections.abc import Mapping

ROLE_NAMES: Mapping[str, str] = {
    "contact": "联络员",
    "head": "负责人",
    "deputy_leader": "分管领导",
    "office_head": "政府办主要负责人",
    "leader": "政府主要负责人",
    "duty_officer": "值班员",
    "duty_lead": "值班长",
}
#: Roles over the units, named without the unit they happen to be listed under.
LEADING_ROLES = ("leader", "deputy_leader", "office_head")
#: Kinds of notifications, and of the sweeper's events.
KIND_NAMES: Mapping[str, str] = {
    "new_alert": "新告警",
    "graver": "建议级别升高",
    "assessed": "定级上报",
    "dispatch": "指派",
    "co_dispatch": "指派（协办、指导）",
    "copy": "抄送上级",
    "returned": "退回",
    "progress": "办理进展",
    "flash_report": "快报",
    "follow_up_report": "续报",
    "instruction": "批示转办",
    "reminder": "催办",
    "supervision_order": "督办单",
    "overdue": "超时",
    "circular": "通报",
    "lapse": "时限届满",
    "briefing": "简报",
    "health": "系统健康",
}

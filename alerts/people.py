"""The directory: who can be told, for which unit, in which role. Pure, but for reading the contacts added by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alerts.models import Contact, DutyOverride
from alerts.roster import Substitution
from alerts.wording import LEADING_ROLES, ROLE_NAMES
from core.profile import DutyMember, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who can be told."""

    name: str
    #: Department id; empty for people of the roster.
    unit: str
    role: str
    #: Channel → address, preferred first.
    addresses: Mapping[str, str] = field(default_factory=dict)
    login: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everybody, in the order of the profile; those added by hand first."""

    people: tuple[Person, ...]

    def of(self, unit: str, role: str) -> tuple[Person, ...]:
        """People of a unit in a role."""
        return tuple(person for person in self.people if (person.unit, person.role) == (unit, role))

    def in_role(self, role: str) -> tuple[Person, ...]:
        """People in a role, whatever their unit."""
        return tuple(person for person in self.people if person.role == role)


def directory(profile: Profile, added: Iterable[Person] = ()) -> Directory:
    """The profile's contacts and those added by hand; the same name in the same post counts once, by hand first."""
    listed = (
        Person(name=contact.name, unit=unit.id, role=contact.role, addresses=contact.addresses)
        for unit in profile.departments
        for contact in unit.contacts
    )
    unique = {(person.unit, person.role, person.name): person for person in (*listed, *added)}
    by_hand = {(person.unit, person.role, person.name) for person in added}
    ordered = sorted(unique.items(), key=lambda item: item[0] not in by_hand)
    return Directory(people=tuple(person for _, person in ordered))


def post_of(unit_id: str, role: str, profile: Profile) -> str:
    """`县人社局联络员`, `分管领导`."""
    unit = profile.department(unit_id) if role not in LEADING_ROLES else None
    return f"{unit.short if unit else ''}{ROLE_NAMES.get(role, '')}"


def from_member(member: DutyMember) -> Person:
    """A member of the roster as a person to tell."""
    return Person(name=member.name, unit="", role=member.role, addresses=member.addresses, login=member.login)


def load(profile: Profile) -> Directory:
    """The directory with the contacts of the database."""
    rows = Contact.objects.order_by("id").values_list("name", "unit", "role", "addresses", "user__username")
    added = [
        Person(name=name, unit=unit, role=role, addresses=addresses, login=login or "")
        for name, unit, role, addresses, login in rows
        if addresses
    ]
    return directory(profile, added)


def load_substitutions() -> list[Substitution]:
    """All substitutions on record, in the order they were entered."""
    rows = DutyOverride.objects.order_by("id").values_list("start", "end", "login", "replaces", "reason")
    return [
        Substitution(start=start, end=end, login=login, replaces=replaces, reason=reason)
        for start, end, login, replaces, reason in rows
    ]


def name_of(actor: str, profile: Profile) -> str:
    """An actor in words: a unit's short name, a person's name, else the login itself."""
    if actor.startswith("unit:"):
        unit = profile.department(actor.removeprefix("unit:"))
        return unit.short if unit else actor
    on_roster = next((member.name for member in profile.roster.members if member.login == actor), "")
    return on_roster or Contact.objects.filter(user__username=actor).values_list("name", flat=True).first() or actor

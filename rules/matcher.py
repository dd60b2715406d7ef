"""Every rule's expression on a post at once.

1. One automaton finds all terms of all rules in the post's text; its facets are looked up in one table.
2. Each rule named a set of atoms of which one must be true; only rules with such an atom are candidates.
3. The candidates' boolean trees are decided on the set of true atoms.

The answer is the one of `storage.query.matches` (property-tested), whatever the number of rules.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import ahocorasick_rs

from core.errors import QuerySyntax
from core.model import TaggedPost
from core.query import And, Everything, Field, Node, Not, Or, Range, Text
from rules.reading import FIELDS as FIELDS_READ
from rules.reading import fields_of, is_listed, key_of
from rules.schema import UNMATCHED, PercentageMatchOptions, Rule
from storage.normal import matching_form
from storage.query import parse
from storage.query.evaluation import within
from storage.query.fields import FIELDS, ORDERED, body, facet_form, title

#: The same places, topics and sources come with every post.
_facet_form = functools.lru_cache(maxsize=65536)(facet_form)

Atom = int
Test = Callable[[Set[Atom], TaggedPost], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A rule's expression is true of a post."""

    rule: str
    version: str
    #: Empty when the rule has no key or the post has no value for it.
    key: str
    #: What the rule's type reads of the post besides its time; None when it only counts.
    fields: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Atoms:
    """Terms and facets of all rules, numbered."""

    numbers: dict[tuple[str, str], Atom] = field(default_factory=dict)

    def number(self, kind: str, value: str) -> Atom:
        return self.numbers.setdefault((kind, value), len(self.numbers))

    def of(self, kind: str) -> dict[str, Atom]:
        return {value: number for (sort, value), number in self.numbers.items() if sort == kind}


class _Terms:
    """The terms that stand in a text, by one pass over its bytes."""

    def __init__(self, atoms: Mapping[str, Atom]) -> None:
        self.numbers = list(atoms.values())
        self.automaton = ahocorasick_rs.BytesAhoCorasick([term.encode() for term in atoms]) if atoms else None

    def in_text(self, form: str) -> set[Atom]:
        if self.automaton is None:
            return set()
        found = self.automaton.find_matches_as_indexes(form.encode(), overlapping=True)
        return {self.numbers[index] for index, _, _ in found}


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    rule: Rule
    test: Test
    #: Numerator of a percentage_match rule; None for the other types.
    numerator: Test | None

    def hit(self, true: Set[Atom], post: TaggedPost) -> Hit:
        """What the journal keeps of the match."""
        rule = self.rule
        fields = fields_of(rule, post) if self.numerator is None else {"match": self.numerator(true, post)}
        return Hit(rule=rule.id, version=rule.version, key=key_of(rule, post), fields=fields)


class Matcher:
    """All enabled rules, compiled. `faults` names the rules whose query cannot be read."""

    def __init__(self, rules: Iterable[Rule], now: datetime) -> None:
        self.faults: dict[str, str] = {}
        self._always: list[_Candidate] = []
        self._by_atom: dict[Atom, list[_Candidate]] = {}
        atoms = _Atoms()
        for rule in rules:
            if rule.enabled and rule.type not in UNMATCHED:
                self._compile(rule, atoms, now)
        self._body = _Terms(atoms.of("text"))
        self._title = _Terms(atoms.of("title"))
        facets = {name: atoms.of(name) for name in FIELDS}
        self._facets = {name: numbers for name, numbers in facets.items() if numbers}

    def _compile(self, rule: Rule, atoms: _Atoms, now: datetime) -> None:
        try:
            tree = parse(rule.query, now)
            numerator = _numerator(rule, atoms, now)
        except QuerySyntax as error:
            self.faults[rule.id] = str(error)
            return
        candidate = _Candidate(rule, _test(tree, atoms), numerator)
        needed = _needed(tree, atoms)
        if needed is None:
            self._always.append(candidate)
        for atom in needed or ():
            self._by_atom.setdefault(atom, []).append(candidate)

    def match(self, post: TaggedPost) -> list[Hit]:
        """Rules whose expression is true of the post, in the order of their ids."""
        true = self._true_atoms(post)
        candidates = {*self._always}
        for atom in true:
            candidates.update(self._by_atom.get(atom, ()))
        found = [candidate for candidate in candidates if candidate.test(true, post)]
        return [candidate.hit(true, post) for candidate in sorted(found, key=lambda candidate: candidate.rule.id)]

    def _true_atoms(self, post: TaggedPost) -> set[Atom]:
        true = self._body.in_text(body(post))
        if self._title.automaton is not None:
            true |= self._title.in_text(title(post))
        for name, numbers in self._facets.items():
            for value in FIELDS[name](post):
                number = numbers.get(_facet_form(value))
                if number is not None:
                    true.add(number)
        return true


def _numerator(rule: Rule, atoms: _Atoms, now: datetime) -> Test | None:
    """The posts of a percentage_match rule that count; a mapping means field equals value, or one of a list."""
    if not isinstance(rule.options, PercentageMatchOptions):
        return None
    match = rule.options.match
    if isinstance(match, str):
        return _test(parse(match, now), atoms)
    return lambda true, post: all(is_listed(FIELDS_READ[name](post), value) for name, value in match.items())


def _atom(node: Text | Field, atoms: _Atoms) -> Atom:
    match node:
        case Text(value):
            return atoms.number("text", matching_form(value))
        case Field("title", value):
            return atoms.number("title", matching_form(value))
        case Field(name, value):
            return atoms.number(name, facet_form(value))


def _test(node: Node, atoms: _Atoms) -> Test:
    """Decide a tree on the set of true atoms; leaves of one operation are decided together."""
    match node:
        case Everything():
            return lambda true, post: True
        case Text() | Field():
            atom = _atom(node, atoms)
            return lambda true, post: atom in true
        case Range():
            read = ORDERED[node.name]
            return lambda true, post: within(node, read(post))
        case Not(child):
            test = _test(child, atoms)
            return lambda true, post: not test(true, post)
        case And(children):
            return _all(children, atoms)
        case Or(children):
            leaves = _leaves(node, atoms)
            tests = [_test(child, atoms) for child in children if not isinstance(child, Text | Field)]
            if not tests:
                return lambda true, post: not leaves.isdisjoint(true)
            return lambda true, post: not leaves.isdisjoint(true) or any(test(true, post) for test in tests)


def _all(children: Sequence[Node], atoms: _Atoms) -> Test:
    """A conjunction. Most rules are sets of terms of which one is needed, and terms that must not stand there."""
    needs: list[frozenset[Atom]] = []
    forbidden: frozenset[Atom] = frozenset()
    tests: list[Test] = []
    for child in children:
        if _is_flat(child):
            needs.append(_leaves(child, atoms))
        elif isinstance(child, Not) and _is_flat(child.child):
            forbidden |= _leaves(child.child, atoms)
        else:
            tests.append(_test(child, atoms))
    # The set of terms that made the rule a candidate is already met: look at it last.
    needs.sort(key=len)

    def decide(true: Set[Atom], post: TaggedPost) -> bool:
        for need in needs:
            if need.isdisjoint(true):
                return False
        return forbidden.isdisjoint(true) and (not tests or all(test(true, post) for test in tests))

    return decide


def _is_flat(node: Node) -> bool:
    """A leaf, or a choice of leaves."""
    leaf = Text | Field
    return isinstance(node, leaf) or (isinstance(node, Or) and all(isinstance(child, leaf) for child in node.children))


def _leaves(node: Node, atoms: _Atoms) -> frozenset[Atom]:
    children = node.children if isinstance(node, Or) else (node,)
    return frozenset(_atom(child, atoms) for child in children if isinstance(child, Text | Field))


def _needed(node: Node, atoms: _Atoms) -> frozenset[Atom] | None:
    """Atoms of which at least one is true whenever the tree is; None when nothing is needed."""
    match node:
        case Text() | Field():
            return frozenset({_atom(node, atoms)})
        case And(children):
            sets = [(child, needed) for child in children if (needed := _needed(child, atoms)) is not None]
            return min(sets, key=lambda pair: _commonness(*pair))[1] if sets else None
        case Or(children):
            parts = [_needed(child, atoms) for child in children]
            return None if None in parts else frozenset[Atom]().union(*(part for part in parts if part is not None))
        case _:
            return None


def _commonness(node: Node, needed: frozenset[Atom]) -> tuple[int, int]:
    """Facets such as a sentiment or a county are true of most posts, terms of few."""
    return (_facet_count(node), len(needed))


def _facet_count(node: Node) -> int:
    match node:
        case Field(name, _):
            return 0 if name == "title" else 1
        case And(children):
            return min(_facet_count(child) for child in children)
        case Or(children):
            return max(_facet_count(child) for child in children)
        case _:
            return 0

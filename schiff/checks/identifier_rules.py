"""Names outside of clusters are unique: ``identifier-twice``.

Two clusters with one bucket prefix delete each other's backups, with one VNI
they hear each other's traffic. All environments are seen together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schiff.checks.fleet_subjects import Subject, subjects
from schiff.compiler.identifiers import identifiers
from schiff.compiler.parts import Parts
from schiff.errors import InvalidInput, InvalidValue, Problem
from schiff.model.resolved import ResolvedEnvironment
from schiff.values.identifiers import Identifier

RULE = "identifier-twice"

_SAID_MORE_EXACTLY = frozenset({
    ("kubernetes", "namespace"), ("metal3", "host"), ("network", "api address"),
    ("network", "service addresses"), ("vrrp", "router id"),
})  # fmt: skip
"""What rules about names, addresses and machines refuse already, each at the value that is wrong."""


def identifier_problems(parts: Parts, *resolved: ResolvedEnvironment) -> Iterator[Problem]:
    """Give every name that a second cluster has too."""
    owners: dict[Identifier, Subject] = {}
    for subject in subjects(resolved):
        for found in _of(subject, parts):
            other = owners.setdefault(found, subject)
            exactly = (found.system, found.kind) in _SAID_MORE_EXACTLY
            if other is not subject and not found.shared and not exactly:
                within = f" in {found.scope}" if found.scope else ""
                message = f"{found.system} {found.kind} {found.value}{within} is {other.label}'s already"
                yield subject.problem((), message, "give one of the two another name or value", RULE)


def _of(subject: Subject, parts: Parts) -> Sequence[Identifier]:
    try:
        return identifiers(subject.cluster, parts)
    except (InvalidInput, InvalidValue):  # what is wrong with its parts is said where they are checked
        return ()

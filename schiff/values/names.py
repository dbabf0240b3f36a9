"""Names of the fleet's things: legal Kubernetes names within the budgets of their use.

Budgets (domain reference 3.1): a cluster's name is copied into labels and machine
names, so it keeps to 32 characters; a pool's to 12, leaving room for the suffix
and hash that Cluster API appends before a machine name becomes a host name (63).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import AfterValidator

from schiff.errors import InvalidValue
from schiff.values.parsed import Parsed

Environment = Literal["tst", "ref", "prd"]
ENVIRONMENTS: Final[tuple[Environment, ...]] = ("tst", "ref", "prd")
"""The three stages, in the order in which changes travel."""

CLUSTER_NAME_BUDGET = 32
POOL_NAME_BUDGET = 12
LABEL_BUDGET = 63

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+")


def _within(budget: int) -> AfterValidator:
    def check(text: str) -> str:
        if not _LABEL.fullmatch(text):
            raise InvalidValue(f"{text!r} is not a name (expected lower-case letters, digits and '-', e.g. customer-a)")
        if len(text) > budget:
            raise InvalidValue(f"{text!r} has {len(text)} characters, at most {budget} fit")
        return text

    return AfterValidator(check)


def _label_value(text: str) -> str:
    if text and not _LABEL_PART.fullmatch(text):
        raise InvalidValue(f"{text!r} is not a label's value (expected at most 63 letters, digits, '-', '_', '.')")
    return text


def _label_key(text: str) -> str:
    prefix, slash, name = text.rpartition("/")
    if not _LABEL_PART.fullmatch(name) or (slash and not _DOMAIN.fullmatch(prefix)):
        raise InvalidValue(f"{text!r} is not a label's key (expected e.g. gpu or schiff.example/gpu)")
    return text


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text):
        raise InvalidValue(f"{text!r} is not a domain (expected e.g. schiff.example)")
    return text


Name = Annotated[str, _within(LABEL_BUDGET)]
ClusterName = Annotated[str, _within(CLUSTER_NAME_BUDGET)]
PoolName = Annotated[str, _within(POOL_NAME_BUDGET)]
Domain = Annotated[str, AfterValidator(_domain)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]


class _SiteAndName(NamedTuple):
    site: str
    name: str


class ClusterKey(_SiteAndName, Parsed):
    """A tenant cluster in the fleet, ``<site>/<cluster>``: its name alone is unique per site only.

    A tuple, because maps of a fleet and of every state of a ledger are keyed by
    it, and a tuple's hash and order are not computed in Python.
    """

    __slots__ = ()

    @classmethod
    @lru_cache(maxsize=65536)
    def parse(cls, text: str) -> Self:
        """Read ``<site>/<cluster>``; raises `InvalidValue`."""
        site, slash, name = text.partition("/")
        if not slash or not _LABEL.fullmatch(site) or not _LABEL.fullmatch(name):
            raise InvalidValue(
                f"{text!r} is not a cluster (expected <site>/<cluster>, e.g. vsphere-site-1/customer-a-1)"
            )
        return cls(site, name)

    def __str__(self) -> str:
        return f"{self.site}/{self.name}"

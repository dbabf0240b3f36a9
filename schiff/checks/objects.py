"""What no API server enforces, and what it says too late: every rule over compiled objects.

``docs/reference/rules.md`` lists the rules with an example each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schiff.checks import cluster_api_rules, flux_rules, folder_rules, infrastructure_rules, network_rules
from schiff.checks.documents import KubernetesObject
from schiff.checks.rules import Objects, Rule
from schiff.checks.schemas import SchemaSet
from schiff.errors import Problem

RULES: tuple[Rule, ...] = (
    *cluster_api_rules.RULES,
    *infrastructure_rules.RULES,
    *network_rules.RULES,
    *flux_rules.RULES,
    *folder_rules.RULES,
)


def object_problems(
    objects: Iterable[KubernetesObject], schemas: SchemaSet, files: Iterable[str] = (), *, whole: bool = False
) -> Iterator[Problem]:
    """Yield every breach of every rule.

    `whole` says that the objects are all of a delivered tree with these `files`,
    so that what is missing can be told from what was not given.
    """
    together = Objects(objects, schemas, files)
    for rule in RULES:
        if whole or not rule.whole:
            yield from rule.problems(together)

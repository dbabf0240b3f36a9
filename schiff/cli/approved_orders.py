"""What `schiff approve orders` is about: the orders over budget that `up` would deliver, computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schiff.cli.chains import chains_up_to, seen_by_deliveries
from schiff.cli.compiled import Reading
from schiff.cli.project import Project
from schiff.cli.terminal import warn
from schiff.compiler.environment import Repository
from schiff.delivery.delivered import Line
from schiff.delivery.delivered_files import delivered_lines
from schiff.delivery.stack import StackName, StackSettings
from schiff.errors import Refused
from schiff.resources.budget import Orders
from schiff.resources.desired import desired
from schiff.resources.wanted import REPOSITORIES
from schiff.rollout.refusals import Refusal
from schiff.sources.chains import up_to
from schiff.values.names import Environment


def orders_to_approve(environment: Environment, reading: Reading) -> Sequence[str]:
    """Return the digest of each stack's orders over budget, after listing them; raises `Refused` when none is."""
    project = Project.here()
    found: list[Orders] = []

    def take(orders: Orders) -> Sequence[Refusal]:
        found.append(orders)
        return ()

    chains = chains_up_to(environment, seen_by_deliveries(up_to(environment)))
    for stack in project.stacks(environment):
        delivered = _delivered(project, stack, project.settings(stack))
        ledger = chains.ledgers[environment]
        desired(reading.fleet, stack, ledger, delivered, versions=reading.versions, consent=take)
    if not found:
        raise Refused(
            f"the orders of {environment} are within budget: schiff up -e {environment}", "nothing-to-approve"
        )
    for orders in found:
        warn(f"{len(orders.machines)} clusters with {sum(orders.machines.values())} machines:")
        for change in orders.changes:
            warn(f"  {change.path} {change.old[:12]} -> {change.new[:12]}")
    return [orders.digest for orders in found]


def _delivered(project: Project, stack: StackName, settings: StackSettings) -> dict[Repository, tuple[Line, ...]]:
    urls: Mapping[Repository, str] = {"components": settings.components, "definitions": settings.definitions}
    return {
        repository: delivered_lines(
            project.workspace.url(urls[repository]), settings.branch, str(stack), project.workspace.cache
        )
        for repository in REPOSITORIES
    }

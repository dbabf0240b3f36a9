"""One tenant cluster in the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from schiff.delivery.delivered import Line


@dataclass(frozen=True, slots=True)
class DeliveredCluster:
    """A tenant cluster as both repositories hold it: one line of each manifest, and who it belongs to."""

    environment: str
    management_cluster: str
    site: str
    customer: str
    lines: Mapping[str, Line]
    direct: bool = False

    @property
    def name(self) -> str:
        """The cluster's key in the fleet, ``<site>/<cluster>``."""
        return self.lines["definitions"].name

    def as_inputs(self) -> dict[str, str]:
        """Return the inputs of the resource: names, versions and tree ids, never content."""
        definitions, components = self.lines["definitions"], self.lines["components"]
        return {
            "environment": self.environment,
            "managementCluster": self.management_cluster,
            "site": self.site,
            "customer": self.customer,
            "release": definitions.release,
            "kubernetes": definitions.kubernetes,
            "removal": definitions.removal,
            "definitionsPath": definitions.path,
            "definitionsTree": definitions.tree,
            "componentsPath": components.path,
            "componentsTree": components.tree,
            **({"delivery": "direct"} if self.direct else {}),
        }


class TenantCluster(pulumi.CustomResource):
    """One tenant cluster as it is delivered to both repositories.

    The state says which release it runs and the tree of each of its folders;
    the `Commit` that depends on it does the writing.
    """

    def __init__(self, delivered: DeliveredCluster, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("schiff:index:TenantCluster", delivered.name, delivered.as_inputs(), opts)

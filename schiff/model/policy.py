"""`policy.yaml`: what a change must show before it travels on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from schiff.model.spec import Spec
from schiff.values.names import Environment


class CandidatesPolicy(Spec):
    """Which `tst` clusters run candidates instead of head."""

    selector: Mapping[str, str] = {"candidate": "true"}


class OrdersPolicy(Spec):
    """How much one delivery of orders may touch without an approval."""

    max_clusters: Annotated[int, Field(ge=1)]
    max_machines: Annotated[int, Field(ge=1)]


class EnvironmentPolicy(Spec):
    """The rules of one stage."""

    candidates: CandidatesPolicy = CandidatesPolicy()
    orders: OrdersPolicy | None = None


class PolicySpec(Spec):
    """The whole policy; a stage that is not named has no budget for orders."""

    environments: Mapping[Environment, EnvironmentPolicy] = {}

    def is_candidate(self, labels: Mapping[str, str]) -> bool:
        """Return whether a `tst` cluster with these labels runs candidates."""
        selector = self.environments.get("tst", EnvironmentPolicy()).candidates.selector
        return all(labels.get(key) == value for key, value in selector.items())

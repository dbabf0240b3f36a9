"""`fleet.yaml`: what holds for the whole fleet."""

from __future__ import annotations

from typing import Literal

from schiff.model.spec import Items, Spec
from schiff.values.names import Domain

LayerName = Literal["defaults", "environment", "provider", "zone", "class", "site", "customer", "cluster"]
LAYER_ORDER: tuple[LayerName, ...] = (
    "defaults", "environment", "provider", "zone", "class", "site", "customer", "cluster",
)  # fmt: skip


class FleetSettings(Spec):
    """The order of the layers, the two domains names are made from, and what a customer may set.

    `customer_may_set` lists paths such as ``components.metallb`` or ``hold``;
    homogeneity is a rule of the platform, so everything else is refused there.
    """

    layers: Items[LayerName] = LAYER_ORDER
    base_domain: Domain
    label_domain: Domain
    customer_may_set: Items[str] = ()

"""`fleet.yaml` by itself: an order of layers that can work, and an allow-list of fields that exist."""

from __future__ import annotations

from collections.abc import Iterator

from schiff.errors import Problem
from schiff.layers.schema import CLUSTER_SHAPE
from schiff.layers.shapes import Shape
from schiff.layers.validation import close_to
from schiff.model.fleet import Document, SharedLayers
from schiff.model.settings import LAYER_ORDER

_ORDERS = ("customer", "cluster")


def settings_problems(layers: SharedLayers, document: Document) -> Iterator[Problem]:
    """Give what is wrong with the order of the layers and with what a customer may set."""
    order = layers.settings.layers
    if sorted(order) != sorted(LAYER_ORDER) or order[-2:] != _ORDERS:
        yield Problem(
            document.place(("layers",)), "layers", "is not an order of all layers with customer and cluster last",
            f"e.g. [{', '.join(LAYER_ORDER)}]", rule="layer-order",
        )  # fmt: skip
    for number, allowed in enumerate(layers.settings.customer_may_set):
        here: Shape | None = CLUSTER_SHAPE
        for key in allowed.split("."):
            known = list(here.fields) if here else []
            here = here.below(key) if here else None
            if here is None and known:
                yield Problem(
                    document.place(("customerMaySet", number)), f"customerMaySet[{number}]",
                    f"no field is called {allowed!r}", close_to(key, known), rule="unknown-field",
                )  # fmt: skip

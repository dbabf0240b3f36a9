"""A stack of one's own that applies its clusters to their management cluster; what tenants pull stays in Git."""

from __future__ import annotations

from pathlib import Path

import pulumi

from schiff import load_fleet
from schiff.resources import Delivery, Environment

config = pulumi.Config()
fleet = load_fleet(Path(config.require("fleet")))
delivery = Delivery(
    "lab",
    definitions=config.require("definitions"),  # holds the record of what was applied
    components=config.require("components"),
    kubeconfig=config.require("kubeconfig"),  # with the contexts that facts.apiContext names
)
clusters = ["vsphere-site-1/customer-a-1"]
Environment("lab", fleet=fleet, release=config.require("release"), clusters=clusters, delivery=delivery)
delivery.commit()

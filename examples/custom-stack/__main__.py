"""A stack of one's own: chosen clusters on one release, in repositories of their own, outside the ledger."""

from __future__ import annotations

from pathlib import Path

import pulumi

from schiff import load_fleet
from schiff.resources import Delivery, Environment

config = pulumi.Config()
fleet = load_fleet(Path(config.require("fleet")))
delivery = Delivery("lab", definitions=config.require("definitions"), components=config.require("components"))
clusters = ["vsphere-site-1/customer-a-1"]
Environment("lab", fleet=fleet, release=config.require("release"), clusters=clusters, delivery=delivery)
delivery.commit()

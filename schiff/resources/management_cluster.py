"""Who looks after sites, as a level of the resource tree."""

from __future__ import annotations

import pulumi


class ManagementCluster(pulumi.ComponentResource):
    """One management cluster; its folders and its sites are below it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("schiff:index:ManagementCluster", name, {}, opts)
        self.register_outputs({})

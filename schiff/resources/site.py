"""Where machines stand, as a level of the resource tree."""

from __future__ import annotations

import pulumi


class Site(pulumi.ComponentResource):
    """One site; its tenant clusters and its own objects are below it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("schiff:index:Site", name, {}, opts)
        self.register_outputs({})

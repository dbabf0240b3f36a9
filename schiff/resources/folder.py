"""One folder in the state that is no cluster's own: self-definitions, a site's objects, a list of tenants."""

from __future__ import annotations

import pulumi

from schiff.delivery.delivered import Line


class Folder(pulumi.CustomResource):
    """A folder as it is delivered, named by its path; a record, like `TenantCluster`."""

    def __init__(self, repository: str, line: Line, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {
            "repository": repository,
            "path": line.path,
            "tree": line.tree,
            "release": line.release,
            "kubernetes": line.kubernetes,
        }
        super().__init__("schiff:index:Folder", line.path, inputs, opts)

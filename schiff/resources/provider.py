"""The one explicit provider of a stack."""

from __future__ import annotations

from importlib.metadata import version

import pulumi


class Provider(pulumi.ProviderResource):
    """Where a stack delivers to: its settings lie in the state, its credentials are Git's own.

    A changed URL is an update of this resource, and never replaces what it made.
    """

    def __init__(self, stack: str, *, definitions: str, components: str, branch: str, proposal: bool) -> None:
        inputs = {
            "stack": stack,
            "definitions": definitions,
            "components": components,
            "branch": branch,
            "proposal": "true" if proposal else "false",
        }
        super().__init__("schiff", "delivery", inputs, pulumi.ResourceOptions(version=version("schiff")))

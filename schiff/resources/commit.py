"""The resource that writes."""

from __future__ import annotations

import pulumi

from schiff.delivery.plan import Plan


class Commit(pulumi.CustomResource):
    """What a stack owns in one repository, delivered as at most two Git commits in one push.

    `content` changes exactly when something has to reach the repository; `plan`
    names the file in the cache that says what, and changes with every fleet
    commit. Whatever differs at the head of the branch is delivered too.
    """

    commit: pulumi.Output[str]
    """The head of the branch after the last delivery."""
    serial: pulumi.Output[int]
    """The number of the last delivery."""
    proposed: pulumi.Output[bool]
    """Whether the last delivery only proposed; proposed is not delivered."""

    def __init__(self, plan: Plan, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {
            "stack": plan.stack,
            "repository": plan.repository,
            "content": plan.content,
            "plan": plan.digest,
            "commit": None,
            "serial": None,
            "proposed": None,
        }
        super().__init__("schiff:index:Commit", plan.repository, inputs, opts)

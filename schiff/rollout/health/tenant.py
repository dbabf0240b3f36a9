"""The layer `tenant`: what the cluster itself says, read with the account that may only read.

Its API server answers, the ConfigMap of the release is the delivered one, and
every Node is Ready with the expected kubelet, where there are any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from schiff.rollout.health.conditions import condition, found, from_the_future, says
from schiff.rollout.health.expected import RELEASE_MAP, Expected
from schiff.rollout.health.flux import unknown
from schiff.rollout.health.observed import Seen
from schiff.rollout.health.reading import at, key_of, named, text
from schiff.rollout.health.verdicts import Finding, Verdict


def judge_tenant(expected: Expected, seen: Seen, moment: datetime, *, moving: bool) -> Iterator[Finding]:
    """Yield what keeps the tenant from being what was delivered."""
    if seen.trouble is not None:
        yield unknown(seen.trouble)
        return
    yield from _release(expected, seen)
    for key, live in sorted(seen.objects.items()):
        if key[:2] == ("", "Node"):
            described = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": key[3]}}  # lists leave it out
            yield from _node(
                expected, {**described, **live} if isinstance(live, Mapping) else described, moment, moving=moving
            )


def _release(expected: Expected, seen: Seen) -> Iterator[Finding]:
    delivered = [item for item in expected.tenant if text(item, "kind") == "ConfigMap"]
    if not delivered:
        message = f"no ConfigMap {RELEASE_MAP} was delivered"
        yield Finding(Verdict.Unknown, "NothingDelivered", message, expected.cluster)
    for item in delivered:
        live = seen.objects.get(key_of(item))
        if live is None:
            yield Finding(Verdict.Progressing, "NotFound", "it was delivered and is not there", named(key_of(item)))
        elif at(live, "metadata", "deletionTimestamp") is not None:
            yield found(Verdict.Unhealthy, "Deleting", "the object is being deleted, though it was delivered", item)
        elif at(live, "data") != at(item, "data"):
            shown = text(live, "data", "digest") or "no release"
            yield found(Verdict.Progressing, "ReleaseNotReached", f"the tenant shows {shown}, not what is due", item)


def _node(expected: Expected, live: Any, moment: datetime, *, moving: bool) -> Iterator[Finding]:
    yield from from_the_future(live, moment)
    if at(live, "metadata", "deletionTimestamp") is not None:
        yield found(Verdict.Progressing, "Deleting", "the node is leaving", live)
        return
    ready = condition(live, "Ready")
    if ready is None:
        yield found(Verdict.Unknown, "NotReported", "condition Ready is not reported", live)
    elif ready.status != "True":
        verdict = Verdict.Progressing if moving else Verdict.Unhealthy
        yield found(verdict, "NodeNotReady", says(f"Ready is {ready.status or 'empty'}", ready), live)
    running = text(live, "status", "nodeInfo", "kubeletVersion")
    if running != expected.kubernetes:
        message = f"the kubelet is {running or 'not told'}, {expected.kubernetes} is expected"
        yield found(Verdict.Progressing, "VersionNotReached", message, live)

"""Flux HelmReleases: the delivered chart and values are what is deployed, at the first try.

After a failed upgrade the newest entry of the history is ``deployed`` of the
*old* chart, so the entry is held against what was attempted last and against
what was delivered. A release that Helm rolled back is a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from schiff.rollout.health.conditions import condition, found, says
from schiff.rollout.health.expected import Expected
from schiff.rollout.health.flux_object import at_work, must_be_true
from schiff.rollout.health.observed import Seen
from schiff.rollout.health.reading import at, is_true, key_of, number, text
from schiff.rollout.health.references import SOURCE_GROUP
from schiff.rollout.health.verdicts import Finding, Verdict

_EXACT: Final = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?([+_][0-9A-Za-z.-]+)?")
_PENDING: Final = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")


def judge_helm_release(expected: Expected, delivered: Mapping[str, Any], live: Any, seen: Seen) -> Iterator[Finding]:
    """Yield what a HelmRelease lacks; its freshness has been judged before."""
    yield from _remediated(live)
    yield from at_work(live)
    yield from must_be_true(live, "Ready")
    yield from must_be_true(live, "Released")
    if is_true(live, "spec", "test", "enable") or is_true(delivered, "spec", "test", "enable"):
        yield from must_be_true(live, "TestSuccess")
    drifted = condition(live, "Drifted")
    if drifted is not None and drifted.status != "False":
        yield found(Verdict.Unhealthy, "Drifted", says("what runs differs from the chart", drifted), live)
    yield from _deployed(live)
    yield from _chart(expected, delivered, live, seen)
    failures = at(live, "status", "upgradeFailures")
    if failures not in (None, 0) or isinstance(failures, bool):
        yield found(Verdict.Unhealthy, "UpgradeFailures", f"{failures} upgrades have failed", live)


def _remediated(live: Any) -> Iterator[Finding]:
    one = condition(live, "Remediated")
    if one is not None and one.status != "False":
        yield found(Verdict.Unhealthy, "RolledBack", says("Helm went back to an older release", one), live)


def _deployed(live: Any) -> Iterator[Finding]:
    status = text(live, "status", "history", 0, "status")
    if status != "deployed":
        verdict = Verdict.Progressing if not status or status in _PENDING else Verdict.Unhealthy
        yield found(verdict, "NotDeployed", f"the newest release is {status or 'not told'}", live)


def _chart(expected: Expected, delivered: Mapping[str, Any], live: Any, seen: Seen) -> Iterator[Finding]:
    """Yield that the deployed release is not the attempted or not the delivered one."""
    attempted = {name: text(live, "status", f"lastAttempted{name}") for name in ("Revision", "ConfigDigest")}
    deployed = {
        "Revision": text(live, "status", "history", 0, "chartVersion"),
        "ConfigDigest": text(live, "status", "history", 0, "configDigest"),
    }
    if not all(deployed.values()) or attempted != deployed:
        message = f"{attempted['Revision'] or 'nothing'} was attempted, {deployed['Revision'] or 'nothing'} is deployed"
        yield found(Verdict.Progressing, "ChartNotReached", message, live)
    if number(live, "status", "lastAttemptedGeneration") != number(live, "metadata", "generation"):
        yield found(Verdict.Progressing, "NotObserved", "the present generation has not been attempted", live)
    source = _source(expected, delivered)
    version = text(delivered, "spec", "chart", "spec", "version") or text(source, "spec", "ref", "tag")
    if _EXACT.fullmatch(version) and _plain(deployed["Revision"]) != _plain(version):
        message = f"chart {deployed['Revision'] or 'none'} is deployed, {version} is expected"
        yield found(Verdict.Progressing, "ChartNotReached", message, live)
    yield from _digest(source, live, seen)


def _digest(source: Mapping[str, Any] | None, live: Any, seen: Seen) -> Iterator[Finding]:
    """Yield that the deployed chart has another digest than was delivered, or than its source holds."""
    if source is None:
        return
    pinned, deployed = text(source, "spec", "ref", "digest"), text(live, "status", "history", 0, "ociDigest")
    held = text(seen.objects.get(key_of(source)), "status", "artifact", "revision").rpartition("@")[2]
    if deployed != (pinned or held):
        message = f"chart digest {deployed or 'none'} is deployed, {pinned or held or 'none'} is expected"
        yield found(Verdict.Progressing, "ChartNotReached", message, live)


def _source(expected: Expected, delivered: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the delivered OCIRepository that a release takes its chart from."""
    reference = at(delivered, "spec", "chartRef")
    namespace = text(reference, "namespace") or text(delivered, "metadata", "namespace")
    key = (SOURCE_GROUP, "OCIRepository", namespace, text(reference, "name"))
    objects = (*expected.management, *expected.tenant)
    wanted = text(reference, "kind") == "OCIRepository"
    return next((item for item in objects if wanted and key_of(item) == key), None)


def _plain(version: str) -> str:
    """Return a version without what Helm and Flux put behind it: the digest or the build."""
    return re.split(r"[+_]", version)[0].removeprefix("v")

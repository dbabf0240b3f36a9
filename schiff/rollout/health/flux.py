"""The layer `flux`: every Flux object that carries the cluster's configuration, on both sides.

On the management cluster the sources, the Kustomization of the cluster's folder
and the bootstrap ones; in the tenant what it pulls and applies by itself. A
side that cannot be read is Unknown; the other side is still judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.rollout.health.commits import with_sources
from schiff.rollout.health.expected import Expected
from schiff.rollout.health.flux_object import is_static, not_judgeable
from schiff.rollout.health.flux_sources import judge_source
from schiff.rollout.health.helm_releases import judge_helm_release
from schiff.rollout.health.kustomizations import judge_kustomization
from schiff.rollout.health.observed import Observation, Seen
from schiff.rollout.health.reading import key_of, text
from schiff.rollout.health.verdicts import Finding, Verdict

_GROUP: Final = ".toolkit.fluxcd.io"


def judge_flux(expected: Expected, observed: Observation, *, initialized: bool) -> Iterator[Finding]:
    """Yield what keeps the delivered configuration from being applied; `initialized`: the tenant has been there."""
    yield from judge_side(
        expected, observed, observed.management, expected.management, expected.definitions, initialized=initialized
    )
    yield from judge_side(
        expected, observed, observed.tenant, expected.tenant, expected.components, initialized=initialized
    )


def judge_side(
    expected: Expected,
    observed: Observation,
    seen: Seen,
    objects: Sequence[Mapping[str, Any]],
    folder: str,
    *,
    initialized: bool,
) -> Iterator[Finding]:
    """Yield what one side lacks; `folder` is what one of its Kustomizations must apply, or nothing was judged."""
    if seen.trouble is not None:
        yield unknown(seen.trouble)
        return
    flux = [item for item in objects if key_of(item)[0].endswith(_GROUP)]
    if not any(_path(item) == folder for item in flux):
        message = f"no delivered Kustomization applies {folder}"
        yield Finding(Verdict.Unknown, "NothingDelivered", message, expected.cluster)
    for delivered in with_sources(flux):
        live = seen.objects.get(key_of(delivered))
        yield from _object(expected, observed, seen, delivered, live, initialized=initialized)


def unknown(trouble: Finding) -> Finding:
    """Return trouble on one side as what it is: nothing on that side is known."""
    return Finding(Verdict.Unknown, trouble.reason, trouble.message, trouble.object)


def _object(
    expected: Expected,
    observed: Observation,
    seen: Seen,
    delivered: Mapping[str, Any],
    live: Any,
    *,
    initialized: bool,
) -> Iterator[Finding]:
    early = list(not_judgeable(delivered, live, observed.at))
    if early or is_static(delivered, live):
        yield from early
        return
    match text(delivered, "kind"):
        case "Kustomization":
            yield from judge_kustomization(expected, observed, delivered, live, initialized=initialized)
        case "HelmRelease":
            yield from judge_helm_release(expected, delivered, live, seen)
        case _:
            yield from judge_source(expected, observed, delivered, live)


def _path(delivered: Mapping[str, Any]) -> str:
    return text(delivered, "spec", "path").removeprefix("./").rstrip("/")

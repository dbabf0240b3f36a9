"""What stands on API servers, held against what direct delivery would send.

The rules, in the order of the code; each names every object it is about:

1. The server serves every kind: a part is not sent.
2. *Owned by Flux*: an object that Flux applies is Flux's. Two owners would undo each other for ever.
3. An object that is there, and that the Kubernetes provider never applied, is only taken with `adopt`.
4. *Foreign*: a field that is sent, and that somebody else has set to another value since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schiff.delivery.api_server import ApiServer
from schiff.delivery.comparison import listed
from schiff.delivery.direct_objects import DirectObject, ObjectKey
from schiff.delivery.managed_fields import contested, is_ours, owned_part
from schiff.errors import Conflict, Refused, SchiffError
from schiff.manifests.yaml import to_yaml

FLUX_LABEL = "kustomize.toolkit.fluxcd.io/name"
"""On every object that a Flux Kustomization applied: the Kustomization's name."""

Live = Mapping[ObjectKey, Mapping[str, Any]]


def live_objects(server: ApiServer, name: str, objects: Iterable[DirectObject]) -> Live:
    """Return what is live of the kinds that are sent; raises `Refused` where the server lacks one."""
    kinds = {(item.api_version, item.key.kind) for item in objects}
    if unknown := server.unknown(kinds):
        lacking = listed(f"{kind} ({api_version})" for api_version, kind in unknown)
        message = f"the API server of {name} does not know {lacking}; install what brings these kinds first"
        raise Refused(message, "unknown-kind")
    return server.objects(kinds)


@dataclass(frozen=True, slots=True)
class Found:
    """An object that would be sent, and what stands in its place on a management cluster."""

    management_cluster: str
    item: DirectObject
    live: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.item.key} on {self.management_cluster}"

    @property
    def flux_owner(self) -> str:
        """The Flux Kustomization that applied it, if one did."""
        labels: Mapping[str, str] = self.live["metadata"].get("labels") or {}
        return labels.get(FLUX_LABEL, "")


def found_objects(management_cluster: str, objects: Iterable[DirectObject], live: Live) -> list[Found]:
    """Return the objects that are there already."""
    return [Found(management_cluster, item, live[item.key]) for item in objects if item.key in live]


def direct_refusals(there: Sequence[Found], *, adopt: bool) -> Iterator[SchiffError]:
    """Yield what keeps objects from being sent, on all servers at once."""
    if flux := [f"{found} ({found.flux_owner})" for found in there if found.flux_owner]:
        cure = "remove its Flux Kustomizations with deletionPolicy Orphan, or deliver by Git"
        yield Refused(f"Flux owns what would be sent: {', '.join(flux)}; {cure}", "owned-by-flux")
    others = [str(found) for found in there if not is_ours(found.live) and not found.flux_owner]
    if others and not adopt:
        message = f"somebody else made what is there already: {', '.join(others)}; take it over with --adopt"
        yield Refused(message, "not-owned")


def foreign_fields(there: Iterable[Found]) -> list[str]:
    """Name the fields that somebody else changed on objects that were sent before."""
    return [
        f"{found.item.key} {field}"
        for found in there
        if is_ours(found.live)
        for field in contested(found.item.data, found.live)
    ]


def foreign_conflict(stack: str, fields: Iterable[str]) -> Conflict:
    """Say what somebody else changed on the servers, and the two ways on."""
    return Conflict(
        f"somebody else changed what {stack} sent: {listed(fields)};"
        " bring the change into the fleet, or overwrite it with --take-back"
    )


def sent_before(there: Iterable[Found]) -> dict[str, bytes]:
    """Return, as files, the objects that would change, as they were last sent.

    A server that keeps templates in another version than the one they are sent
    in may drop what that version lacks. That is no change: a template's name
    says what it was made of.
    """
    files: dict[str, list[dict[str, Any]]] = {}
    for found in there:
        if is_ours(found.live) and (sent := _last_sent(found)) != found.item.data:
            files.setdefault(found.item.path, []).append(sent)
    return {path: to_yaml(parts).encode() for path, parts in files.items()}


def _last_sent(found: Found) -> dict[str, Any]:
    sent = owned_part(found.live)
    return _filled(sent, found.item.data) if found.item.key.kind.endswith("Template") else sent


def _filled(sent: Any, wanted: Any) -> Any:
    """Return what was sent, with what the server did not keep."""
    if isinstance(sent, Mapping) and isinstance(wanted, Mapping):
        return {**wanted, **{key: _filled(value, wanted.get(key)) for key, value in sent.items()}}
    if isinstance(sent, list) and isinstance(wanted, list) and len(sent) == len(wanted):
        return [_filled(one, other) for one, other in zip(sent, wanted, strict=True)]
    return sent

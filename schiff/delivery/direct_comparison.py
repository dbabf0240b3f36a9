"""What stands on API servers, held against what direct delivery would send.

The rules, in the order of the code; each names every object it is about:

1. The server serves every kind: a part is not sent.
2. *Owned by Flux*: an object that Flux applies is Flux's. Two owners would undo each other for ever.
3. An object that is there, and that the Kubernetes provider never applied, is only taken with `adopt`.
4. *Foreign*: a field that is sent, and that somebody else has set to another value since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


def direct_refusals(name: str, objects: Iterable[DirectObject], live: Live, *, adopt: bool) -> Iterator[SchiffError]:
    """Yield what keeps objects from being sent to a server, whatever the wish."""
    there = [(item, live[item.key]) for item in objects if item.key in live]
    flux = [f"{item.key} ({owner})" for item, found in there if (owner := _flux_owner(found))]
    if flux:
        cure = "remove its Flux Kustomizations with deletionPolicy Orphan, or deliver by Git"
        yield Refused(f"Flux owns on {name} what would be sent: {', '.join(flux)}; {cure}", "owned-by-flux")
    others = [str(item.key) for item, found in there if not is_ours(found) and not _flux_owner(found)]
    if others and not adopt:
        message = f"nobody of schiff's sent what is on {name} already: {', '.join(others)}; take it over with --adopt"
        yield Refused(message, "not-owned")


def foreign_fields(objects: Iterable[DirectObject], live: Live) -> list[str]:
    """Name the fields that somebody else changed on objects that were sent before."""
    there = ((item, live[item.key]) for item in objects if item.key in live and is_ours(live[item.key]))
    return [f"{item.key} {field}" for item, found in there for field in contested(item.data, found)]


def foreign_conflict(stack: str, fields: Iterable[str]) -> Conflict:
    """Say what somebody else changed on the servers, and the two ways on."""
    return Conflict(
        f"somebody else changed what {stack} sent: {listed(fields)};"
        " bring the change into the fleet, or overwrite it with --take-back"
    )


def sent_before(objects: Iterable[DirectObject], live: Live) -> dict[str, bytes]:
    """Return, as files, the objects that would change, as they were last sent.

    A server that keeps templates in another version than the one they are sent
    in may drop what that version lacks. That is no change: a template's name
    says what it was made of.
    """
    files: dict[str, list[dict[str, Any]]] = {}
    for item in objects:
        if item.key in live and is_ours(live[item.key]):
            sent = owned_part(live[item.key])
            if item.key.kind.endswith("Template"):
                sent = _filled(sent, item.data)
            if sent != item.data:
                files.setdefault(item.path, []).append(sent)
    return {path: to_yaml(parts).encode() for path, parts in files.items()}


def _filled(sent: Any, wanted: Any) -> Any:
    """Return what was sent, with what the server did not keep."""
    if isinstance(sent, Mapping) and isinstance(wanted, Mapping):
        return {**wanted, **{key: _filled(value, wanted.get(key)) for key, value in sent.items()}}
    if isinstance(sent, list) and isinstance(wanted, list) and len(sent) == len(wanted):
        return [_filled(one, other) for one, other in zip(sent, wanted, strict=True)]
    return sent


def _flux_owner(live: Mapping[str, Any]) -> str:
    labels: Mapping[str, str] = live["metadata"].get("labels") or {}
    return labels.get(FLUX_LABEL, "")

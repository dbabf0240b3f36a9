"""`schiff show`: one cluster with everything decided, and where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from schiff.cli.compiled import Reading
from schiff.cli.options import EnvironmentOption, FleetOption, JsonOption, LedgerOption
from schiff.cli.terminal import say, say_json, table
from schiff.errors import InvalidInput, InvalidValue, Place, Problem
from schiff.layers.merge import Merged
from schiff.layers.resolve import Resolver
from schiff.model.fleet import Fleet, Path
from schiff.model.release import Assignment
from schiff.model.resolved import ResolvedCluster
from schiff.values.digests import HEAD
from schiff.values.names import ENVIRONMENTS, ClusterKey

HELP = """\
Example: schiff show vsphere-site-1/customer-a-1

Show a cluster with all layers merged: which release it runs, its names, and every value with the layer, the file and
the line that set it.
"""


def show(
    cluster: Annotated[str, typer.Argument(help="<site>/<cluster>", show_default=False)],
    environment: EnvironmentOption = "",
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print one resolved cluster."""
    reading = Reading.of(environment or ENVIRONMENTS[0], fleet, ledger)
    key = _key(reading.fleet, cluster)
    ordered_in = str(reading.fleet.orders[key].document.data.get("environment"))
    assigned, from_ledger = reading.assigned(ordered_in)
    resolver, assignment = Resolver(reading.fleet), assigned.tenants[key]
    answer = {
        **_identity(resolver.cluster(key, assignment), reading.fleet, assignment),
        "ledger": from_ledger,
        "values": _values(resolver.merged(key, assignment)),
    }
    if as_json:
        say_json(answer)
    else:
        say(_sentences(answer))


def _key(fleet: Fleet, text: str) -> ClusterKey:
    known = ", ".join(map(str, sorted(fleet.orders)))
    try:
        key = ClusterKey.parse(text)
    except InvalidValue as error:
        raise InvalidInput([Problem(Place("CLUSTER"), "", str(error), f"known: {known}")]) from None
    if key not in fleet.orders:
        raise InvalidInput([Problem(Place("CLUSTER"), "", f"the fleet has no cluster {text!r}", f"known: {known}")])
    return key


def _identity(cluster: ResolvedCluster, fleet: Fleet, assignment: Assignment) -> dict[str, Any]:
    identity = cluster.identity
    release = HEAD if assignment.release == HEAD else fleet.releases[assignment.release].release.name
    return {
        "cluster": str(identity.key),
        "environment": identity.environment,
        "release": release,
        "kubernetes": str(assignment.kubernetes),
        "removal": assignment.removal,
        "managementCluster": identity.management_cluster,
        "namespace": identity.namespace,
        "fqdn": identity.fqdn,
        "location": identity.location,
        "provider": identity.provider,
        "zone": identity.zone,
        "customer": identity.customer,
    }


def _values(merged: Merged) -> list[dict[str, Any]]:
    return [
        {"path": _text(path), "value": _at(merged.data, path), "layer": origin.layer, "place": str(origin.place)}
        for path, origin in sorted(merged.origins.items(), key=lambda item: _text(item[0]))
    ]


def _text(path: Path) -> str:
    return ".".join(map(str, path))


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = data[key]
    return data


def _sentences(answer: Mapping[str, Any]) -> str:
    names = [(name, str(value)) for name, value in answer.items() if name not in {"values", "ledger"} and value]
    rows = [(value["path"], _shown(value["value"]), value["layer"], value["place"]) for value in answer["values"]]
    said = [] if answer["ledger"] else ["no ledger yet: this is what its beginning would assign"]
    return "\n".join([table(names, indent=""), *said, "", table(rows, indent="")])


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

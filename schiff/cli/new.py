"""`schiff new`: write what people would otherwise copy, checked before it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from schiff.cli.new_ci import CI_HELP, ci
from schiff.cli.options import JsonOption
from schiff.cli.order_files import RULES, NewOrder, write_order, write_rules
from schiff.cli.project import search_path
from schiff.cli.terminal import say, say_json
from schiff.delivery.tenant_key import TenantKey
from schiff.errors import InvalidInput, InvalidValue, Place, Problem
from schiff.manifests.sops import readers_of
from schiff.model.fleet import Fleet, ManagementCluster, Site
from schiff.sources.fleet_files import load_fleet, survey_fleet
from schiff.values.names import ClusterKey

CLUSTER_HELP = (
    "Example: schiff new cluster vsphere-site-1/customer-a-7 --customer customer-a -e tst --zone intranet "
    "--endpoint 10.1.0.14 --network pg-customer-a-1 --addresses 10.1.0.130-10.1.0.150 --pool md-0=large:3\n\n"
    "Write the order of one cluster: a file of less than ten lines that everybody can read, after holding it against "
    "the whole fleet. On metal name the servers: --hosts r3-u03,r4-u02,r4-u03 --router-id 27 "
    "--pool md-0=worker:r4-u07,r4-u08. A file that exists is never overwritten.\n\n"
    "With the order comes the cluster's age key: encrypted beside it for the management cluster, which brings it into "
    "the cluster, its public half in the order. That takes the program sops."
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9./-]*|[0-9]+\.[0-9.]+[0-9./-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

_NEW_HELP = f"{CLUSTER_HELP.splitlines()[0]}\n\nWrite an order, after checking it."

new_app = typer.Typer(help=_NEW_HELP, no_args_is_help=True)
new_app.command("ci", help=CI_HELP, short_help="Write the CI of a fleet repository.")(ci)


class Pool(NamedTuple):
    """A pool as it was asked for: its class, and either a number of machines or the servers it takes."""

    name: str
    machine_class: str
    size: str

    @classmethod
    def parse(cls, text: str) -> Pool:
        """Read ``NAME=CLASS:3`` or ``NAME=CLASS:HOST,HOST``; raises `InvalidInput`."""
        match = re.fullmatch(r"([^=:]+)=([^=:]+):([^=:]+)", text)
        if match is None:
            message = f"{text!r} is no pool"
            raise _wrong("--pool", message, "write e.g. md-0=large:3, or on metal md-0=worker:r1-u07,r2-u07")
        return cls(*match.groups())

    @property
    def line(self) -> str:
        """The pool's line in the order; servers are replaced first, because a list of them has no spare one."""
        size = f"replicas: {int(self.size)}" if self.size.isdecimal() else self._hosts
        return f"  {_word(self.name)}: {{class: {_word(self.machine_class)}, {size}}}"

    @property
    def _hosts(self) -> str:
        return f"hosts: {_list(self.size.split(','))}, maxSurge: 0, maxUnavailable: 1"


@new_app.callback(help=_NEW_HELP)
def new() -> None:
    """Write an order, after checking it."""


@new_app.command("cluster", help=CLUSTER_HELP, short_help="Order one cluster.")
def cluster(
    name: Annotated[str, typer.Argument(metavar="SITE/NAME", help="The site, and the cluster's name there.")],
    *,
    customer: Annotated[str, typer.Option(help="Who orders.")],
    environment: Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")],
    zone: Annotated[str, typer.Option(help="Network zone, e.g. intranet.")],
    endpoint: Annotated[str, typer.Option(help="Free address for the API, outside the nodes' addresses.")],
    addresses: Annotated[str, typer.Option(help="Addresses for machines, e.g. 10.1.0.20-10.1.0.120.")],
    pool: Annotated[list[str], typer.Option(help="NAME=CLASS:REPLICAS, on metal NAME=CLASS:HOST,HOST; repeatable.")],
    network: Annotated[str, typer.Option(help="Network of the site; default: the only one of the zone.")] = "",
    hosts: Annotated[str, typer.Option(help="On metal: servers of the control plane, HOST,HOST,HOST.")] = "",
    router_id: Annotated[int, typer.Option(help="On metal: VRRP router, unique on the segment; 0: none.")] = 0,
    cluster_class: Annotated[str, typer.Option("--class", help="Cluster class, if any.")] = "",
    label: Annotated[list[str], typer.Option(help="KEY=VALUE; repeatable.")] = [],  # noqa: B006  # typer copies it
    fleet: Annotated[Path, typer.Option("--fleet", help="Folder of the fleet.")] = Path("stacks/fleet"),
    as_json: JsonOption = False,
) -> None:
    """Write the order of a cluster."""
    key = _key(name)
    chosen = network or _only_network(load_fleet(fleet), key.site, zone)
    plane = [f"endpoint: {_word(endpoint)}"]
    plane += [f"virtualRouterId: {router_id}"] if router_id else []
    plane += [f"hosts: {_list(hosts.split(','))}"] if hosts else []
    lines = [f"environment: {_word(environment)}", f"zone: {_word(zone)}"]
    lines += [f"class: {_word(cluster_class)}"] if cluster_class else []
    lines += [f"labels: {_labels(label)}"] if label else []
    lines += [
        f"controlPlane: {{{', '.join(plane)}}}",
        f"nodes: {{network: {_word(chosen)}, addresses: {_addresses(addresses)}}}",
        "pools:",
        *(Pool.parse(text).line for text in pool),
    ]
    management = _management_cluster(fleet, key.site, environment)
    readers = readers_of(management)
    own = TenantKey.make(key) if readers else None
    lines += [f"recipients: [{own.recipient}]"] if own else []
    order = NewOrder(f"sites/{key.site}/{customer}/{key.name}", "\n".join(lines) + "\n")
    write_order(fleet, order, lambda: own.document(readers, search_path()) if own else None)
    write_rules(fleet)
    if as_json:
        encrypted = (str(fleet / order.key), own.recipient) if own else (None, None)
        found = {"file": str(fleet / order.file), "lines": len(lines)}
        say_json({**found, **dict(zip(("key", "recipient"), encrypted, strict=True))})
        return
    say(f"{fleet / order.file}: {len(lines)} lines order {key}")
    say(f"{fleet / order.key}: its age key, which {len(readers)} recipients can read" if own else _keyless(management))
    say(f"{fleet / RULES}: who can read what is encrypted below {key}.secrets/")
    say(f"next: schiff check --fleet {fleet}, then git add {fleet}")


def _management_cluster(folder: Path, site: str, environment: str) -> ManagementCluster | None:
    """Return who will look after the cluster; problems that the fleet had before do not matter here."""
    fleet, _ = survey_fleet(folder)
    return fleet.management_cluster_of(site, environment) if fleet else None


def _keyless(management: ManagementCluster | None) -> str:
    """Say that the cluster has no key yet, and how it gets one."""
    name = management.name if management else "its management cluster"
    return (
        f"no age key was made, because nobody could read it: {name} has no facts.recipients; "
        "write its public key there, remove the order and run this again"
    )


def _only_network(fleet: Fleet, site: str, zone: str) -> str:
    found: Site | None = fleet.sites.get(site)
    if found is None:
        raise _wrong(
            "SITE/NAME", f"no site is called {site!r}", f"sites of the fleet: {', '.join(sorted(fleet.sites))}"
        )
    networks = sorted(name for name, facts in found.facts.networks.items() if facts.zone == zone)
    if len(networks) != 1:
        known = ", ".join(networks) or "none"
        raise _wrong(
            "--network", f"{site} has {len(networks)} networks in zone {zone!r}", f"name one; there are: {known}"
        )
    return networks[0]


def _key(text: str) -> ClusterKey:
    try:
        return ClusterKey.parse(text)
    except InvalidValue as error:
        raise _wrong("SITE/NAME", str(error), "write e.g. vsphere-site-1/customer-a-4") from None


def _labels(pairs: list[str]) -> str:
    return (
        "{"
        + ", ".join(f"{_word(key)}: {json.dumps(value)}" for key, _, value in (pair.partition("=") for pair in pairs))
        + "}"
    )


def _addresses(text: str) -> str:
    ranges = text.split(",")
    return _list(ranges) if len(ranges) > 1 else _word(text)


def _list(words: list[str]) -> str:
    return f"[{', '.join(map(_word, words))}]"


def _word(text: str) -> str:
    """Return a text as YAML takes it for one."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text)


def _wrong(place: str, message: str, cure: str) -> InvalidInput:
    return InvalidInput([Problem(Place(place), "", message, cure)])

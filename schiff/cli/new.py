"""`schiff new`: write what people would otherwise copy, checked before it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from schiff.checks.fleet_rules import fleet_problems
from schiff.cli.fleet_check import on_head
from schiff.cli.options import JsonOption
from schiff.cli.terminal import say, say_json
from schiff.errors import InvalidInput, InvalidValue, Place, Problem, Refused
from schiff.layers.assemble import survey
from schiff.layers.resolve import survey_environment
from schiff.layers.yaml_documents import read_document
from schiff.manifests.sops import sops_file
from schiff.model.fleet import Document, Fleet, Site
from schiff.sources.fleet_files import FleetFiles, load_fleet, read_folder, survey_fleet
from schiff.values.names import ENVIRONMENTS, ClusterKey

CLUSTER_HELP = (
    "Example: schiff new cluster vsphere-site-1/customer-a-7 --customer customer-a -e tst --zone intranet "
    "--endpoint 10.1.0.14 --network pg-customer-a-1 --addresses 10.1.0.130-10.1.0.150 --pool md-0=large:3\n\n"
    "Write the order of one cluster: a file of less than ten lines that everybody can read, after holding it against "
    "the whole fleet. On metal name the servers: --hosts r3-u03,r4-u02,r4-u03 --router-id 27 "
    "--pool md-0=worker:r4-u07,r4-u08. A file that exists is never overwritten."
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9./-]*|[0-9]+\.[0-9.]+[0-9./-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

RULES = ".sops.yaml"
"""Where `sops` finds the recipients of each place; made from the fleet, so that nobody is forgotten."""

_NEW_HELP = f"{CLUSTER_HELP.splitlines()[0]}\n\nWrite an order, after checking it."

new_app = typer.Typer(help=_NEW_HELP, no_args_is_help=True)


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
    file = f"sites/{key.site}/{customer}/{key.name}.yaml"
    _write(fleet, file, "\n".join(lines) + "\n")
    _write_rules(fleet)
    if as_json:
        say_json({"file": str(fleet / file), "lines": len(lines)})
        return
    say(f"{fleet / file}: {len(lines)} lines order {key}")
    say(f"{fleet / RULES}: who can read what is encrypted below {key}.secrets/")
    say(f"next: schiff check --fleet {fleet}, then git add {fleet}")


def _write(folder: Path, file: str, text: str) -> None:
    """Write an order that the fleet can take, else raise and leave everything as it is."""
    path = folder / file
    if path.exists():
        raise Refused(f"{path} exists already; edit it, or take another name", code="order-exists")
    files = read_folder(folder)
    ordered = {**files.documents, file: read_document(text.encode(), file)}
    if problems := _problems(files, ordered) - _problems(files, files.documents):
        raise InvalidInput(problems)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as order:
        order.write(text)


def _write_rules(folder: Path) -> None:
    """Write who can read what; problems that the fleet had before do not keep the new order from its rule."""
    fleet, _ = survey_fleet(folder)
    if fleet is not None:
        (folder / RULES).write_text(sops_file(fleet), encoding="utf-8")


def _problems(files: FleetFiles, documents: Mapping[str, Document]) -> set[Problem]:
    """Return everything that is wrong with a fleet of these documents when all of it follows head."""
    fleet, found = survey(documents, files.secrets, files.vendored)
    problems = set(found)
    if fleet is not None:
        surveyed = [survey_environment(fleet, name, on_head(fleet, name)) for name in ENVIRONMENTS]
        problems.update(problem for _, each in surveyed for problem in each)
        problems.update(fleet_problems(*(resolved for resolved, _ in surveyed)))
    return problems


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

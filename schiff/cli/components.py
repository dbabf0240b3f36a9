"""`schiff components`: the catalogue: what can run on a cluster, in which versions, and what may be set."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc, getdoc
from typing import Annotated, Any

import typer
import yaml

from schiff.cli.compiled import Reading
from schiff.cli.options import FleetOption, JsonOption
from schiff.cli.terminal import say, say_json, table
from schiff.components.protocol import Component
from schiff.errors import InvalidInput, Place, Problem
from schiff.layers.field_rows import rows
from schiff.layers.validation import close_to
from schiff.model.fleet import Fleet
from schiff.sources.plugins import load_parts
from schiff.values.names import ENVIRONMENTS

HELP = """\
Example: schiff components show metallb

List what can run on a cluster: every component that is installed, the versions that the fleet offers, and the one that
followers of head run. A component that only some clusters choose runs where their layers name it.
"""
SHOW_HELP = """\
Example: schiff components show metallb

Show one component: settings to begin with, every setting with its type and default, the rules that are checked, and
what never changes once it is delivered.
"""

components_app = typer.Typer(help=HELP, invoke_without_command=True, no_args_is_help=False)

_HEADINGS = ("COMPONENT", "AT HEAD", "ON OFFER", "RUNS", "AFTER")


@components_app.callback()
def list_all(context: typer.Context, fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """Print the catalogue, unless one component is asked for."""
    if context.invoked_subcommand is not None:
        return
    described, installed = _fleet(fleet), load_parts().components
    found = [_summary(name, component, described) for name, component in sorted(installed.items())]
    platform = _platform(described)
    if as_json:
        say_json({"components": found, "platform": platform})
    else:
        rows = [_HEADINGS, *map(_cells, found)]
        others = [
            ("NO COMPONENT", "AT HEAD", "WHERE"),
            *((one["name"], one["version"], one["where"]) for one in platform),
        ]
        say(f"{table(rows, indent='')}\n\n{table(others, indent='')}")


@components_app.command("show", help=SHOW_HELP, short_help="Show one component.")
def show(
    name: Annotated[str, typer.Argument(help="Name of the component.", show_default=False)],
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one component."""
    installed = load_parts().components
    component = installed.get(name)
    if component is None:
        message, cure = f"no component is called {name!r}", close_to(name, installed)
        raise InvalidInput([Problem(Place("NAME"), "", message, cure or f"known: {', '.join(sorted(installed))}")])
    answer = _whole(name, component, _fleet(fleet))
    if as_json:
        say_json(answer)
    else:
        say(_text(answer))


def _fleet(folder: Any) -> Fleet:
    return Reading.of(ENVIRONMENTS[0], folder, "").fleet


def _summary(name: str, component: Component, fleet: Fleet) -> dict[str, Any]:
    pinned = fleet.head.release.components.get(name)
    entry = fleet.head.catalogue.get(name)
    return {
        "name": name,
        "about": cleandoc(getdoc(type(component)) or "").partition("\n")[0],
        "head": str(pinned.version) if pinned else None,
        "versions": sorted(entry.versions) if entry else [],
        "bootstrap": component.bootstrap,
        "optional": component.optional,
        "requires": list(component.requires),
        "after": list(component.after),
    }


def _platform(fleet: Fleet) -> list[dict[str, str]]:
    """Return what clusters run although nothing of it lies in their folders, with the version at head."""
    plane = fleet.head.release.management_plane
    kubernetes = f"of the image for {fleet.head.release.kubernetes.version}"
    infoblox = str(plane.ipam_infoblox) if plane.ipam_infoblox else "not pinned"
    return [
        {"name": "cluster-api", "version": str(plane.capi), "where": "managementPlane.capi"},
        {"name": "cluster-api-provider-metal3", "version": str(plane.capm3), "where": "managementPlane.capm3"},
        {"name": "cluster-api-provider-vsphere", "version": str(plane.capv), "where": "managementPlane.capv"},
        {"name": "ipam-in-cluster", "version": str(plane.ipam_in_cluster), "where": "managementPlane.ipamInCluster"},
        {"name": "ipam-infoblox", "version": infoblox, "where": "managementPlane.ipamInfoblox, nodes.ipam: infoblox"},
        {"name": "ipam-metal3", "version": str(plane.ipam_metal3), "where": "managementPlane.ipamMetal3"},
        {"name": "netplan", "version": kubernetes, "where": "nodes.configuration, with facts.networks"},
        {"name": "sops", "version": "of each document", "where": "recipients, .sops.yaml"},
    ]


def _whole(name: str, component: Component, fleet: Fleet) -> dict[str, Any]:
    fields = [{key: _plain(text) for key, text in row._asdict().items()} for row in rows(component.settings)]
    return {
        **_summary(name, component, fleet),
        "example": {"components": {name: yaml.safe_load(component.example)}},
        "settings": fields,
        "rules": {f"{name}-{rule}": sentence for rule, sentence in component.rules.items()},
        "never": [
            {"kind": each.kind, "path": ".".join(map(str, each.path)), "instead": each.way_out}
            for each in component.never
        ],
        "namespaces": list(component.namespaces),
    }


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    runs = "bootstrap" if one["bootstrap"] else "where named" if one["optional"] else "everywhere it fits"
    first = ", ".join([*one["requires"], *one["after"]])
    return (one["name"], one["head"] or "-", ", ".join(one["versions"]) or "-", runs, first)


def _text(answer: Mapping[str, Any]) -> str:
    example = yaml.safe_dump(answer["example"], default_flow_style=None, sort_keys=False, width=110).rstrip()
    parts = [
        example,
        "",
        f"{answer['name']}: {answer['about']}",
        f"on offer: {', '.join(answer['versions']) or 'nothing'}",
    ]
    settings = [(row["path"], row["default"], row["type"]) for row in answer["settings"]]
    if settings:
        parts += ["", table([("SETTING", "DEFAULT", "TYPE"), *settings], indent="")]
    if answer["rules"]:
        parts += ["", table([("RULE", "SENTENCE"), *answer["rules"].items()], indent="")]
    if answer["never"]:
        never = [(f"{each['kind']} {each['path']}", each["instead"]) for each in answer["never"]]
        parts += ["", table([("NEVER CHANGES", "INSTEAD"), *never], indent="")]
    return "\n".join(parts)


def _plain(text: str) -> str:
    """Return a cell of a page without its marks of code."""
    return text.replace("`", "")

"""What leaves this machine was compiled by a program that somebody else can have.

A release of a source checkout is compiled by whatever runs, and nobody can say
later which files that was. It may be tried: in an embedded repository, or on a
server that this machine alone reaches. Anywhere else it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pulumi

from schiff.delivery.delivered import Line
from schiff.delivery.workspace import is_embedded
from schiff.errors import Refused
from schiff.git.process import redacted
from schiff.model.fleet import Fleet
from schiff.model.release import SOURCE
from schiff.values.urls import is_loopback


def require_reproducible(fleet: Fleet, lines: Iterable[Line], places: Collection[str]) -> None:
    """Raise `Refused` when a release of a source checkout would go where others read; a preview says so and goes on."""
    refusal = _refusal(fleet, {line.release for line in lines}, places)
    if refusal is None:
        return
    if not pulumi.runtime.is_dry_run():
        raise refusal
    pulumi.warn(str(refusal))


def _refusal(fleet: Fleet, runs: Collection[str], places: Collection[str]) -> Refused | None:
    elsewhere = [place for place in places if not is_embedded(place) and not is_loopback(place)]
    sources = sorted(
        layers.release.name
        for digest, layers in fleet.releases.items()
        if digest in runs and layers.release.management_plane.schiff == SOURCE
    )
    if not elsewhere or not sources:
        return None
    return Refused(
        f"release {', '.join(sources)} was cut from a source checkout of schiff, so nobody else could compile it"
        f" again, and {redacted(elsewhere[0])} is not of this machine alone; cut releases with an installed schiff",
        "source-release",
    )

"""A release that nobody else could compile again stays where nobody else reads it."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest

from schiff.delivery.delivered import Line
from schiff.errors import Refused
from schiff.model.fleet import Fleet
from schiff.resources.reproducible import require_reproducible
from schiff.values.digests import HEAD
from tests.rollout.small_fleet import a_fleet, released

SERVED = "https://bot@git.example/cluster-definitions.git"
EMBEDDED = (".schiff/cluster-definitions.git", ".schiff/cluster-components.git")


def line(release: str) -> Line:
    return Line("a", "b" * 40, "cluster", "site-1/shop", release, "v1.35.4", "")


def cut_by(schiff: str) -> Fleet:
    fleet = released(a_fleet())
    [(digest, layers)] = fleet.releases.items()
    plane = layers.release.management_plane.model_copy(update={"schiff": schiff})
    release = layers.release.model_copy(update={"management_plane": plane})
    return replace(fleet, releases={digest: replace(layers, release=release)})


def on_release(fleet: Fleet) -> list[Line]:
    return [line(digest) for digest in fleet.releases]


@pytest.mark.parametrize("place", [SERVED, "/srv/git/a.git", "git@git.example:a.git", "https://api.example:6443"])
def test_a_release_of_a_source_checkout_goes_nowhere_else(place: str) -> None:
    fleet = cut_by("source")
    with pytest.raises(Refused, match=r"release 2026\.48\.0 was cut from a source checkout") as no:
        require_reproducible(fleet, on_release(fleet), [*EMBEDDED, place])
    assert no.value.code == "source-release"
    assert "bot@" not in str(no.value)


@pytest.mark.parametrize("places", [EMBEDDED, ("http://127.0.0.1:8080/a.git", *EMBEDDED), ("https://[::1]:6443",)])
def test_it_may_be_tried_on_one_machine(places: tuple[str, ...]) -> None:
    fleet = cut_by("source")
    require_reproducible(fleet, on_release(fleet), places)


def test_what_an_installed_schiff_cut_goes_everywhere_and_so_does_head() -> None:
    fleet = cut_by("1.4.0")
    require_reproducible(fleet, on_release(fleet), [SERVED])
    require_reproducible(cut_by("source"), [line(HEAD)], [SERVED])


def test_a_preview_says_it_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    monkeypatch.setattr(pulumi, "warn", said.append)
    fleet = cut_by("source")
    require_reproducible(fleet, on_release(fleet), [SERVED])
    assert [text.partition(",")[0] for text in said] == ["release 2026.48.0 was cut from a source checkout of schiff"]

"""One thing at most that cannot be taken back in a release; refused at the cut, with the names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schiff.errors import Refused
from schiff.model.release import ReleaseSpec
from schiff.rollout.irreversible import irreversible_items
from tests.rollout.small_fleet import a_fleet, frozen, head_layers, head_release, released


def release(kubernetes: str = "v1.35.4", **components: tuple[str, bool]) -> ReleaseSpec:
    data: dict[str, Any] = head_release(kubernetes).as_document()
    pins = {name: {"version": version, "reversible": kept} for name, (version, kept) in components.items()}
    return ReleaseSpec.model_validate({**data, "components": pins})


OLD = release("v1.34.6", csi=("v3.5.0", False), calico=("v3.31.0", True))


@pytest.mark.parametrize(
    ("after", "items"),
    [
        (OLD, ()),
        (release("v1.34.9", csi=("v3.5.0", False), calico=("v3.31.0", True)), ()),
        (release("v1.34.6", csi=("v3.5.0", False), calico=("v3.32.0", True)), ()),
        (release("v1.34.6", calico=("v3.31.0", True)), ()),
        (release("v1.35.4", csi=("v3.5.0", False), calico=("v3.32.0", True)), ("kubernetes v1.34.6 -> v1.35.4",)),
        (release("v1.34.6", csi=("v3.7.3", False), calico=("v3.31.0", True)), ("csi v3.5.0 -> v3.7.3",)),
        (release("v1.34.6", csi=("v3.5.0", False), rook=("v1.0.0", False)), ("rook v1.0.0 (new)",)),
        (
            release("v1.35.4", csi=("v3.7.3", False)),
            ("kubernetes v1.34.6 -> v1.35.4", "csi v3.5.0 -> v3.7.3"),
        ),
    ],
)
def test_minors_of_kubernetes_and_components_that_say_so_are_for_good(
    after: ReleaseSpec, items: tuple[str, ...]
) -> None:
    assert irreversible_items(OLD, after) == items


def test_a_release_that_would_change_two_things_for_good_is_not_cut() -> None:
    fleet = released(a_fleet(head_layers(OLD)))
    one = replace(fleet, head=head_layers(release("v1.35.4", csi=("v3.5.0", False))))
    assert b"v1.35.4" in frozen(one, "2026.50.0")["release.yaml"]
    both = replace(fleet, head=head_layers(release("v1.35.4", csi=("v3.7.3", False))))
    with pytest.raises(Refused, match=r"2 things .*kubernetes v1\.34\.6 -> v1\.35\.4, csi v3\.5\.0 -> v3\.7\.3") as no:
        frozen(both, "2026.50.0")
    assert no.value.code == "irreversible"


def test_the_first_release_changes_nothing_for_good() -> None:
    assert frozen(a_fleet(head_layers(release("v1.35.4", csi=("v3.7.3", False), rook=("v1.0.0", False)))))

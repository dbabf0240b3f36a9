"""A hotfix is its parent with other versions of what it names; and nobody takes a fix away unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import InvalidInput, Refused
from schiff.layers.assemble import assemble
from schiff.layers.yaml_documents import read_document
from schiff.manifests.yaml import to_yaml
from schiff.model.fleet import Document, Fleet, SharedLayers
from schiff.model.frozen import LOCK_FILE
from schiff.model.release import ReleaseSpec
from schiff.rollout.hotfix import Hotfix, fix_forward_problem, freeze_hotfix
from schiff.rollout.release import free_name, freeze
from tests.makers import Documents, a_fleet, changed
from tests.rollout.small_fleet import CUT, head_layers, head_release

TRAIN, FIX = "2026.48.0", "2026.48.1"
NEWER: dict[str, Any] = {"versions": {"v3.32.1": {}, "v3.32.2": {}}}
TEXTS: Mapping[str, bytes] = {}


def read(documents: Documents, releases: Mapping[str, Mapping[str, bytes]]) -> Fleet:
    """Return the fleet of documents with releases as their files say."""
    texts = {f"releases/{name}/{path}": text for name, files in releases.items() for path, text in files.items()}
    heads = {path: Document(path, data) for path, data in documents.items()}
    return assemble({**heads, **{path: read_document(text, path) for path, text in texts.items()}}, {}, {})


def trained(documents: Documents | None = None) -> Mapping[str, bytes]:
    return freeze(a_fleet(documents), TRAIN, cut=CUT, schiff="source", texts={})


def fixable(**components: str) -> Documents:
    """Return documents in which head has other versions than the train that was cut from it before."""
    documents = changed("components/calico.yaml", "versions", NEWER["versions"])
    for name, version in components.items():
        documents = changed("head.yaml", f"components.{name}.version", version, documents)
    return changed("defaults.yaml", "registry", "elsewhere.schiff.example", documents)


def hotfixed(*names: str, documents: Documents | None = None, texts: Mapping[str, bytes] = TEXTS) -> dict[str, bytes]:
    fleet = read(documents or fixable(calico="v3.32.2"), {TRAIN: trained()})
    parent = fleet.release_named(TRAIN)
    assert parent is not None
    return dict(freeze_hotfix(fleet, FIX, Hotfix(parent, names or ("calico",)), cut=CUT, texts=texts))


def release_data(files: Mapping[str, bytes]) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(files["release.yaml"])
    return data


def test_a_hotfix_changes_the_components_it_names_and_nothing_else_of_head() -> None:
    train, fix = trained(), hotfixed()
    assert fix.keys() == train.keys()
    different = {path for path in train if train[path] != fix[path]}
    assert different == {"release.yaml", "release.lock", "components/calico.yaml"}
    before, after = release_data(train), release_data(fix)
    assert after["components"] == {
        **before["components"],
        "calico": {"version": "v3.32.2", "kubernetes": ">=1.33,<1.37"},
    }
    assert {key: after[key] for key in ("kubernetes", "managementPlane")} == {
        key: before[key] for key in ("kubernetes", "managementPlane")
    }


def test_a_hotfix_says_what_it_is() -> None:
    found = release_data(hotfixed())
    assert (found["kind"], found["parent"], found["changes"]) == ("hotfix", TRAIN, ["calico"])


def test_a_hotfix_reads_as_a_release_of_its_own() -> None:
    documents = fixable(calico="v3.32.2")
    fleet = read(documents, {TRAIN: trained(), FIX: hotfixed(documents=documents)})
    fix = fleet.release_named(FIX)
    assert fix is not None
    assert fix.release.changes == ("calico",)
    assert len(fleet.releases) == 2


def test_layers_of_the_parent_are_copied_byte_for_byte() -> None:
    train = trained()
    commented = b"# why\n" + train["defaults.yaml"]
    fix = hotfixed(texts={f"releases/{TRAIN}/defaults.yaml": commented, "defaults.yaml": b"head: 1\n"})
    assert fix["defaults.yaml"] == commented


def test_the_catalogue_entry_of_what_changes_is_heads() -> None:
    text = to_yaml([NEWER]).encode() + b"# new\n"
    old = {f"releases/{TRAIN}/components/calico.yaml": b"x: 1\n"}
    assert hotfixed(texts={**old, "components/calico.yaml": text})["components/calico.yaml"] == text
    assert yaml.safe_load(hotfixed(texts=old)["components/calico.yaml"]) == NEWER


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("coil",), "head has no component 'coil'; it has calico, flux"),
        (("metallb",), "metallb v0.16.1 is what release 2026.48.0 has already; change its version in head.yaml first"),
    ],
)
def test_a_hotfix_that_names_what_it_does_not_change_is_bad_input(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace(".", r"\.")):
        hotfixed(*names)


def test_a_hotfix_without_components_is_bad_input() -> None:
    fleet = read(fixable(), {TRAIN: trained()})
    parent = fleet.release_named(TRAIN)
    assert parent is not None
    with pytest.raises(InvalidInput, match="a hotfix names what it changes; name a component"):
        freeze_hotfix(fleet, FIX, Hotfix(parent, ()), cut=CUT, texts={})


def test_versions_that_do_not_fit_the_parents_kubernetes_are_bad_input() -> None:
    documents = changed("head.yaml", "components.calico.kubernetes", ">=1.36,<1.37", fixable(calico="v3.32.2"))
    documents = changed("head.yaml", "kubernetes.version", "v1.36.1", documents)
    images = {"vsphere": {"template": "kube-v1.36.1"}, "metal3": {"url": "https://i/kube-v1.36.1", "sha256": "4b" * 32}}
    documents = changed("head.yaml", "kubernetes.images", images, documents)
    for name in ("flux", "metallb", "vsphere-cpi", "vsphere-csi"):
        documents = changed("head.yaml", f"components.{name}.kubernetes", ">=1.33,<1.38", documents)
    with pytest.raises(InvalidInput, match="calico"):
        hotfixed(documents=documents)


def test_a_hotfix_is_cut_once() -> None:
    fleet = read(fixable(calico="v3.32.2"), {TRAIN: trained()})
    parent = fleet.release_named(TRAIN)
    assert parent is not None
    with pytest.raises(Refused, match="exists already"):
        freeze_hotfix(fleet, TRAIN, Hotfix(parent, ("calico",)), cut=CUT, texts={})


def test_the_names_of_hotfixes_count_up_within_their_week() -> None:
    documents = fixable(calico="v3.32.2")
    fleet = read(documents, {TRAIN: trained(), FIX: hotfixed(documents=documents)})
    assert free_name(fleet, CUT, hotfix=True) == "2026.48.2"
    assert free_name(fleet, CUT, hotfix=False) == TRAIN


@pytest.mark.parametrize("left_out", ["parent", "changes"])
def test_a_hotfix_that_does_not_say_what_it_fixes_is_no_release(left_out: str) -> None:
    data = {**head_release().as_document(), "kind": "hotfix", "parent": TRAIN, "changes": ["calico"]}
    del data[left_out]
    with pytest.raises(ValueError, match="a hotfix names its parent, and under changes the components"):
        ReleaseSpec.model_validate(data)


def test_only_a_hotfix_says_what_it_changes() -> None:
    with pytest.raises(ValueError, match="changes is what a hotfix says; this is a train"):
        ReleaseSpec.model_validate({**head_release().as_document(), "kind": "train", "changes": ["calico"]})


# Fixing forward (I18)


def layers(name: str, calico: str, **said: Any) -> SharedLayers:
    release = head_release(calico=calico)
    release = ReleaseSpec.model_validate({**release.as_document(), "kind": "train", "name": name, **said})
    return replace(head_layers(release), digest=f"sha256:{name}")


FIXED = layers(FIX, "v3.32.2", kind="hotfix", parent=TRAIN, changes=["calico"])


def test_a_train_without_the_fix_does_not_enter_where_it_ran() -> None:
    problem = fix_forward_problem(layers("2026.50.0", "v3.32.1"), [FIXED])
    assert problem == (
        "release 2026.50.0 would take away what ran here: hotfix 2026.48.1 (calico v3.32.2, it has v3.32.1);"
        " cut a release that contains the fix, or one that says supersedes"
    )


@pytest.mark.parametrize("calico", ["v3.32.2", "v3.32.3", "v3.33.0"])
def test_a_train_with_the_fix_or_something_newer_enters(calico: str) -> None:
    assert fix_forward_problem(layers("2026.50.0", calico), [FIXED]) is None


@pytest.mark.parametrize("cited", [FIX, FIXED.digest])
def test_a_train_that_says_supersedes_enters_without_the_fix(cited: str) -> None:
    assert fix_forward_problem(layers("2026.50.0", "v3.32.1", supersedes=[cited]), [FIXED]) is None
    assert fix_forward_problem(layers("2026.50.0", "v3.32.1", supersedes=["2026.1.1"]), [FIXED]) is not None


def test_a_component_that_is_gone_takes_its_fix_along() -> None:
    without = layers("2026.50.0", "v3.32.2")
    without = replace(without, release=without.release.model_copy(update={"components": {}}))
    problem = fix_forward_problem(without, [FIXED])
    assert problem is not None
    assert "calico v3.32.2, it has none" in problem


versions = st.integers(1, 4).map(lambda patch: f"v3.32.{patch}")


@given(versions, st.lists(versions, max_size=4), st.lists(st.integers(0, 3), max_size=4))
def test_no_train_enters_without_every_fix_it_does_not_supersede(
    calico: str, fixes: list[str], superseded: list[int]
) -> None:
    """I18: no later release may enter where a hotfix ran unless it contains the fix or says `supersedes`."""
    hotfixes = [
        layers(f"2026.48.{number}", version, kind="hotfix", parent=TRAIN, changes=["calico"])
        for number, version in enumerate(fixes, 1)
    ]
    said = [f"2026.48.{number + 1}" for number in superseded]
    enters = fix_forward_problem(layers("2026.50.0", calico, supersedes=said), hotfixes) is None
    assert enters == all(version <= calico or f"2026.48.{number}" in said for number, version in enumerate(fixes, 1))


def test_what_head_and_the_parent_supersede_stays_superseded() -> None:
    documents = changed("head.yaml", "supersedes", ["2026.40.1"])
    train = trained(documents)
    assert release_data(train)["supersedes"] == ["2026.40.1"]
    fleet = read(changed("head.yaml", "supersedes", ["2026.46.1"]), {TRAIN: train})
    later = freeze(fleet, "2026.50.0", cut=CUT, schiff="source", texts={})
    assert release_data(later)["supersedes"] == ["2026.40.1", "2026.46.1"]
    assert LOCK_FILE in later


def test_a_release_that_supersedes_nothing_says_nothing_of_it() -> None:
    assert "supersedes" not in release_data(trained())

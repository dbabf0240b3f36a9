"""What is expected of clusters comes from manifests and the files they name, and from nothing that others changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.commit_trees import trees_of
from schiff.delivery.delivered import DeliveredManifest, LedgerHead, Line
from schiff.delivery.expected_clusters import ExpectedCluster, cluster_names, expected_clusters
from schiff.delivery.snapshot import Snapshot, look
from schiff.git.clone import CachedClone
from tests.git.repositories import a_repository, commit, git, head

FOLDER, OWN = "mgmt/sites/site-1/shop/cluster-1", "locations/location-1/site-1/cluster-1"
NAME = "site-1/cluster-1"


def an_object(kind: str, name: str, group: str = "kustomize.toolkit.fluxcd.io/v1") -> str:
    return f"apiVersion: {group}\nkind: {kind}\nmetadata:\n  name: {name}\n"


def delivered(folder: Path, name: str, files: dict[str, str], lines: dict[str, str], stack: str = "tst") -> Snapshot:
    """Deliver files and a manifest that owns folders by their names."""
    bare = folder / f"{name}.git"
    if not bare.exists():
        a_repository(folder, name)
    commit(bare, files)
    trees = {path: git(bare, "rev-parse", f"main:{path}").strip() for path in lines}
    owned = [Line(path, trees[path], "cluster" if "/" in one and one != path else "folder", one)
             for path, one in lines.items()]  # fmt: skip
    manifest = DeliveredManifest(stack, 1, LedgerHead(), tuple(owned))
    commit(bare, {f".schiff/{stack}.json": manifest.to_text()})
    return seen(folder, name)


def seen(folder: Path, name: str) -> Snapshot:
    clone = CachedClone(str(folder / f"{name}.git"), "main", folder / "cache")
    clone.refresh()
    return look(clone, "tst")


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    files = {
        f"{FOLDER}/a.yaml": an_object("Kustomization", "bootstrap"),
        f"{FOLDER}/secrets/x.yaml": an_object("Kustomization", "encrypted"),
        "mgmt/flux/tst/site-1-cluster-1.yaml": an_object("Kustomization", "folder"),
        "mgmt/flux/tst/site-1-cluster-2.yaml": an_object("Kustomization", "other"),
    }
    delivered(tmp_path, "definitions", files, {FOLDER: NAME, "mgmt/flux/tst": "mgmt/flux/tst"})
    delivered(tmp_path, "components", {f"{OWN}/b.yaml": an_object("Kustomization", "self")}, {OWN: NAME})
    return tmp_path


def expected(folder: Path, only: str = "") -> list[ExpectedCluster]:
    return expected_clusters(seen(folder, "definitions"), seen(folder, "components"), "tst", only)


def names(one: ExpectedCluster) -> tuple[list[str], list[str]]:
    sides = one.expected.management, one.expected.tenant
    first, second = ([item["metadata"]["name"] for item in side] for side in sides)
    return first, second


def test_a_tenant_is_its_two_folders_and_what_applies_them(repositories: Path) -> None:
    [one] = expected(repositories)
    assert names(one) == (["folder", "bootstrap"], ["self"])
    assert (one.management, one.site, one.customer, one.edited) == ("mgmt", "site-1", "shop", False)
    assert one.expected.trees.keys() == {("cluster-definitions", FOLDER), ("cluster-components", OWN)}


def test_sources_that_another_environment_lists_belong_to_it_too(repositories: Path) -> None:
    files = {"mgmt/flux/ref/sources.yaml": an_object("GitRepository", "shared", "source.toolkit.fluxcd.io/v1")}
    delivered(repositories, "definitions", files, {"mgmt/flux/ref": "mgmt/flux/ref"}, stack="ref")
    [one] = expected(repositories)
    assert names(one)[0] == ["shared", "folder", "bootstrap"]


def test_what_somebody_else_changed_is_not_read(repositories: Path) -> None:
    commit(repositories / "components.git", {f"{OWN}/b.yaml": "kind: Kustomization\n: ["})
    [one] = expected(repositories)
    assert (one.edited, names(one)[1]) == (True, [])


def test_a_cluster_without_a_folder_in_components_is_expected_all_the_same(repositories: Path) -> None:
    manifest = DeliveredManifest("tst", 2, LedgerHead(), ())
    commit(repositories / "components.git", {".schiff/tst.json": manifest.to_text()})
    [one] = expected(repositories)
    assert (one.expected.cluster, one.expected.components) == (NAME, f"locations/none/{NAME}")
    assert one.expected.trees["cluster-components", f"locations/none/{NAME}"] == EMPTY_TREE


def test_of_direct_delivery_only_the_record_and_the_components_are_known(repositories: Path) -> None:
    lines = seen(repositories, "definitions").lines
    manifest = DeliveredManifest("tst", 2, LedgerHead(), lines, direct=True)
    commit(repositories / "definitions.git", {".schiff/tst.json": manifest.to_text()}, gone=["mgmt"])
    [one] = expected(repositories)
    assert (one.edited, names(one)) == (False, ([], ["self"]))


def test_one_cluster_by_its_name(repositories: Path) -> None:
    snapshots = seen(repositories, "definitions"), seen(repositories, "components")
    assert cluster_names(*snapshots) == (NAME,)
    assert len(expected(repositories, NAME)) == 1
    assert expected(repositories, "site-1/other") == []


def test_nothing_delivered_is_nothing_expected(tmp_path: Path) -> None:
    for name in ("definitions", "components"):
        a_repository(tmp_path, name)
    assert expected(tmp_path) == []


def test_trees_of_named_commits_are_found_and_unknown_ones_left_out(repositories: Path) -> None:
    first = head(repositories / "definitions.git")
    commit(repositories / "definitions.git", {f"{FOLDER}/a.yaml": "changed: true\n"})
    clones = {"cluster-definitions": seen(repositories, "definitions").clone}
    known, empty = ("cluster-definitions", first, FOLDER), ("cluster-definitions", first, "nowhere")
    unknown = ("cluster-definitions", "1" * 40, FOLDER)
    elsewhere = ("", first, FOLDER)
    tree = git(repositories / "definitions.git", "rev-parse", f"{first}:{FOLDER}").strip()
    assert trees_of(clones, [known, empty, unknown, elsewhere]) == {known: tree, empty: ""}

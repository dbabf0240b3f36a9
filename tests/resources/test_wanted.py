"""Orders and the wave: what each may change, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from schiff.compiler.environment import CompiledEnvironment, Folder, Repository
from schiff.compiler.file_tree import EMPTY_TREE, FileTree
from schiff.delivery.delivered import Line
from schiff.errors import Refused
from schiff.model.release import Assignment, Assignments
from schiff.model.tenant_cluster import Removal
from schiff.resources.wanted import Wanted, base_of, wanted
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
V34, V35 = KubernetesVersion.parse("v1.34.6"), KubernetesVersion.parse("v1.35.4")
ONE, TWO = ClusterKey("s", "one"), ClusterKey("s", "two")
MANAGER = "m"


def run(release: str = OLD, removal: Removal | None = None) -> Assignment:
    return Assignment(release, V35 if release == NEW else V34, removal)


def assigned(**tenants: Assignment) -> Assignments:
    return Assignments({ClusterKey("s", name): to for name, to in tenants.items()}, {MANAGER: run()})


def compile_(assigned: Assignments, extra: Mapping[str, str] | None = None) -> CompiledEnvironment:
    """Compile as simply as can be: a cluster's folder says its release, the list says who is listed."""
    folders: list[Folder] = []
    for key, to in assigned.tenants.items():
        text = f"{to.release} {(extra or {}).get(key.name, '')}\n"
        files = FileTree() if to.removal == "e" else FileTree({"cluster.yaml": text})
        for repository, path in (
            ("definitions", f"m/sites/s/c/{key.name}"),
            ("components", f"locations/l/s/{key.name}"),
        ):
            folders.append(a_folder(repository, path, files, to, str(key)))
    listed = FileTree({"kustomization.yaml": "".join(f"{key}\n" for key in assigned.tenants)})
    folders.append(a_folder("definitions", "m/flux/tst", listed, assigned.management_clusters[MANAGER]))
    shared = {PurePosixPath("components/flux/v2.9.3"): FileTree({"base/a.yaml": "a\n"})}
    return CompiledEnvironment("tst", tuple(folders), shared)


def a_folder(repository: str, path: str, files: FileTree, to: Assignment, name: str = "") -> Folder:
    assert repository in {"definitions", "components"}
    return Folder(
        repository="definitions" if repository == "definitions" else "components",
        path=PurePosixPath(path),
        kind="cluster" if name else "folder",
        name=name or path,
        files=files,
        release=to.release,
        kubernetes=str(to.kubernetes),
        removal=to.removal,
        management_cluster=MANAGER,
        site="s",
    )


def delivered(before: Assignments | None) -> dict[Repository, Iterable[Line]]:
    """Return the manifests after an earlier delivery; none before the first."""
    if before is None:
        return {"definitions": (), "components": ()}
    compiled = compile_(before)
    return {name: Wanted.of(name, compiled, compiled).wave for name in ("definitions", "components")}


def names(lines: Iterable[Line], release: str) -> set[str]:
    return {line.name for line in lines if line.kind == "cluster" and line.release == release}


def test_a_first_delivery_is_all_orders() -> None:
    shares = wanted(compile_, assigned(one=run(), two=run(NEW)), delivered(None))
    assert all(share.orders == share.wave for share in shares.values())


def test_what_the_ledger_moves_is_the_wave_and_nothing_else() -> None:
    shares = wanted(compile_, assigned(one=run(NEW), two=run()), delivered(assigned(one=run(), two=run())))
    for share in shares.values():
        assert names(share.orders, NEW) == set()
        assert names(share.wave, NEW) == {"s/one"}


def test_an_edited_order_reaches_a_cluster_before_its_move_does() -> None:
    edited = {"one": "more"}
    before = delivered(assigned(one=run(), two=run()))
    shares = wanted(lambda to: compile_(to, edited), assigned(one=run(NEW), two=run()), before)
    old = {line.name: line.tree for line in before["definitions"]}
    ordered = {line.name: line for line in shares["definitions"].orders}
    assert ordered["s/one"].tree != old["s/one"]
    assert ordered["s/one"].release == OLD


def test_head_and_the_way_back_to_it_are_orders() -> None:
    shares = wanted(compile_, assigned(one=run(HEAD), two=run()), delivered(assigned(one=run(), two=run())))
    assert names(shares["definitions"].orders, HEAD) == {"s/one"}


def test_the_next_state_of_a_removal_is_an_order() -> None:
    before = delivered(assigned(one=run(removal="d"), two=run()))
    shares = wanted(compile_, assigned(one=run(removal="e"), two=run()), before)
    [gone] = [line for line in shares["definitions"].orders if line.name == "s/one"]
    assert (gone.removal, gone.tree) == ("e", EMPTY_TREE)


def test_repositories_that_are_a_wave_apart_have_a_base_each() -> None:
    before = {**delivered(assigned(one=run())), "components": delivered(assigned(one=run(NEW)))["components"]}
    shares = wanted(compile_, assigned(one=run(NEW)), before)
    assert names(shares["components"].orders, NEW) == {"s/one"}
    assert names(shares["definitions"].orders, NEW) == set()


def test_equal_assignments_are_compiled_once() -> None:
    compiled: list[Assignments] = []

    def counting(to: Assignments) -> CompiledEnvironment:
        compiled.append(to)
        return compile_(to)

    wanted(counting, assigned(one=run()), delivered(assigned(one=run())))
    assert len(compiled) == 1


def test_a_wave_that_would_change_a_cluster_nobody_moves_is_refused() -> None:
    def leaking(to: Assignments) -> CompiledEnvironment:
        return compile_(to, {"two": to.tenants[ONE].release})

    with pytest.raises(Refused, match="/s/two") as refused:
        wanted(leaking, assigned(one=run(NEW), two=run()), delivered(assigned(one=run(), two=run())))
    assert refused.value.code == "blast-radius"


def test_a_wave_may_change_the_list_that_names_a_moved_cluster() -> None:
    def listing(to: Assignments) -> CompiledEnvironment:
        compiled = compile_(to)
        extra = FileTree({"kustomization.yaml": to.tenants[ONE].release})
        folders = [replace(each, files=extra) if each.kind == "folder" else each for each in compiled.folders]
        return replace(compiled, folders=tuple(folders))

    shares = wanted(listing, assigned(one=run(NEW)), delivered(assigned(one=run())))
    assert shares["definitions"].orders != shares["definitions"].wave


def test_one_cluster_alone_leaves_every_other_line_as_delivered() -> None:
    before = delivered(assigned(one=run(), two=run()))
    edited = {"one": "more", "two": "more"}
    share = wanted(lambda to: compile_(to, edited), assigned(one=run(), two=run()), before)["definitions"]
    changed = set(share.only(ONE, before["definitions"]).wave) - set(before["definitions"])
    assert {line.name for line in changed} == {"s/one"}


def test_only_components_are_shared() -> None:
    shares = wanted(compile_, assigned(one=run()), delivered(None))
    assert list(shares["components"].shared) == ["components/flux/v2.9.3"]
    assert shares["definitions"].shared == {}


def test_a_cluster_that_left_the_fleet_has_no_base() -> None:
    lines = delivered(assigned(one=run(), two=run()))["definitions"]
    assert base_of(assigned(one=run(NEW)), lines).tenants == {ONE: run()}

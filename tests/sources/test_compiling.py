"""What another version compiles is what it would have compiled alone: a stand-in that is this program gives its bytes.

The stand-in is called as any other version is, with a fleet folder made for it. So whatever that folder lacks, or
holds too much, shows as a difference from compiling everything here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schiff.compiler.environment import CompiledEnvironment, compile_environment
from schiff.compiler.file_tree import tree_id
from schiff.errors import Failed, InvalidInput, Refused
from schiff.sources.compiling import compile_by_version, handovers, other_program
from schiff.sources.fleet_files import load_fleet
from schiff.sources.other_versions import OtherVersions
from schiff.sources.plugins import load_parts
from schiff.sources.program import Program
from schiff.values.digests import HEAD
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, Documents, changed, fleet_documents, fleet_folder
from tests.other_schiff import pose_as
from tests.sources.versioned_fleet import (
    CUT,
    HOP,
    OLD,
    OLDER,
    World,
    cut,
)


def encrypted(name: str, namespace: str) -> bytes:
    """Return a document as SOPS leaves it; no text of this project's own, so it passes as bytes."""
    metadata = f"metadata: {{name: {name}, namespace: {namespace}}}"
    return f"kind: Secret\n{metadata}\nstringData: {{a: 'ENC[ä]'}}\nsops: {{mac: 'ENC[x]'}}\n".encode()


def a_second_metal_cluster(documents: Documents) -> Documents:
    """Order a second cluster of servers, so that two versions share a site."""
    path = "sites/baremetal-site-1/customer-b/customer-b-1.yaml"
    order = {
        **documents[METAL3_ORDER],
        "controlPlane": {
            "endpoint": "10.2.0.11",
            "virtualRouterId": 22,
            "hosts": ["r1-u02", "r2-u02"],
            "replicas": 1,
            "maxSurge": 1,
        },
        "nodes": {"network": "nodes", "addresses": "10.2.0.70-10.2.0.90"},
        "pools": {"md-0": {"class": "worker", "hosts": ["r1-u08"], "maxSurge": 0, "maxUnavailable": 1}},
    }
    return {**documents, path: order}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a fleet whose releases two stand-ins cut, and whose head has moved on since."""
    versions = OtherVersions(tmp_path / "versions", tmp_path / "wheels", tmp_path / "cache")
    texts = {
        VSPHERE_ORDER.replace(".yaml", ".secrets/app.yaml"): encrypted("app", "default"),
        METAL3_ORDER.replace(".yaml", ".secrets/app.yaml"): encrypted("app", "default"),
        "sites/baremetal-site-1/site.secrets/bmc.yaml": encrypted("bmc", "baremetal-site-1-customer-b-1"),
    }
    folder = fleet_folder(tmp_path / "fleet", fleet_documents(), texts)
    cut(folder, OLDER, Program("1.3.0", pose_as(versions.environments, "1.3.0")), CUT)
    cut(folder, OLD, Program("1.4.0", pose_as(versions.environments, "1.4.0")), CUT.replace(day=20))
    moved = changed("zones/dmz.yaml", "labels", {"zone": "new"}, a_second_metal_cluster(fleet_documents()))
    moved = changed("sites/baremetal-site-1/site.yaml", "facts.networks.nodes-2", NETWORK, moved)
    moved = changed("defaults.yaml", "registry", "elsewhere.schiff.example", moved)
    fleet_folder(folder, moved)
    return World(load_fleet(folder), versions)


NETWORK = {"cidr": "10.2.1.0/24", "gateway": "10.2.1.1", "zone": "dmz", "vlan": 203}


def files(compiled: CompiledEnvironment) -> dict[str, dict[str, str | bytes]]:
    """Return everything that is delivered, with what the delivered manifest says of each folder."""
    found = {
        f"{folder.repository} {folder.path} {folder.kind} {folder.name} {folder.release} {folder.kubernetes}"
        f" {folder.removal} {folder.management_cluster} {folder.site}": dict(folder.files)
        for folder in compiled.folders
    }
    return {**found, **{f"shared {path}": dict(tree) for path, tree in compiled.shared.items()}}


COMBINATIONS = [
    pytest.param(OLD, OLD, OLD, OLD, id="everything on one other version"),
    pytest.param(OLD, HEAD, OLD, HEAD, id="head beside the management cluster's version"),
    pytest.param(OLD, OLDER, HEAD, OLDER, id="three versions, none with the list's"),
    pytest.param(OLDER, OLD, OLDER, HEAD, id="three versions at one site"),
    pytest.param(OLD, HEAD, HEAD, HEAD, id="the management cluster alone"),
]


@pytest.mark.parametrize(("management", "one", "two", "three"), COMBINATIONS)
def test_other_versions_give_the_bytes_that_one_version_gives(
    world: World, management: str, one: str, two: str, three: str
) -> None:
    resolved = world.resolved(world.run(management), *(world.run(name) for name in (one, two, three)))
    everything_here = files(compile_environment(resolved, load_parts()))
    assert files(compile_by_version(resolved, load_parts(), world.versions)) == everything_here
    assert files(compile_by_version(resolved, load_parts(), world.versions)) == everything_here


def test_hops_of_kubernetes_and_states_of_a_removal_are_handed_over(world: World) -> None:
    for state in ("a", "b", "c", "d", "e"):
        tenants = (world.run(OLD, kubernetes=HOP), world.run(OLD, removal=state), world.run(HEAD, removal=state))
        resolved = world.resolved(world.run(OLD), *tenants)
        expected = files(compile_environment(resolved, load_parts()))
        assert files(compile_by_version(resolved, load_parts(), world.versions)) == expected


def test_a_fleet_that_this_program_compiles_alone_calls_nobody(world: World) -> None:
    resolved = world.resolved(*[world.run(HEAD)] * 4)
    nowhere = OtherVersions(Path("/nowhere"), Path("/nowhere"), Path("/nowhere"))
    assert files(compile_by_version(resolved, load_parts(), nowhere)) == files(
        compile_environment(resolved, load_parts())
    )


def test_nothing_of_head_and_of_other_clusters_is_handed_over(world: World) -> None:
    resolved = world.resolved(world.run(HEAD), world.run(HEAD), world.run(OLD), world.run(HEAD))
    [call] = handovers(resolved, {world.digest(OLD)})
    given = {path for path in call.files if not path.startswith(("releases/", "components/"))}
    orders = {path for path in given if path.startswith(("sites/", "customers/", "management-clusters/"))}
    assert orders == {
        "customers/customer-a.yaml",
        "management-clusters/schiff-mgmt-x.yaml",
        "sites/baremetal-site-1/customer-a/customer-a-2.secrets/app.yaml",
        "sites/baremetal-site-1/customer-a/customer-a-2.yaml",
        "sites/baremetal-site-1/site.yaml",
    }
    text = b"".join(content for path, content in call.files.items() if not path.startswith("releases/"))
    assert b"elsewhere.schiff.example" not in text
    assert b"r1-u02" not in text
    assert b"pg-platform" not in text
    assert {path.split("/")[1] for path in call.files if path.startswith("releases/")} == {OLD}


def test_what_was_compiled_once_is_kept_and_what_was_damaged_is_compiled_again(world: World) -> None:
    resolved = world.resolved(world.run(HEAD), world.run(OLD), world.run(HEAD), world.run(HEAD))
    expected = files(compile_by_version(resolved, load_parts(), world.versions))
    program = world.versions.environments / "1.4.0" / "bin" / "schiff"
    text = program.read_text()
    program.write_text("#!/bin/sh\nexit 1\n")
    assert files(compile_by_version(resolved, load_parts(), world.versions)) == expected
    [kept] = [path for path in world.versions.cache.glob("rendered-*") if path.is_dir()]
    damaged = next(path for path in kept.rglob("*.y*ml"))
    damaged.write_text("kind: Nothing\n")
    with pytest.raises(Failed):
        compile_by_version(resolved, load_parts(), world.versions)
    program.write_text(text)
    assert files(compile_by_version(resolved, load_parts(), world.versions)) == expected


def test_what_the_other_version_does_not_know_is_bad_input_in_its_words(world: World) -> None:
    program = world.versions.environments / "1.4.0" / "bin" / "schiff"
    program.write_text("#!/bin/sh\necho 'sites/x/site.yaml:3: facts.new: no field is called so' >&2\nexit 2\n")
    resolved = world.resolved(world.run(HEAD), world.run(OLD), world.run(HEAD), world.run(HEAD))
    with pytest.raises(InvalidInput, match=r"schiff 1\.4\.0, which compiles it, says: sites/x/site\.yaml:3"):
        compile_by_version(resolved, load_parts(), world.versions)


def test_a_version_that_writes_what_its_trees_do_not_say_is_not_believed(world: World) -> None:
    program = world.versions.environments / "1.4.0" / "bin" / "schiff"
    program.write_text('#!/bin/sh\nmkdir -p "$7"; echo \'{}\' > "$7/trees.json"\n')
    resolved = world.resolved(world.run(HEAD), world.run(OLD), world.run(HEAD), world.run(HEAD))
    with pytest.raises(Failed, match=r"files and trees\.json that do not agree"):
        compile_by_version(resolved, load_parts(), world.versions)


def test_two_versions_that_disagree_about_a_component_folder_are_refused(world: World) -> None:
    resolved = world.resolved(world.run(HEAD), world.run(OLD), world.run(HEAD), world.run(HEAD))
    compile_by_version(resolved, load_parts(), world.versions)
    parts = load_parts()
    flux = parts.components["flux"]
    changed_parts = replace(parts, components={**parts.components, "flux": _Changed(flux)})  # type: ignore[dict-item]
    with pytest.raises(Refused, match=r"make components/flux/v2\.9\.3 of different files") as no:
        compile_by_version(resolved, changed_parts, world.versions)
    assert no.value.code == "component-changed"


class _Changed:
    """A component that adds a file to its versioned folder."""

    def __init__(self, component: object) -> None:
        self._component = component

    def __getattr__(self, name: str) -> object:
        return getattr(self._component, name)

    def folder(self, version: object, vendored: object) -> dict[str, str]:
        made = self._component.folder(version, vendored)  # type: ignore[attr-defined]
        return {**made, "added.yaml": "kind: Added\n"}


@pytest.mark.parametrize(
    ("running", "named", "here"),
    [
        (Program("source"), Program("source"), True),
        (Program("1.5.0", "sha256:a"), Program("source"), True),
        (Program("1.5.0", "sha256:a"), Program("1.5.0", "sha256:a"), True),
        (Program("1.5.0", "sha256:a"), Program("1.5.0", "sha256:b"), False),
        (Program("1.5.0", "sha256:a"), Program("1.4.0", "sha256:a"), False),
        (Program("source"), Program("1.4.0", "sha256:a"), False),
    ],
)
def test_the_program_that_cut_a_release_compiles_it(
    world: World, monkeypatch: pytest.MonkeyPatch, running: Program, named: Program, here: bool
) -> None:
    monkeypatch.setattr("schiff.sources.compiling.running_program", lambda: running)
    layers = world.fleet.layers_of(world.digest(OLD))
    plane = layers.release.management_plane.model_copy(update={"schiff": named.version, "schiff_wheel": named.wheel})
    release = layers.release.model_copy(update={"management_plane": plane})
    found = other_program(replace(layers, release=release))
    assert found == (None if here else named)
    assert other_program(world.fleet.head) is None


def test_the_trees_of_what_another_version_wrote_are_those_of_its_files(world: World) -> None:
    resolved = world.resolved(world.run(OLD), world.run(OLD), world.run(OLD), world.run(OLD))
    compiled = compile_by_version(resolved, load_parts(), world.versions)
    alone = compile_environment(resolved, load_parts())
    assert [tree_id(folder.files) for folder in compiled.folders] == [tree_id(one.files) for one in alone.folders]

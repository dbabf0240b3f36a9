"""What holds for every compiled fleet: who changes what, what stays, and that every folder is whole (I13, I22).

The fleet is the example's, with orders and layers changed at random.
"""

from __future__ import annotations

import posixpath
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schiff.compiler.environment import CompiledEnvironment, Folder, compile_environment
from schiff.compiler.file_tree import ChangeSet, FileTree, difference, tree_id
from schiff.layers.construct import fleet_of
from schiff.layers.resolve import resolve_environment
from schiff.manifests.yaml import to_yaml
from schiff.model.fleet import Fleet
from schiff.model.layout import cluster_folder, flux_folder, locations_folder, site_folder
from schiff.rollout.assignments import assignments
from schiff.rollout.genesis import with_genesis
from schiff.rollout.ledger import Ledger
from schiff.sources.fleet_files import FleetFiles, load_fleet, read_folder
from schiff.sources.plugins import load_parts
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment
from tests.bed.fewer_components import leave_out_components
from tests.makers import Documents


def _example_with_fewer_components() -> FleetFiles:
    """Read a copy of the example that compiles in a moment: these properties compile it a hundred times."""
    with TemporaryDirectory() as folder:
        fleet = Path(folder) / "fleet"
        shutil.copytree(Path(__file__).parents[2] / "stacks" / "fleet", fleet)
        leave_out_components(fleet)
        return read_folder(fleet)


EXAMPLE = _example_with_fewer_components()
PARTS = load_parts()
FEW = settings(max_examples=15, deadline=None, derandomize=True)
KUSTOMIZATION = "kustomization.yaml"
TEMPLATES = ("VSphereMachineTemplate", "Metal3MachineTemplate", "Metal3DataTemplate", "KubeadmConfigTemplate")

Trees = dict[str, FileTree]


def documents() -> Documents:
    """Return a copy of the example's documents."""
    return {path: deepcopy(dict(document.data)) for path, document in EXAMPLE.documents.items()}


def a_fleet(given: Documents) -> Fleet:
    return fleet_of(given, EXAMPLE.secrets, EXAMPLE.vendored)


def compiled(fleet: Fleet, environment: Environment) -> CompiledEnvironment:
    assigned = assignments(with_genesis(Ledger.empty(environment), fleet), fleet, environment)
    return compile_environment(resolve_environment(fleet, environment, assigned), PARTS)


def trees(environment: CompiledEnvironment) -> Trees:
    """Return every folder by repository and path, the add-only ones of components too."""
    owned = {f"{folder.repository}/{folder.path}": folder.files for folder in environment.folders}
    return owned | {f"components/{path}": files for path, files in environment.shared.items()}


@cache
def example(environment: Environment) -> CompiledEnvironment:
    return compiled(a_fleet(documents()), environment)


def changed(before: Trees, after: Trees) -> set[str]:
    """Return the folders that are not the same."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


# A cluster more


def on_vsphere(environment: str, pools: Mapping[str, int]) -> tuple[str, dict[str, Any]]:
    first, last = ("vsphere-site-1", "pg-customer-c-1", "10.1.4"), ("vsphere-site-2", "pg-customer-c-3", "10.2.3")
    site, network, prefix = last if environment == "prd" else first
    return site, {
        "controlPlane": {"endpoint": f"{prefix}.11"},
        "nodes": {"network": network, "addresses": f"{prefix}.130-{prefix}.180"},
        "pools": {name: {"class": "small", "replicas": replicas} for name, replicas in pools.items()},
    }


def on_metal(environment: str, pools: Mapping[str, int]) -> tuple[str, dict[str, Any]]:
    site, prefix = ("baremetal-site-2", "10.4.0") if environment == "prd" else ("baremetal-site-1", "10.3.0")
    free = ["r3-u08", "r4-u08"]
    one = {"class": "worker", "maxSurge": 0, "maxUnavailable": 1}
    return site, {
        "controlPlane": {
            "endpoint": f"{prefix}.13", "virtualRouterId": 99, "replicas": 1, "maxSurge": 1,
            "hosts": ["r3-u02" if environment == "prd" else "r3-u03", "r4-u02"],
        },
        "nodes": {"network": "nodes", "addresses": f"{prefix}.120-{prefix}.150"},
        "pools": {name: {**one, "hosts": [host]} for name, host in zip(pools, free, strict=False)},
    }  # fmt: skip


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
POOLS = st.dictionaries(NAMES, st.integers(0, 3), max_size=2)


@FEW
@given(st.sampled_from(ENVIRONMENTS), st.sampled_from([on_vsphere, on_metal]), NAMES, POOLS, st.booleans())
def test_a_cluster_more_changes_its_folders_and_the_lists_that_name_it(
    environment: Environment,
    infrastructure: Callable[[str, Mapping[str, int]], tuple[str, dict[str, Any]]],
    name: str,
    pools: Mapping[str, int],
    candidate: bool,
) -> None:
    site, order = infrastructure(environment, pools)
    labels = {"labels": {"candidate": "true"}} if candidate else {}
    more = {
        **documents(),
        f"sites/{site}/customer-b/{name}.yaml": {"environment": environment, "zone": "intranet", **labels, **order},
    }
    fleet = a_fleet(more)
    manager = fleet.management_cluster_of(site, environment)
    assert manager is not None
    own = {
        f"definitions/{cluster_folder(manager.name, site, 'customer-b', name)}",
        f"components/{locations_folder(fleet.sites[site].facts.location, site, name)}",
    }
    lists = f"definitions/{flux_folder(manager.name, environment)}"
    for each in ENVIRONMENTS:
        before, after = trees(example(each)), trees(compiled(fleet, each))
        expected = own | {lists} if each == environment else set()
        if infrastructure is on_metal and each == manager.spec.owning_environment:
            expected |= {f"definitions/{site_folder(manager.name, site)}"}
        assert changed(before, after) == expected
        if each == environment:
            listed = difference(before[lists], after[lists])
            told = ("alerts.yaml",) if manager.spec.facts.alerts else ()
            assert listed == ChangeSet((f"{site}-{name}.yaml",), (*told, KUSTOMIZATION))


# Layers 1 to 6 of head


EDITS: tuple[tuple[str, str, Any], ...] = (
    ("defaults.yaml", "registry", "mirror.schiff.example"),
    ("defaults.yaml", "audit.maxAgeDays", 77),
    ("defaults.yaml", "access.oidc.clientId", "other"),
    ("environments/tst.yaml", "health.unhealthySeconds", 77),
    ("environments/ref.yaml", "health.unhealthySeconds", 77),
    ("environments/prd.yaml", "audit.maxAgeDays", 77),
    ("providers/vsphere.yaml", "machineClasses.large.cpus", 16),
    ("providers/metal3.yaml", "nodes.mtu", 1500),
    ("zones/internet.yaml", "components.calico.encapsulation", "IPIP"),
    ("classes/far-edge.yaml", "health.unhealthySeconds", 77),
    ("sites/vsphere-site-2/site.yaml", "values.registry", "near.schiff.example"),
    ("fleet.yaml", "baseDomain", "other.example"),
    ("head.yaml", "kubernetes.kubeVip", "v1.0.2"),
    ("head.yaml", "managementPlane.capv", "v1.16.2"),
    ("head.yaml", "components.calico.upgradeFrom", ">=3.31"),
)
FOLLOWERS = {ClusterKey(site, "customer-c-1") for site in ("vsphere-site-1", "baremetal-site-1")}


@FEW
@given(st.lists(st.sampled_from(EDITS), min_size=1, max_size=len(EDITS), unique_by=lambda edit: edit[:2]))
def test_layers_of_head_reach_its_followers_and_no_tree_of_ref_or_prd(edits: list[tuple[str, str, Any]]) -> None:
    edited = documents()
    for path, field, value in edits:
        *above, last = field.split(".")
        here = edited[path]
        for key in above:
            here = here.setdefault(key, {})
        here[last] = value
    fleet = a_fleet(edited)
    for environment in ("ref", "prd"):
        assert changed(trees(example(environment)), trees(compiled(fleet, environment))) == set()
    names = {f"{folder.repository}/{folder.path}": folder.name for folder in example("tst").folders}
    reached = changed(trees(example("tst")), trees(compiled(fleet, "tst")))
    assert {names[path] for path in reached} <= set(map(str, FOLLOWERS))


def test_an_edited_default_does_reach_the_followers_of_head() -> None:
    edited = documents()
    edited["defaults.yaml"]["audit"]["maxAgeDays"] = 77
    del edited["environments/tst.yaml"]["audit"]
    before, after = trees(example("tst")), trees(compiled(a_fleet(edited), "tst"))
    assert changed(before, after) == {
        f"definitions/{cluster_folder('schiff-mgmt-x', key.site, 'customer-c', key.name)}" for key in FOLLOWERS
    }


# Equal input


@FEW
@given(st.randoms(use_true_random=False), st.integers(1, 9), NAMES)
def test_yaml_and_python_in_any_order_of_keys_give_equal_trees(
    tmp_path_factory: pytest.TempPathFactory, random: Any, replicas: int, pool: str
) -> None:
    made = documents()
    made["sites/vsphere-site-1/customer-c/customer-c-1.yaml"]["pools"][pool] = {"class": "large", "replicas": replicas}
    folder = tmp_path_factory.mktemp("fleet")
    files: dict[str, bytes] = {path: to_yaml([_shuffled(data, random)]).encode() for path, data in made.items()}
    files |= EXAMPLE.secrets
    for component, vendored in EXAMPLE.vendored.items():
        files |= {f"components/{component}/{path}": content for path, content in vendored.items()}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    read = load_fleet(folder)
    for environment in ENVIRONMENTS:
        assert trees(compiled(read, environment)) == trees(compiled(a_fleet(made), environment))


def _shuffled(value: Any, random: Any) -> Any:
    if isinstance(value, dict):
        items = [(key, _shuffled(inner, random)) for key, inner in value.items()]
        random.shuffle(items)
        return dict(items)
    return [_shuffled(item, random) for item in value] if isinstance(value, list) else value


# Names of templates


LABELS = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.from_regex(r"[a-z]{1,8}", fullmatch=True), max_size=3
)


@FEW
@given(LABELS, st.sampled_from(["customer-b", "customer-c"]), st.sampled_from(["ref", "tst"]))
def test_templates_are_called_the_same_whatever_rolls_no_machine(
    labels: Mapping[str, str], customer: str, environment: Environment
) -> None:
    """Labels, the customer and the release (head, or one of equal content) are no reason to replace machines."""
    moved = documents()
    for site in ("vsphere-site-1", "baremetal-site-1"):
        order = moved.pop(f"sites/{site}/customer-a/customer-a-1.yaml")
        moved[f"sites/{site}/{customer}/customer-a-1.yaml"] = {
            **order,
            "labels": dict(labels),
            "environment": environment,
        }
    secrets = {
        path.replace("/customer-a/customer-a-1.", f"/{customer}/customer-a-1."): content
        for path, content in EXAMPLE.secrets.items()
    }
    after = compiled(fleet_of(moved, secrets, EXAMPLE.vendored), environment)
    assert _templates(after, "customer-a-1") == _templates(example("tst"), "customer-a-1")


def _templates(environment: CompiledEnvironment, cluster: str) -> set[tuple[str, str]]:
    found = (each for folder in environment.folders for _, each in objects(folder) if each["kind"] in TEMPLATES)
    return {(each["kind"], each["metadata"]["name"]) for each in found if _of(each) == cluster}


def _of(item: Mapping[str, Any]) -> str:
    return str(item["metadata"]["labels"]["cluster.x-k8s.io/cluster-name"])


# Folders


def objects(folder: Folder) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every object of a folder with its file; lists of resources are none."""
    for path, content in folder.files.items():
        if path.endswith((".yml", ".yaml")) and path.rpartition("/")[2] != KUSTOMIZATION:
            text = content if isinstance(content, str) else content.decode()
            yield from ((path, item) for item in yaml.safe_load_all(text))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_list_names_exactly_the_files_below_it(environment: Environment) -> None:
    for name, files in trees(example(environment)).items():
        lists = {posixpath.dirname(path) for path in files if posixpath.basename(path) == KUSTOMIZATION}
        found: dict[str, set[str]] = {below: set() for below in lists}
        for path in files:
            if posixpath.basename(path) != KUSTOMIZATION:
                found[_nearest(path, lists)].add(path)
        for below in lists:
            content = yaml.safe_load(files[posixpath.join(below, KUSTOMIZATION)])
            named = [posixpath.normpath(posixpath.join(below, path)) for path in content["resources"]]
            own = {path for path in named if path not in lists and not path.startswith("..")}
            assert own == found[below], f"{name}/{below}"
            assert len(named) == len(set(named)), f"{name}/{below}"


def _nearest(path: str, lists: set[str]) -> str:
    """Return the innermost folder with a list above a file; a file without one would be applied by nobody."""
    folder = posixpath.dirname(path)
    while folder not in lists:
        assert folder, f"no list is above {path}"
        folder = posixpath.dirname(folder)
    return folder


def test_no_two_folders_hold_one_object() -> None:
    owners: Counter[tuple[str, ...]] = Counter()
    for environment in ENVIRONMENTS:
        for folder in example(environment).folders:
            server = str(folder.path) if folder.repository == "components" else folder.management_cluster
            for _, item in objects(folder):
                group = item["apiVersion"].rpartition("/")[0]
                names = item["metadata"].get("namespace", ""), item["metadata"]["name"]
                owners[(server, group, item["kind"], *names)] += 1
    assert [key for key, count in owners.items() if count > 1] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_waits_for_substitution_and_no_secret_is_plain(environment: Environment) -> None:
    for folder in example(environment).folders:
        for path, content in folder.files.items():
            assert "${" not in (content if isinstance(content, str) else content.decode()), f"{folder.path}/{path}"
        for path, item in objects(folder):
            assert item["kind"] != "Secret" or _is_safe(item), f"{folder.path}/{path}"


def _is_safe(secret: Mapping[str, Any]) -> bool:
    """Return whether a Secret is encrypted, or a token that a cluster fills by itself."""
    empty = not {"data", "stringData"} & secret.keys()
    asked = empty and secret["type"] == "kubernetes.io/service-account-token"
    return asked or str(secret["sops"]["mac"]).startswith("ENC[")


def test_every_environment_has_folders_with_distinct_ids() -> None:
    """A guard against a compiler that says nothing: equal ids would make every property above hold."""
    for environment in ENVIRONMENTS:
        ids = [tree_id(folder.files) for folder in example(environment).folders]
        assert len(ids) == len(set(ids)) > 5

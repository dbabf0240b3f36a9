"""What holds for every component that comes with schiff, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from schiff.checks.documents import KubernetesObject, read_objects
from schiff.checks.immutability import immutability_problems
from schiff.checks.objects import object_problems
from schiff.checks.schemas import schema_problems
from schiff.components.protocol import Component
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.sources.plugins import load_parts, own_components
from schiff.sources.schemas import load_schemas
from schiff.values.versions import ComponentVersion
from tests.components.example_clusters import ExampleUse, example_uses
from tests.components.offered import compiled, recorded, versions

COMPONENTS = own_components()
BOOTSTRAP = {"calico", "flux", "vsphere-cpi"}
PAGES = Path("docs/reference/components")

every_component = pytest.mark.parametrize("component", COMPONENTS.values(), ids=lambda component: component.name)
every_use = pytest.mark.parametrize("use", list(example_uses()), ids=str)


@every_component
def test_the_page_starts_with_the_example_that_the_component_gives(component: Component) -> None:
    text = (PAGES / f"{component.name}.md").read_text(encoding="utf-8")
    title, _, rest = text.partition("\n\n```yaml\n")
    assert title == f"# {component.name}"
    shown = yaml.safe_load(rest.partition("```")[0])
    assert shown == {"components": {component.name: yaml.safe_load(component.example)}}


@every_component
def test_the_example_runs_on_at_least_one_infrastructure(component: Component) -> None:
    assert [use for use in example_uses() if use.component is component]


@every_use
def test_the_example_has_no_problem(use: ExampleUse) -> None:
    assert list(use.component.problems(use.cluster, use.settings)) == []


@every_use
def test_the_examples_objects_fit_the_schemas_and_break_no_rule(use: ExampleUse) -> None:
    for name, objects in use.places.items():
        files = {f"{name}/x{number}.yaml": to_yaml([item]) for number, item in enumerate(objects)}
        found = [item for file, text in files.items() for item in read_objects(file, text)[0]]
        assert list(schema_problems(found, load_schemas())) == []
        assert list(object_problems(found, load_schemas(), files, whole=False)) == []


@every_use
def test_no_object_has_two_owners_and_equal_input_gives_equal_bytes(use: ExampleUse) -> None:
    tenant = [item for name, objects in use.places.items() if name != "management" for item in objects]
    names = [(item.api_version.partition("/")[0], item.kind, item.namespace, item.name) for item in tenant]
    assert len(set(names)) == len(names)
    again = next(other for other in example_uses() if str(other) == str(use))
    assert {name: to_yaml(list(objects)) for name, objects in use.places.items()} == {
        name: to_yaml(list(objects)) for name, objects in again.places.items()
    }


@every_use
def test_objects_live_in_namespaces_that_exist(use: ExampleUse) -> None:
    made = {name for component in COMPONENTS.values() for name in component.namespaces}
    for item in (*use.places["inputs"], *use.places["objects"]):
        if item.namespace:
            assert item.namespace in {*made, "default", "kube-system", "schiff-system"}, item.name


# --- order


def test_only_the_network_the_clouds_controller_and_flux_need_the_management_plane() -> None:
    assert {name for name, component in COMPONENTS.items() if component.bootstrap} == BOOTSTRAP


@every_component
def test_what_comes_first_exists_and_bootstrap_waits_for_nothing_that_is_pulled(component: Component) -> None:
    first = {*component.requires, *component.after}
    assert first <= set(COMPONENTS)
    if component.bootstrap:
        assert first <= BOOTSTRAP
    elif component.name != "flux":
        assert "calico" in _all_before(component)


def test_nothing_comes_before_itself() -> None:
    for component in COMPONENTS.values():
        assert component.name not in _all_before(component)


def _all_before(component: Component) -> set[str]:
    found: set[str] = set()
    waiting = [*component.requires, *component.after]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [*COMPONENTS[name].requires, *COMPONENTS[name].after]
    return found


# --- versions


def _steps() -> Iterator[tuple[str, str, str]]:
    offered: dict[str, list[str]] = {}
    for name, version in versions():
        offered.setdefault(name, []).append(version)
    for name, found in sorted(offered.items()):
        for one, other in pairwise(sorted(found, key=ComponentVersion.parse)):
            yield name, one, other


STEPS = list(_steps())
every_step = pytest.mark.parametrize(("name", "one", "other"), STEPS, ids=["-".join(step) for step in STEPS])


@every_component
def test_a_version_is_on_offer_with_the_range_it_follows(component: Component) -> None:
    offered = [version for name, version in versions() if name == component.name]
    assert offered
    entry = yaml.safe_load(Path(f"stacks/fleet/components/{component.name}.yaml").read_text(encoding="utf-8"))
    assert all("kubernetes" in entry["versions"][version] for version in offered)


@every_step
def test_the_difference_of_two_versions_is_known(name: str, one: str, other: str, assert_golden: Any) -> None:
    before, after = _objects(name, one), _objects(name, other)
    lines = [f"- {key}" for key in sorted(before.keys() - after.keys())]
    lines += [f"+ {key}" for key in sorted(after.keys() - before.keys())]
    same = sorted(before.keys() & after.keys())
    lines += [f"~ {key}" for key in same if before[key].data != after[key].data]
    assert_golden(f"components/versions/{name}-{one}-{other}.txt", "\n".join([f"{name} {one} -> {other}", *lines, ""]))


@every_step
def test_no_version_changes_in_place_what_never_may(name: str, one: str, other: str) -> None:
    before, after = _texts(name, one), _texts(name, other)
    found = list(immutability_problems(before, after, load_parts().never))
    assert [problem.message for problem in found] == []


def _texts(name: str, version: str) -> dict[str, str]:
    files = compiled(name, version).items()
    return {path: content if isinstance(content, str) else content.decode() for path, content in files}


def _objects(name: str, version: str) -> dict[str, KubernetesObject]:
    files: Mapping[str, str] = _texts(name, version)
    read = (read_objects(path, text)[0] for path, text in files.items() if not path.endswith("kustomization.yaml"))
    return {f"{item.file.partition('/')[0]} {item.title}": item for found in read for item in found}


def test_the_catalogue_records_every_offered_version() -> None:
    assert all(recorded(name, version) for name, version in versions())


def test_manifests_are_the_only_thing_components_give() -> None:
    assert all(
        isinstance(item, Manifest) for use in example_uses() for objects in use.places.values() for item in objects
    )

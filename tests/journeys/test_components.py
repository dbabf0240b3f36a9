"""Every component that comes with schiff, judged by a real API server: its folders, and what its example makes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from schiff.manifests.yaml import to_yaml
from tests.bed.crds import CrdSet
from tests.bed.dry_run import dry_run, refusals
from tests.bed.kubernetes_client import KubernetesClient
from tests.components.example_clusters import ExampleUse, example_uses
from tests.components.offered import compiled, versions

_INSTRUCTION = "apiVersion: kustomize.config.k8s.io/"

pytestmark = pytest.mark.xdist_group("api-server")


@pytest.mark.parametrize(("name", "version"), list(versions()))
def test_every_object_of_every_version_on_offer_is_accepted(
    name: str, version: str, api_server: KubernetesClient, crds: CrdSet
) -> None:
    objects = list(_documents(name, version))
    assert objects
    assert refusals(dry_run(api_server, "\n---\n".join(objects)), crds) == []


@pytest.mark.parametrize("use", list(example_uses()), ids=str)
def test_every_object_of_the_example_is_accepted_as_it_was_meant(
    use: ExampleUse, api_server: KubernetesClient, crds: CrdSet
) -> None:
    for objects in use.places.values():
        if objects:
            assert refusals(dry_run(api_server, to_yaml(list(objects))), crds) == []


def _documents(name: str, version: str) -> Iterator[str]:
    for path, content in compiled(name, version).items():
        text = content if isinstance(content, str) else content.decode()
        if path.endswith((".yaml", ".yml")):
            for document in re.split(r"^---.*\n", text, flags=re.MULTILINE):
                if "apiVersion:" in document and _INSTRUCTION not in document:
                    yield document

"""Every component that comes with schiff, judged by a real API server: its folders, and what its example makes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from schiff.manifests.yaml import to_yaml
from tests.bed.crds import CrdSet
from tests.bed.dry_run import UNKNOWN_KIND, Verdict, dry_run
from tests.bed.kubernetes_client import KubernetesClient
from tests.components.example_clusters import ExampleUse, example_uses
from tests.components.offered import compiled, versions

SERVED_BY_NOBODY = {
    "TridentBackendConfig": "the definition is text inside a program; its component checks it",
    "Certificate": "cert-manager stands on a management cluster before anything of ours",
    "Issuer": "cert-manager stands on a management cluster before anything of ours",
    "InfobloxInstance": "no released module and no list of definitions serves it",
    "InfobloxIPPool": "no released module and no list of definitions serves it",
}
_INSTRUCTION = "apiVersion: kustomize.config.k8s.io/"

pytestmark = pytest.mark.xdist_group("api-server")


@pytest.mark.parametrize(("name", "version"), list(versions()))
def test_every_object_of_every_version_on_offer_is_accepted(
    name: str, version: str, api_server: KubernetesClient, crds: CrdSet
) -> None:
    objects = list(_documents(name, version))
    assert objects
    _require_accepted(dry_run(api_server, "\n---\n".join(objects)), crds)


@pytest.mark.parametrize("use", list(example_uses()), ids=str)
def test_every_object_of_the_example_is_accepted_as_it_was_meant(
    use: ExampleUse, api_server: KubernetesClient, crds: CrdSet
) -> None:
    for objects in use.places.values():
        if objects:
            _require_accepted(dry_run(api_server, to_yaml(list(objects))), crds)


def _documents(name: str, version: str) -> Iterator[str]:
    for path, content in compiled(name, version).items():
        text = content if isinstance(content, str) else content.decode()
        if path.endswith((".yaml", ".yml")):
            for document in re.split(r"^---.*\n", text, flags=re.MULTILINE):
                if "apiVersion:" in document and _INSTRUCTION not in document:
                    yield document


def _require_accepted(verdicts: list[Verdict], crds: CrdSet) -> None:
    known = [verdict for verdict in verdicts if not _is_unknown_here(verdict, crds)]
    assert [str(verdict) for verdict in known if not verdict.accepted] == []
    assert {str(verdict.document): verdict.misread for verdict in known if verdict.misread} == {}


def _is_unknown_here(verdict: Verdict, crds: CrdSet) -> bool:
    value = verdict.document.value
    missing = any(crd.resource.endswith(f".{value['apiVersion'].split('/')[0]}") for crd in crds.missing)
    return verdict.message == UNKNOWN_KIND and (missing or value["kind"] in SERVED_BY_NOBODY)

"""The example fleet, delivered by the real engine, read back from Git and judged by a real API server."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bed.crds import CrdSet
from tests.bed.dry_run import dry_run, refusals
from tests.bed.kubernetes_client import KubernetesClient
from tests.git.repositories import files, git
from tests.journeys.pulumi_project import PulumiProject
from tools.parts import ROOT

ENVIRONMENTS = ("tst", "ref", "prd")
_INSTRUCTION = "apiVersion: kustomize.config.k8s.io/"


class Delivered:
    """The example fleet after `up` of all three environments: what was said, and what lies in Git."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        shutil.copytree(ROOT / "stacks", root / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
        for file in [*ROOT.glob("Pulumi*.yaml"), ROOT / ".gitignore"]:
            shutil.copy(file, root)
        (root / ".venv").symlink_to(Path(sys.executable).parent.parent)
        self.project = PulumiProject(root)
        git(root, "init", "-q", "-b", "main")
        self.project.commit_fleet()
        self.project.schiff("ledger", "init", "--all")
        self.answers = {env: self.project.json("up", "-e", env) for env in ENVIRONMENTS}
        self.files = {
            f"{repository}/{path}": text
            for repository in ("definitions", "components")
            for path, text in files(self.project.repository(repository)).items()
        }

    def owned_by(self, environment: str) -> Mapping[str, str]:
        """Return the files an environment's manifest names, and the component folders its clusters use."""
        owned = {
            f"{repository}/{line['path']}/"
            for repository in ("definitions", "components")
            for line in map(yaml.safe_load, self.files[f"{repository}/.schiff/{environment}.json"].splitlines()[1:])
        }
        shared = tuple(f"components/components/{name}/" for name in self.running(environment))
        return {
            path: text
            for path, text in self.files.items()
            if path.startswith((*owned, *shared)) and path.endswith((".yml", ".yaml"))
        }

    def running(self, environment: str) -> set[str]:
        """Return the components that the environment's clusters run."""
        asked = self.project.json("where", "-e", environment)["components"]
        return {str(one["component"]) for one in asked}

    def objects(self, environment: str) -> Iterator[str]:
        """Return each document that is an object; an encrypted one as Flux hands it on, without sops' own map."""
        for text in self.owned_by(environment).values():
            for document in re.split(r"^---.*\n", text, flags=re.MULTILINE):
                if "apiVersion:" in document and _INSTRUCTION not in document:
                    yield _decrypted_shape(document)


def _decrypted_shape(document: str) -> str:
    if "\nsops:\n" not in document:
        return document
    value = yaml.safe_load(document)
    del value["sops"]
    text: str = yaml.safe_dump(value, sort_keys=False)
    return text


@pytest.fixture(scope="module")
def delivered(bin_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    """Deliver the example fleet once."""
    assert (bin_dir / "pulumi").exists()
    return Delivered(tmp_path_factory.mktemp("example") / "fleet")


def _said(answer: Any) -> Any:
    return answer[0] if isinstance(answer, list) else answer


@pytest.mark.xdist_group("api-server")
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_server_accepts_exactly_the_objects_that_were_printed_and_committed(
    environment: str, delivered: Delivered, api_server: KubernetesClient, crds: CrdSet
) -> None:
    objects = list(delivered.objects(environment))
    verdicts = dry_run(api_server, "\n---\n".join(objects))
    assert refusals(verdicts, crds) == []
    assert len(verdicts) == len(objects) == _said(delivered.answers[environment])["objects"]


@pytest.mark.xdist_group("api-server")
def test_both_repositories_hold_the_expected_files(
    delivered: Delivered, assert_golden: Callable[[str, str], None]
) -> None:
    assert_golden("example-fleet/files.txt", "\n".join(sorted(delivered.files)) + "\n")


@pytest.mark.xdist_group("api-server")
def test_delivering_again_makes_no_commit_and_leaves_the_checkout_clean(delivered: Delivered) -> None:
    before = delivered.project.heads()
    for environment in ENVIRONMENTS:
        delivered.project.schiff("up", "-e", environment)
    assert delivered.project.heads() == before
    assert git(delivered.project.root, "status", "--porcelain") == ""


@pytest.mark.xdist_group("api-server")
def test_an_edited_default_reaches_followers_in_tst_and_no_file_of_ref_or_prd(delivered: Delivered) -> None:
    defaults = delivered.project.root / "stacks/fleet/defaults.yaml"
    text = defaults.read_text()
    defaults.write_text(text.replace("maxBackups: 10", "maxBackups: 12"))
    try:
        changed = {env: _changed_clusters(delivered.project.json("preview", "-e", env)) for env in ENVIRONMENTS}
    finally:
        defaults.write_text(text)
    assert changed == {
        "tst": {"vsphere-site-1/customer-c-1", "baremetal-site-1/customer-c-1"},
        "ref": set(),
        "prd": set(),
    }


def _changed_clusters(answer: Any) -> set[str]:
    text = str(answer)
    return set(re.findall(r"(?:vsphere|baremetal|edge)-site-\d/customer-[a-c]-\d", text))

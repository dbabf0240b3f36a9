"""The version before beside this one, in one `up`: each cluster keeps the bytes of the schiff that cut its release."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.git.repositories import files
from tests.journeys.pulumi_project import RELEASE, PulumiProject, a_small_fleet
from tests.makers import fleet_folder
from tests.other_schiff import VERSION, Schiff, built_wheel, made_environment

FOLLOWER = "locations/location-1/vsphere-site-1/customer-a-1"
CANDIDATE = "locations/location-1/baremetal-site-1/customer-a-2"
MANAGEMENT = "locations/location-1/vsphere-site-1/schiff-mgmt-x"
PRODUCTION = "locations/location-1/vsphere-site-1/customer-a-9"
TOLD = "configmaps/schiff-release_"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of the version before."""
    return built_wheel(tmp_path_factory.mktemp("version"))


@pytest.fixture(scope="module")
def earlier(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Schiff:
    """Return the version before, installed as its users had it."""
    return made_environment(tmp_path_factory.mktemp("earlier") / "env", wheel)


@pytest.fixture
def project(earlier: Schiff, bin_dir: Path, tmp_path: Path) -> PulumiProject:
    """Return a project whose release the version before cut, without that version on this machine."""
    assert (bin_dir / "pulumi").exists()
    fleet = fleet_folder(tmp_path / "fleet", a_small_fleet())
    earlier.run("release", "cut", "--fleet", str(fleet), "--name", RELEASE, "--at", "2026-11-22T06:00:00Z")
    made = PulumiProject.around(tmp_path / "project", fleet)
    made.variables.update({"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"})
    return made


def compiled_by(project: PulumiProject, folder: str) -> str:
    """Return which version compiled a cluster's folder, by the one byte in which they differ."""
    delivered = files(project.repository("components")).items()
    [told] = [text for path, text in delivered if path.startswith(f"{folder}/{TOLD}")]
    [hold] = [line for line in told.splitlines() if line.strip().startswith("hold:")]
    return {"never": "the version before", '"false"': "this version"}[hold.split()[-1]]


def test_one_up_compiles_each_cluster_by_the_version_of_its_release(
    project: PulumiProject, wheel: Path, earlier: Schiff
) -> None:
    missing = project.json("up", "-e", "tst", status=1)
    assert missing["code"] == "no-version"
    assert f"put schiff-{VERSION}-py3-none-any.whl into" in missing["message"]
    assert set(project.heads().values()) == {""}

    (project.root / ".schiff" / "wheels").mkdir(parents=True)
    shutil.copy(wheel, project.root / ".schiff" / "wheels")
    assert "No module named" in project.json("up", "-e", "tst", status=1)["message"]
    earlier.lend(project.root / ".schiff" / "versions" / VERSION)
    project.schiff("up", "-e", "tst")
    assert compiled_by(project, FOLLOWER) == "this version"
    assert compiled_by(project, CANDIDATE) == "the version before"
    assert compiled_by(project, MANAGEMENT) == "the version before"
    lists = files(project.repository("definitions"))["schiff-mgmt-x/flux/tst/kustomization.yaml"]
    assert "- vsphere-site-1-customer-a-1.yaml" in lists
    assert "- baremetal-site-1-customer-a-2.yaml" in lists
    assert project.schiff("up", "-e", "tst").count("no changes") == 2


def test_upgrading_schiff_alone_changes_no_byte_in_production(
    project: PulumiProject, earlier: Schiff, tmp_path: Path
) -> None:
    """I21: upgrading schiff alone changes no byte in `ref` or `prd`."""
    (project.root / ".schiff" / "versions").mkdir(parents=True)
    (project.root / ".schiff" / "versions" / VERSION).symlink_to(earlier.environment)
    project.schiff("up", "-e", "prd")
    assert compiled_by(project, PRODUCTION) == "the version before"
    ledger = str(project.root / ".schiff" / "ledger.git")
    for environment in ("ref", "prd"):
        words = ("render", "--fleet", str(project.root / "stacks" / "fleet"), "-e", environment, "--ledger", ledger)
        before, after = tmp_path / f"before-{environment}", tmp_path / f"after-{environment}"
        earlier.run(*words, "--out", str(before), folder=tmp_path)
        project.schiff(*words, "--out", str(after))
        assert written(before) == written(after)


def written(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

"""Making the environment of another version: from a wheel that is the right one, or not at all."""

from __future__ import annotations

import shutil
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from schiff.compiler.handover import Handover
from schiff.errors import Failed, Tampered
from schiff.layers.resolve import resolve_environment
from schiff.model.release import Assignments
from schiff.sources.compiling import handovers
from schiff.sources.fleet_files import load_fleet
from schiff.sources.other_versions import OtherVersions
from schiff.sources.program import Program, digest_of_installed, digest_of_wheel
from schiff.values.digests import HEAD
from tests.makers import fleet_documents, fleet_folder
from tests.other_schiff import NO_INDEX, pose_as
from tests.sources.versioned_fleet import CUT, MANAGEMENT, OLD, ON_VSPHERE, World, cut

SENTENCE = r"release 2026\.46\.0 is compiled by schiff 1\.4\.0"


@pytest.fixture(autouse=True)
def _no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NO_INDEX.items():
        monkeypatch.setenv(name, value)


def versions_in(folder: Path) -> OtherVersions:
    return OtherVersions(folder / "versions", folder / "wheels", folder / "cache")


def a_wheel(folder: Path, version: str = "1.4.0", content: str = "") -> Path:
    """Write a wheel that pip installs: a program that says what it is called with."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"schiff-{version}.dist-info"
    files = {
        "schiff/__init__.py": f"# {version}\n{content}",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: schiff\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    wheel = folder / f"schiff-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def a_handover(folder: Path) -> Handover:
    """Return what is to be compiled on a release that a program of version 1.4.0 cut."""
    fleet = fleet_folder(folder / "fleet", fleet_documents())
    cut(fleet, OLD, Program("1.4.0", f"sha256:{'4' * 64}"), CUT)
    world = World(load_fleet(fleet), versions_in(folder))
    management, tenants = {MANAGEMENT: world.run(HEAD)}, {ON_VSPHERE: world.run(OLD)}
    runs = resolve_environment(world.fleet, "tst", Assignments(tenants, management))
    [call] = handovers(runs, {world.digest(OLD)})
    return call


def test_a_wheel_and_what_is_installed_from_it_have_one_digest(tmp_path: Path) -> None:
    wheel = a_wheel(tmp_path / "wheels")
    program = Program("1.4.0", digest_of_wheel(wheel))
    with pytest.raises(Failed, match=r"bin/schiff cannot be run"):
        versions_in(tmp_path).compile_(a_handover(tmp_path), program)
    [packages] = (tmp_path / "versions" / "1.4.0").glob("lib/python3*/site-packages")
    [installed] = distributions(name="schiff", path=[str(packages)])
    assert digest_of_installed(installed) == program.wheel


def test_packing_a_wheel_anew_changes_no_digest_and_any_byte_of_it_does(tmp_path: Path) -> None:
    one, other = a_wheel(tmp_path / "one"), a_wheel(tmp_path / "other", content="x = 1\n")
    packed = tmp_path / "packed.whl"
    with zipfile.ZipFile(one) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as again:
        for name in reversed(archive.namelist()):
            again.writestr(name, archive.read(name))
        again.writestr("schiff/__pycache__/__init__.cpython-311.pyc", b"\0")
    assert digest_of_wheel(packed) == digest_of_wheel(one)
    assert digest_of_wheel(other) != digest_of_wheel(one)


def test_a_version_that_is_nowhere_is_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=f"{SENTENCE}, which could not be installed") as failed:
        versions_in(tmp_path).compile_(a_handover(tmp_path), Program("1.4.0", f"sha256:{'4' * 64}"))
    assert failed.value.code == "no-version"
    assert f"put schiff-1.4.0-py3-none-any.whl into {tmp_path / 'wheels'} (setting schiff:versions)" in str(
        failed.value
    )
    assert not (tmp_path / "versions" / "1.4.0").exists()


def test_a_wheel_that_is_another_one_is_not_installed(tmp_path: Path) -> None:
    a_wheel(tmp_path / "wheels", content="import evil\n")
    with pytest.raises(Tampered, match=f"{SENTENCE} of digest sha256:4444") as tampered:
        versions_in(tmp_path).compile_(a_handover(tmp_path), Program("1.4.0", f"sha256:{'4' * 64}"))
    assert "schiff-1.4.0-py3-none-any.whl has sha256:" in str(tampered.value)
    assert not (tmp_path / "versions" / "1.4.0").exists()


def test_an_environment_that_was_edited_does_not_run(tmp_path: Path) -> None:
    versions = versions_in(tmp_path)
    program = Program("1.4.0", pose_as(versions.environments, "1.4.0", "touch ran"))
    [metadata] = versions.environments.glob("1.4.0/lib/*/site-packages/*.dist-info/METADATA")
    metadata.write_text(metadata.read_text() + "Requires-Dist: evil\n")
    with pytest.raises(Tampered, match=r"what is installed in .* is another one; remove that folder"):
        versions.compile_(a_handover(tmp_path), program)


def test_an_installation_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    versions = versions_in(tmp_path)
    half = versions.environments / "1.4.0" / "lib" / "python3.11" / "site-packages"
    half.mkdir(parents=True)
    wheel = a_wheel(tmp_path / "wheels")
    with pytest.raises(Failed, match=r"bin/schiff cannot be run"):
        versions.compile_(a_handover(tmp_path), Program("1.4.0", digest_of_wheel(wheel)))
    assert list(half.glob("schiff-*.dist-info"))


def test_a_wheel_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "schiff-1.4.0-py3-none-any.whl").write_text("no zip")
    with pytest.raises(Failed, match="cannot be read as a wheel"):
        versions_in(tmp_path).compile_(a_handover(tmp_path), Program("1.4.0", f"sha256:{'4' * 64}"))


def test_what_another_version_says_last_is_said(tmp_path: Path) -> None:
    versions = versions_in(tmp_path)
    program = Program("1.4.0", pose_as(versions.environments, "1.4.0", "echo boom >&2; exit 1"))
    with pytest.raises(Failed, match=f"{SENTENCE}, which says: boom") as failed:
        versions.compile_(a_handover(tmp_path), program)
    assert failed.value.code == "other-version"


def test_a_cache_that_is_gone_costs_a_compile_and_nothing_else(tmp_path: Path) -> None:
    versions = versions_in(tmp_path)
    program = Program("1.4.0", pose_as(versions.environments, "1.4.0"))
    call = a_handover(tmp_path)
    first = versions.compile_(call, program)
    shutil.rmtree(versions.cache)
    assert versions.compile_(call, program) == first

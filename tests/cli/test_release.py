from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from schiff.cli.release import release_app
from schiff.errors import InvalidInput, Refused, SchiffError, Tampered
from schiff.rollout.names import release_name
from schiff.sources.fleet_files import load_fleet
from schiff.sources.program import Program
from tests.cli.fleet_folder import write_fleet
from tests.makers import changed

AT = "2026-11-22T09:00:00+00:00"


def run(*args: str) -> Result:
    return CliRunner().invoke(release_app, list(args))


def cut(fleet: Path, *args: str) -> Result:
    return run("cut", "--fleet", str(fleet), "--name", "2026.48.0", "--at", AT, *args)


def error(result: Result) -> SchiffError:
    assert isinstance(result.exception, SchiffError)
    return result.exception


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_cutting_writes_a_release_that_the_fleet_then_has(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    result = cut(fleet)
    assert result.exit_code == 0, result.output
    layers = load_fleet(fleet).release_named("2026.48.0")
    assert layers is not None
    assert f"digest {layers.digest}" in result.output
    assert layers.release.cut == "2026-11-22T09:00:00Z"


def test_a_release_cut_from_a_source_checkout_says_so(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    layers = load_fleet(fleet).release_named("2026.48.0")
    assert layers is not None
    assert layers.release.management_plane.schiff == "source"


def test_layers_are_copied_byte_for_byte(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    for path in ("defaults.yaml", "environments/prd.yaml", "providers/vsphere.yaml"):
        assert (fleet / "releases/2026.48.0" / path).read_bytes() == (fleet / path).read_bytes()


def test_layers_of_a_release_resolve_to_what_head_says(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    loaded = load_fleet(fleet)
    (layers,) = loaded.releases.values()
    assert {name: document.data for name, document in layers.sites.items()} == {
        name: document.data for name, document in loaded.head.sites.items() if document.data
    }
    assert layers.settings == loaded.head.settings
    assert layers.catalogue == loaded.head.catalogue
    assert layers.release.components == loaded.head.release.components


def test_equal_fleets_and_times_give_equal_releases(tmp_path: Path) -> None:
    one, other = write_fleet(tmp_path / "one"), write_fleet(tmp_path / "other")
    cut(one)
    cut(other)
    assert files_below(one) == files_below(other)


def test_cutting_adds_the_folder_and_touches_nothing_else(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    before = files_below(tmp_path)
    cut(fleet)
    after = files_below(tmp_path)
    assert {path: after[path] for path in before} == before
    assert all(path.startswith("fleet/releases/2026.48.0/") for path in after.keys() - before.keys())


def test_an_existing_release_is_never_rewritten(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    before = files_below(fleet)
    refused = error(cut(fleet))
    assert isinstance(refused, Refused)
    assert "exists already" in str(refused)
    assert files_below(fleet) == before


def test_a_folder_that_stands_in_the_way_is_left_alone(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    (fleet / "releases/2026.48.0").mkdir(parents=True)
    assert isinstance(error(cut(fleet)), Refused)
    assert list((fleet / "releases/2026.48.0").iterdir()) == []


def test_a_second_release_names_the_first(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    later = run("cut", "--fleet", str(fleet), "--name", "2026.50.0", "--at", "2026-12-08T09:00:00Z")
    assert later.exit_code == 0, later.output
    layers = load_fleet(fleet).release_named("2026.50.0")
    assert layers is not None
    assert layers.release.parent == "2026.48.0"


def test_without_a_name_a_release_is_called_after_its_week(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    before = datetime.now(UTC)
    found = json.loads(run("cut", "--fleet", str(fleet), "--json").output)
    assert found["name"] in {release_name(before), release_name(datetime.now(UTC))}
    assert "release.lock" in found["files"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--name", "../x"), "is not the name of a release"),
        (("--at", "yesterday"), "not a moment with a zone"),
        (("--at", "2026-11-24T09:00:00"), "not a moment with a zone"),
    ],
)
def test_a_bad_name_or_time_is_bad_input_and_writes_nothing(tmp_path: Path, args: tuple[str, ...], said: str) -> None:
    fleet = write_fleet(tmp_path)
    found = error(run("cut", "--fleet", str(fleet), *args))
    assert isinstance(found, InvalidInput)
    assert said in str(found)
    assert not (fleet / "releases").exists()


def test_show_names_digest_and_versions(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    (layers,) = load_fleet(fleet).releases.values()
    shown = run("show", "2026.48.0", "--fleet", str(fleet)).output
    for text in (layers.digest, str(layers.release.kubernetes.version), "source", "2026-11-22T09:00:00Z"):
        assert text in shown
    found = json.loads(run("show", "2026.48.0", "--fleet", str(fleet), "--json").output)
    assert found["digest"] == layers.digest
    assert found["components"] == {name: str(pin.version) for name, pin in layers.release.components.items()}


def test_show_of_an_unknown_release_names_those_there_are(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    found = error(run("show", "2026.1.0", "--fleet", str(fleet)))
    assert isinstance(found, InvalidInput)
    assert "no release '2026.1.0'; its releases: 2026.48.0" in str(found)


def test_an_edited_release_is_tampering(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    (fleet / "releases/2026.48.0/defaults.yaml").write_text("registry: registry.invalid\n", encoding="utf-8")
    found = error(run("show", "2026.48.0", "--fleet", str(fleet)))
    assert isinstance(found, Tampered)
    assert "releases/2026.48.0/defaults.yaml was changed" in str(found)


def test_a_release_that_is_what_its_lock_says_verifies_and_names_its_program(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    (layers,) = load_fleet(fleet).releases.values()
    said = run("verify", "2026.48.0", "--fleet", str(fleet)).output
    assert "release 2026.48.0 is what its lock says" in said
    assert layers.digest in said
    assert "schiff source: it was cut from a source checkout, so whichever schiff runs compiles it" in said
    found = json.loads(run("verify", "2026.48.0", "--fleet", str(fleet), "--json").output)
    assert (found["code"], found["digest"], found["schiff"]) == ("ok", layers.digest, "source")


@pytest.mark.parametrize("edited", ["releases/2026.48.0/zones/intranet.yaml", "releases/2026.48.0/release.yaml"])
def test_verify_ends_with_tampering_for_any_edited_file(tmp_path: Path, edited: str) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    text = (fleet / edited).read_text()
    (fleet / edited).write_text(text.replace("VXLANCrossSubnet", "VXLAN").replace("v1.35.4", "v1.35.5"))
    found = error(run("verify", "2026.48.0", "--fleet", str(fleet)))
    assert isinstance(found, Tampered)
    assert f"{edited} was changed" in str(found)


def test_a_release_that_an_installed_schiff_cuts_names_its_version_and_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = write_fleet(tmp_path)
    program = Program("1.4.0", f"sha256:{'4' * 64}")
    monkeypatch.setattr("schiff.cli.release.running_program", lambda: program)
    cut(fleet)
    lock = json.loads((fleet / "releases/2026.48.0/release.lock").read_text())
    assert lock["schiff"] == {"version": "1.4.0", "wheel": program.wheel}
    said = run("verify", "2026.48.0", "--fleet", str(fleet)).output
    assert f"schiff 1.4.0 of digest {program.wheel}: another version, in an environment of its own" in said
    monkeypatch.setattr("schiff.sources.compiling.running_program", lambda: program)
    assert "the one that runs" in run("verify", "2026.48.0", "--fleet", str(fleet)).output
    lock["schiff"]["wheel"] = f"sha256:{'5' * 64}"
    (fleet / "releases/2026.48.0/release.lock").write_text(json.dumps(lock))
    assert isinstance(error(run("verify", "2026.48.0", "--fleet", str(fleet))), Tampered)


def edit(fleet: Path, path: str, field: str, value: object) -> None:
    """Write a value into a file at head, as a merge request would."""
    write_fleet(fleet.parent, {path: changed(path, field, value)[path]})


def test_diff_ends_with_7_when_two_releases_differ_and_names_each_value(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    same = run("diff", "2026.48.0", "head", "--fleet", str(fleet))
    assert (same.exit_code, same.output) == (0, "clusters would be the same on 2026.48.0 and on head\n")
    edit(fleet, "defaults.yaml", "registry", "elsewhere.example")
    other = run("diff", "2026.48.0", "head", "--fleet", str(fleet))
    assert other.exit_code == 7
    assert other.output == "defaults.yaml: registry: registry.schiff.example -> elsewhere.example\n"
    found = json.loads(run("diff", "2026.48.0", "head", "--fleet", str(fleet), "--json").output)
    assert (found["differ"], found["status"], list(found["documents"])) == (True, 7, ["defaults.yaml"])


def test_diff_names_the_releases_there_are(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    found = error(run("diff", "2026.48.0", "2026.1.0", "--fleet", str(fleet)))
    assert "no release '2026.1.0'; its releases: 2026.48.0" in str(found)


def test_a_hotfix_is_cut_from_its_parent_and_says_what_it_changes(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut(fleet)
    edit(fleet, "defaults.yaml", "registry", "elsewhere.example")
    edit(fleet, "head.yaml", "components.calico.version", "v3.32.2")
    edit(fleet, "components/calico.yaml", "versions", {"v3.32.1": {}, "v3.32.2": {}})
    asked = ("cut", "--fleet", str(fleet), "--hotfix", "--parent", "2026.48.0", "--component", "calico", "--at", AT)
    made = run(*asked)
    assert made.exit_code == 0, made.output
    assert "release 2026.47.1 is cut" in made.output
    shown = run("show", "2026.47.1", "--fleet", str(fleet)).output
    assert "kind         hotfix" in shown
    assert "changes      calico" in shown
    said = run("diff", "2026.48.0", "2026.47.1", "--fleet", str(fleet)).output.splitlines()
    assert said[0] == "components: calico.version: v3.32.1 -> v3.32.2"
    assert {line.partition(":")[0] for line in said} == {"components", "components/calico.yaml"}


@pytest.mark.parametrize("named", [("--parent", "2026.48.0"), ("--component", "calico")])
def test_only_a_hotfix_names_parent_and_components(tmp_path: Path, named: tuple[str, str]) -> None:
    fleet = write_fleet(tmp_path)
    found = error(cut(fleet, *named))
    assert isinstance(found, InvalidInput)
    assert "only a hotfix names parent and components" in str(found)
    assert not (fleet / "releases").exists()


@pytest.mark.parametrize("command", ["cut", "show", "verify", "diff"])
def test_help_starts_with_an_example(command: str) -> None:
    text = run(command, "--help").output
    assert f"Example: schiff release {command}" in text

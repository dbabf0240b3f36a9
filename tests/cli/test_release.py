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
from tests.cli.fleet_folder import write_fleet

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


@pytest.mark.parametrize("command", ["cut", "show"])
def test_help_starts_with_an_example(command: str) -> None:
    text = run(command, "--help").output
    assert f"Example: schiff release {command}" in text

"""`schiff check` says everything at once, and writes nothing."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from schiff.checks.compiled import compiled_files
from schiff.cli.check import HELP, check
from schiff.compiler.environment import compile_environment
from schiff.delivery.delivered import DeliveredManifest, LedgerHead, Line
from schiff.errors import InvalidInput, Problem
from schiff.git.repository import append_files, ensure_bare
from schiff.sources import manifest_files
from schiff.sources.plugins import load_parts
from tests.cli.fleet_folder import write_fleet
from tests.makers import VSPHERE_ORDER, a_resolved_environment, changed

GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: kube-system}\n"
LIST = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [x.yaml]\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder without project, repositories and ledger."""
    monkeypatch.chdir(tmp_path)


def run(*args: str | Path) -> Result:
    app = typer.Typer()
    app.command(help=HELP)(check)
    return CliRunner().invoke(app, [str(arg) for arg in args])


def problems(result: Result) -> tuple[Problem, ...]:
    assert isinstance(result.exception, InvalidInput), result.output
    return result.exception.problems


def git(folder: Path, *args: str) -> None:
    who = {f"GIT_{role}_{part}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, env={**os.environ, **who})


def test_a_good_fleet_passes_with_one_line_and_says_what_it_could_not_compare(tmp_path: Path) -> None:
    result = run("--fleet", write_fleet(tmp_path))
    assert result.exit_code == 0, result.exception
    first, second = result.output.splitlines()
    assert first.startswith("2 clusters in tst, ref, prd: ")
    assert first.endswith(" hold")
    assert second.startswith("tst, ref, prd: nothing was delivered that this could be compared with")


def test_the_example_fleet_passes() -> None:
    result = run("--fleet", Path(__file__).parents[2] / "stacks" / "fleet")
    assert result.exit_code == 0, result.exception


def test_nothing_is_written(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    run("--fleet", fleet)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_problems_of_all_files_come_together_and_sorted(tmp_path: Path) -> None:
    documents = changed(VSPHERE_ORDER, "zoen", "intranet", changed("defaults.yaml", "registri", "x"))
    found = problems(run("--fleet", write_fleet(tmp_path, documents)))
    assert [problem.place.file for problem in found] == ["defaults.yaml", VSPHERE_ORDER]
    assert all(problem.place.line for problem in found)


def test_approvers_are_checked_too(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    (fleet / "approvers").write_text("anna\n")
    (found,) = problems(run("--fleet", fleet))
    assert str(found).startswith("approvers:1: is no line of allowed signers; write e.g. anna@example.org")


def test_an_empty_folder_is_no_fleet(tmp_path: Path) -> None:
    assert len(problems(run("--fleet", tmp_path))) == 1


def test_an_unknown_environment_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(run("--fleet", tmp_path, "-e", "dev"))
    assert problem.cure == "name one of tst, ref, prd"


def test_one_environment_can_be_checked_alone(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    assert run("--fleet", fleet, "-e", "prd").output.startswith("0 clusters in prd: ")


def test_problems_are_raised_with_json_too_so_that_the_command_answers_in_one_form(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path, changed(VSPHERE_ORDER, "zoen", "intranet"))
    result = run("--fleet", fleet, "--json")
    assert [problem.path for problem in problems(result)] == ["zoen"]
    assert result.output == ""


def test_json_of_a_good_fleet_has_figures(tmp_path: Path) -> None:
    answer = json.loads(run("--fleet", write_fleet(tmp_path), "--json").output)
    assert answer["code"] == "ok"
    assert answer["clusters"] == 2
    assert answer["objects"] > answer["clusters"]


def test_help_starts_with_an_example() -> None:
    assert "Example: schiff check --fleet stacks/fleet" in run("--help").output


class TestManifests:
    def test_good_ones_pass(self, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").write_text(GOOD)
        result = run("--manifests", tmp_path)
        assert result.exit_code == 0
        assert result.output == f"{tmp_path}: 1 objects in 1 files hold\n"

    def test_a_problem_names_file_line_and_field(self, tmp_path: Path) -> None:
        (tmp_path / "below").mkdir()
        (tmp_path / "below/x.yml").write_text(GOOD + "dta: {a: b}\n")
        (problem,) = problems(run("--manifests", tmp_path))
        assert str(problem).startswith("below/x.yml:4:1: dta: unknown field")

    def test_a_folder_with_a_list_is_a_whole_tree(self, tmp_path: Path) -> None:
        (tmp_path / "kustomization.yaml").write_text(LIST)
        (tmp_path / "y.yaml").write_text(GOOD)
        assert {problem.rule for problem in problems(run("--manifests", tmp_path))} == {"lists-exactly"}

    def test_an_empty_folder_says_so(self, tmp_path: Path) -> None:
        (problem,) = problems(run("--manifests", tmp_path))
        assert problem.message == "holds no manifest"

    def test_links_and_hidden_folders_are_left_alone(self, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        (folder / ".git").mkdir(parents=True)
        (folder / ".git/x.yaml").write_text("a: 1")
        (tmp_path / "outside.yaml").write_text("a: 1")
        (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
        (folder / "x.yaml").write_text(GOOD)
        assert run("--manifests", folder).exit_code == 0

    def test_a_huge_file_is_not_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(manifest_files, "LARGEST", 10)
        (tmp_path / "x.yaml").write_text(GOOD)
        (problem,) = problems(run("--manifests", tmp_path))
        assert problem.rule == "too-large"

    def test_a_bomb_of_aliases_is_a_problem(self, tmp_path: Path) -> None:
        rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
        rows += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 9)]
        (tmp_path / "x.yaml").write_text("\n".join(rows))
        (problem,) = problems(run("--manifests", tmp_path))
        assert "aliases" in problem.message


class TestAgainst:
    def fleet(self, folder: Path) -> Path:
        fleet = write_fleet(folder)
        git(folder, "init", "-q", "-b", "main")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", "x")
        return fleet

    def test_an_unchanged_fleet_is_compared_and_passes(self, tmp_path: Path) -> None:
        result = run("--fleet", self.fleet(tmp_path), "--against", "main", "--json")
        assert json.loads(result.output)["compared"] == ["tst", "ref", "prd"]

    def test_a_network_that_changed_is_found(self, tmp_path: Path) -> None:
        fleet = self.fleet(tmp_path)
        write_fleet(tmp_path, changed(VSPHERE_ORDER, "clusterNetwork.pods", "10.250.0.0/16"))
        found = problems(run("--fleet", fleet, "--against", "main"))
        assert ("never-changes", "clusterNetwork") in {(problem.rule, problem.path) for problem in found}

    def test_an_unknown_commit_is_a_problem(self, tmp_path: Path) -> None:
        (problem,) = problems(run("--fleet", self.fleet(tmp_path), "--against", "nowhere"))
        assert "'nowhere' is no commit" in problem.message


class TestDelivered:
    def deliver(self, folder: Path) -> None:
        """Put what `tst` compiles to where its stack delivers, as a delivery does."""
        (folder / "Pulumi.yaml").write_text("name: schiff\nruntime: python\n")
        (folder / "Pulumi.tst.yaml").write_text("config:\n  schiff:branch: main\n")
        compiled = compiled_files(compile_environment(a_resolved_environment(), load_parts()))
        for repository in ("cluster-definitions", "cluster-components"):
            start = f"{repository}/"
            files = {path.removeprefix(start): text for path, text in compiled.items() if path.startswith(start)}
            lines = tuple(
                Line(path, "0" * 40, "folder", path) for path in sorted({path.split("/")[0] for path in files})
            )
            manifest = DeliveredManifest("tst", 1, LedgerHead(), lines).to_text()
            written = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
            append_files(
                ensure_bare(folder / f".schiff/{repository}.git"),
                "main",
                {**written, ".schiff/tst.json": manifest.encode()},
                "deliver",
                expected_head=None,
                cache_dir=folder / "cache",
                when=datetime(2026, 11, 22, tzinfo=UTC),
            )

    def test_what_was_delivered_is_compared(self, tmp_path: Path) -> None:
        self.deliver(tmp_path)
        answer = json.loads(run("--fleet", write_fleet(tmp_path), "--json").output)
        assert (answer["compared"], answer["problems"]) == (["tst"], [])

    def test_an_endpoint_that_changed_is_found(self, tmp_path: Path) -> None:
        self.deliver(tmp_path)
        fleet = write_fleet(tmp_path, changed(VSPHERE_ORDER, "controlPlane.endpoint", "10.1.0.11"))
        found = problems(run("--fleet", fleet))
        assert {problem.rule for problem in found} == {"never-changes"}

    def test_another_customer_of_a_cluster_is_found(self, tmp_path: Path) -> None:
        self.deliver(tmp_path)
        fleet = write_fleet(tmp_path)
        moved = fleet / VSPHERE_ORDER.replace("customer-a/", "customer-b/")
        moved.parent.mkdir(parents=True)
        (fleet / VSPHERE_ORDER).rename(moved)
        assert "stays-home" in {problem.rule for problem in problems(run("--fleet", fleet))}

    def test_settings_that_cannot_be_read_are_a_problem(self, tmp_path: Path) -> None:
        self.deliver(tmp_path)
        (tmp_path / "Pulumi.tst.yaml").write_text("config: [")
        (problem,) = problems(run("--fleet", write_fleet(tmp_path)))
        assert problem.place.file == "Pulumi.tst.yaml"

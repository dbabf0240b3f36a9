"""Files as they would be delivered are judged together, and by what they replace."""

from __future__ import annotations

from pathlib import Path

from schiff.checks.compiled import change_problems, compiled_files, file_problems, object_count
from schiff.compiler.environment import compile_environment
from schiff.compiler.file_tree import Content
from schiff.sources.plugins import load_parts
from schiff.sources.schemas import load_schemas
from tests.makers import a_resolved_environment

EXAMPLES = Path(__file__).parents[1] / "bed" / "examples.yaml"
LIST = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n"
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: kube-system}\n"


def test_the_examples_of_every_kind_hold() -> None:
    files = {"examples.yaml": EXAMPLES.read_text("utf-8")}
    assert list(file_problems(files, load_schemas(), whole=False)) == []
    assert object_count(files.values()) > 35


def test_a_compiled_environment_holds_as_a_whole() -> None:
    files = compiled_files(compile_environment(a_resolved_environment(), load_parts()))
    assert {path.split("/")[0] for path in files} == {"cluster-definitions", "cluster-components"}
    assert list(file_problems(files, load_schemas(), whole=True)) == []


def test_a_whole_tree_misses_what_loose_files_may_lack() -> None:
    files = {"kustomization.yaml": LIST}
    assert list(file_problems(files, load_schemas(), whole=False)) == []
    assert [problem.rule for problem in file_problems(files, load_schemas(), whole=True)] == ["lists-exactly"]


def test_a_file_that_is_no_text_is_a_problem() -> None:
    files: dict[str, Content] = {"kustomization.yaml": LIST, "a.yaml": GOOD, "b.yaml": b"\xff\xfe"}
    (problem,) = file_problems(files, load_schemas(), whole=False)
    assert problem.place.file == "b.yaml"


def test_rules_of_encryption_are_no_object() -> None:
    assert list(file_problems({".sops.yaml": "creation_rules: []"}, load_schemas(), whole=False)) == []


def test_files_that_are_equal_hold_no_change() -> None:
    before: dict[str, str | bytes] = {"a.yaml": GOOD.encode()}
    assert list(change_problems({"tst": before}, {"tst": {"a.yaml": GOOD}})) == []


def test_a_vendored_file_of_definitions_alone_is_passed_through_and_any_other_is_judged() -> None:
    definition = b"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {nam: x}\n"
    wrong = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {nam: x}\n"
    assert list(file_problems({"a.yaml": definition}, load_schemas(), whole=False)) == []
    assert list(file_problems({"a.yaml": definition + b"---\n" + wrong}, load_schemas(), whole=False))

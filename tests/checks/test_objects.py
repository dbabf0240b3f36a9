"""Every rule has a case that breaks it and a near miss that does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from schiff.checks.documents import read_objects
from schiff.checks.objects import RULES, object_problems
from schiff.errors import Problem
from schiff.sources.schemas import load_schemas

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"


class Case(NamedTuple):
    """A text with a gap: filled once with what breaks a rule, once with what does not."""

    rule: str
    path: str
    bad: str
    fine: str
    text: str
    whole: bool = False


CASES = [Case(**entry) for entry in yaml.safe_load(Path(__file__).with_name("rule_cases.yaml").read_text("utf-8"))]
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: x, namespace: ns}\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: ns}\n"
LOOSE = """
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: x, namespace: metallb-system}
spec: {addresses: [10.1.4.0/28]}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: x, namespace: s-a-1}
spec: {dependsOn: [{name: lost}]}
"""


def problems(case: Case, words: str) -> list[Problem]:
    """Return what `case` breaks of its rule, in a folder of two listed files and a component folder."""
    text = case.text.replace("<>", words)
    name = "elsewhere/x.yaml" if case.rule == "in-a-list" and words else "kustomization.yaml"
    objects, unreadable = read_objects(name, text)
    assert not unreadable
    files = (name, "a.yaml", "cluster-components/here/kustomization.yaml")
    listed = files if name == "kustomization.yaml" else files[:1]
    found = object_problems(objects, load_schemas(), listed, whole=case.whole)
    return [problem for problem in found if problem.rule == case.rule]


def names(case: Case) -> str:
    """Return a title for a case."""
    return f"{case.rule} {case.path} {case.bad[:12]}"


@pytest.mark.parametrize("case", CASES, ids=names)
def test_a_breach_is_found_where_it_stands(case: Case) -> None:
    found = problems(case, case.bad)
    assert {problem.path for problem in found} == {case.path}
    assert all(problem.cure and problem.place.line for problem in found)


@pytest.mark.parametrize("case", CASES, ids=names)
def test_a_near_miss_is_left_alone(case: Case) -> None:
    assert problems(case, case.fine) == []


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.id for rule in RULES}


def test_every_rule_stands_in_the_reference_with_its_sentence() -> None:
    table = REFERENCE.read_text(encoding="utf-8").partition("## Compared")[0]
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (.+?) \|", table, re.MULTILINE)
    assert dict(listed) == {rule.id: rule.sentence for rule in RULES}


def test_no_message_repeats_a_secret() -> None:
    for text in (SECRET + "data: {a: hunter2}", MAP + "data: {a: AGE-SECRET-KEY-1HUNTER2}"):
        objects, _ = read_objects("a.yaml", text)
        found = [str(problem) for problem in object_problems(objects, load_schemas())]
        assert found
        assert "hunter2" not in "".join(found).lower()


def test_a_few_loose_files_are_not_blamed_for_what_is_not_there() -> None:
    objects, _ = read_objects("a.yaml", LOOSE)
    assert list(object_problems(objects, load_schemas())) == []


def test_tenants_may_each_have_an_object_of_one_name() -> None:
    paths = ("locations/l/s/a-1/configmaps/x.yaml", "locations/l/s/a-2/configmaps/x.yaml")
    objects = [item for path in paths for item in read_objects(f"cluster-components/{path}", MAP)[0]]
    assert list(object_problems(objects, load_schemas())) == []


def test_two_folders_of_one_tenant_may_not_own_one_object() -> None:
    paths = ("locations/l/s/a-1/configmaps/x.yaml", "locations/l/s/a-1/self/x.yaml")
    objects = [item for path in paths for item in read_objects(f"cluster-components/{path}", MAP)[0]]
    (problem,) = object_problems(objects, load_schemas())
    assert "cluster-components/locations/l/s/a-1/configmaps/x.yaml" in problem.message

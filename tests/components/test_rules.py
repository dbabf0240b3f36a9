"""Every rule of a component has settings that break it, and a near miss that does not.

A case of ``rules/<component>.yaml`` has `rule` (an id of the component, or ``shape``: the type of the settings
decides), `bad` and `fine` (settings), and may have `provider` (default vsphere), `path` of the problem, words of its
`cure`, `others` (settings of other components), `order` and `site` (values by dotted path below the order, and below
the site's facts), `secrets` (encrypted documents of the cluster: file name to name, namespace and keys) and `pins`
(component to version in its release, or null to leave it out).

Where what is wrong is beside the settings, `without` has facts of the site, and `instead` other `secrets` and `pins`,
for `bad` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
import yaml
from pydantic import ValidationError

from schiff.components.protocol import Component, SettingProblem
from schiff.errors import InvalidValue
from schiff.model.resolved import ResolvedCluster
from schiff.sources.plugins import own_components
from tests.components.example_clusters import offering_all
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, Documents, a_resolved_cluster, changed

FOLDER = Path(__file__).with_name("rules")
SHAPE = "shape"


class Case(NamedTuple):
    """Settings that break a rule, and others close to them that hold."""

    component: str
    rule: str
    bad: Mapping[str, Any]
    fine: Mapping[str, Any]
    provider: Literal["vsphere", "metal3"] = "vsphere"
    path: str = ""
    cure: str = ""
    others: Mapping[str, Any] = {}
    order: Mapping[str, Any] = {}
    site: Mapping[str, Any] = {}
    without: Mapping[str, Any] = {}
    secrets: Mapping[str, Mapping[str, Any]] = {}
    pins: Mapping[str, str | None] = {}
    instead: Mapping[str, Any] = {}

    @property
    def broken(self) -> list[SettingProblem]:
        """What the component objects to in `bad`, and in what is wrong beside it."""
        return self._replace(**self.instead).problems(self.bad, **self.without)

    def cluster(self, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> ResolvedCluster:
        """Return a cluster whose order has these settings, and the documents that people encrypted for it."""
        order = VSPHERE_ORDER if self.provider == "vsphere" else METAL3_ORDER
        documents = _offering(self.pins)
        changes = {f"components.{name}": value for name, value in {**self.others, self.component: settings}.items()}
        for path, value in {**changes, **self.order}.items():
            documents = changed(order, path, value, documents)
        for path, value in facts.items():
            documents = changed(f"{Path(order).parents[1]}/site.yaml", f"facts.{path}", value, documents)
        secrets = {file: _encrypted(**said) for file, said in self.secrets.items()}
        return replace(a_resolved_cluster(self.provider, documents=documents), secrets=secrets)

    def problems(self, settings: Mapping[str, Any], **facts: Any) -> list[SettingProblem]:
        """Return what the component objects to in these settings; what is no setting at all breaks the shape."""
        component = own_components()[self.component]
        try:
            said = component.settings.model_validate(settings, by_name=False, by_alias=True)
        except (ValidationError, InvalidValue) as error:
            return [SettingProblem((), str(error), "", SHAPE)]
        return list(component.problems(self.cluster(settings, {**self.site, **facts}), said))


def _offering(pins: Mapping[str, str | None]) -> Documents:
    documents = offering_all()
    pinned = documents["head.yaml"]["components"]
    for name, version in pins.items():
        if version is None:
            del pinned[name]
        else:
            pinned[name] = {"version": version}
            documents[f"components/{name}.yaml"] = {"versions": {version: {}}}
    return documents


def _encrypted(name: str, namespace: str, keys: Sequence[str]) -> bytes:
    metadata = {"name": name, "namespace": namespace}
    values = dict.fromkeys(keys, "ENC[x]")
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}
    return yaml.safe_dump({**document, "sops": {"mac": "ENC[x]"}}).encode()


def _cases() -> list[Case]:
    files = sorted(FOLDER.glob("*.yaml"))
    return [Case(file.stem, **entry) for file in files for entry in yaml.safe_load(file.read_text(encoding="utf-8"))]


CASES = _cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[f"{case.component}-{case.rule}" for case in CASES])


@each_case
def test_settings_that_break_a_rule_are_refused_with_a_cure(case: Case) -> None:
    broken = case.broken
    assert {problem.rule for problem in broken} <= {*own_components()[case.component].rules, SHAPE}
    found = [problem for problem in broken if problem.rule == case.rule]
    assert found, broken
    if case.path:
        assert case.path in {".".join(map(str, problem.path)) for problem in found}
    if case.rule != SHAPE:
        assert all(problem.cure for problem in found)
        assert any(case.cure in problem.cure for problem in found)


@each_case
def test_a_near_miss_holds(case: Case) -> None:
    assert [problem for problem in case.problems(case.fine) if problem.rule == case.rule] == []


@pytest.mark.parametrize("component", own_components().values(), ids=lambda component: component.name)
def test_every_rule_of_a_component_has_a_case_and_its_page_lists_it(component: Component) -> None:
    tried = {case.rule for case in CASES if case.component == component.name} - {SHAPE}
    assert tried == set(component.rules)
    page = Path(f"docs/reference/components/{component.name}.md").read_text(encoding="utf-8")
    assert [rule for rule in component.rules if f"`{component.name}-{rule}`" not in page] == []

"""Every rule of a component has settings that break it, and a near miss that does not.

A case of ``rules/<component>.yaml`` has `rule` (an id of the component, or ``shape``: the type of the settings
decides), `bad` and `fine` (settings), and may have `provider` (default vsphere), `path` of the problem, words of its
`cure`, `others` (settings of other components), `order` and `site` (values by dotted path below the order, and below
the site's facts), `without` (the same, but for `bad` alone: what is wrong is beside the settings).
"""

from __future__ import annotations

from collections.abc import Mapping
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
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, a_resolved_cluster, changed

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

    def cluster(self, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> ResolvedCluster:
        """Return a cluster whose order has these settings."""
        order = VSPHERE_ORDER if self.provider == "vsphere" else METAL3_ORDER
        documents = offering_all()
        changes = {f"components.{name}": value for name, value in {**self.others, self.component: settings}.items()}
        for path, value in {**changes, **self.order}.items():
            documents = changed(order, path, value, documents)
        for path, value in facts.items():
            documents = changed(f"{Path(order).parents[1]}/site.yaml", f"facts.{path}", value, documents)
        return a_resolved_cluster(self.provider, documents=documents)

    def problems(self, settings: Mapping[str, Any], **facts: Any) -> list[SettingProblem]:
        """Return what the component objects to in these settings; what is no setting at all breaks the shape."""
        component = own_components()[self.component]
        try:
            said = component.settings.model_validate(settings, by_name=False, by_alias=True)
        except (ValidationError, InvalidValue) as error:
            return [SettingProblem((), str(error), "", SHAPE)]
        return list(component.problems(self.cluster(settings, {**self.site, **facts}), said))


def _cases() -> list[Case]:
    files = sorted(FOLDER.glob("*.yaml"))
    return [Case(file.stem, **entry) for file in files for entry in yaml.safe_load(file.read_text(encoding="utf-8"))]


CASES = _cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[f"{case.component}-{case.rule}" for case in CASES])


@each_case
def test_settings_that_break_a_rule_are_refused_with_a_cure(case: Case) -> None:
    found = [problem for problem in case.problems(case.bad, **case.without) if problem.rule == case.rule]
    assert found, case.problems(case.bad, **case.without)
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

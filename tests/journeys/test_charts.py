"""Charts with the values that schiff compiles: Helm renders them, a real API server judges what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bed.crds import CrdSet
from tests.bed.dry_run import dry_run, refusals
from tests.bed.kubernetes_client import KubernetesClient
from tests.bed.upstream_charts import Release, UpstreamChart, upstream_charts
from tests.components.example_clusters import ExampleUse, example_uses
from tests.components.offered import vendored, versions

KUBERNETES = "v1.35.4"
CHARTS = upstream_charts()
USES = [(chart, use) for chart in CHARTS for use in example_uses() if use.component.name == chart.component]


@pytest.mark.xdist_group("api-server")
@pytest.mark.parametrize(("chart", "use"), USES, ids=[f"{use}-{chart.version}" for chart, use in USES])
def test_the_rendered_chart_is_accepted(
    *,
    chart: UpstreamChart,
    use: ExampleUse,
    bin_dir: Path,
    api_server: KubernetesClient,
    crds: CrdSet,
    tmp_path: Path,
) -> None:
    for number, item in enumerate(_releases(chart.component, chart.version)):
        release = Release(item["spec"]["releaseName"], item["metadata"]["namespace"], _values(item, use))
        verdicts = dry_run(api_server, chart.render(bin_dir / "helm", tmp_path / str(number), release, KUBERNETES))
        assert len(verdicts) > 10
        assert refusals(verdicts, crds) == []


def test_every_chart_with_a_released_module_is_rendered_and_the_others_say_so() -> None:
    charted = {(name, version) for name, version in versions() if _releases(name, version)}
    rendered = {(chart.component, chart.version) for chart in CHARTS}
    assert rendered <= charted
    for name, version in sorted(charted):
        page = Path(f"docs/reference/components/{name}.md").read_text(encoding="utf-8")
        assert ("Charts: rendered" if (name, version) in rendered else "Charts: values only") in page


def _releases(name: str, version: str) -> list[Mapping[str, Any]]:
    found = (item for content in vendored(name, version).values() for item in _documents(content))
    return [item for item in found if item.get("kind") == "HelmRelease"]


def _documents(content: bytes) -> Iterator[Mapping[str, Any]]:
    if b"kind: HelmRelease" in content:
        yield from (item for item in yaml.safe_load_all(content) if item)


def _values(release: Mapping[str, Any], use: ExampleUse) -> dict[str, Any]:
    """Return the values as Flux joins them: each reference over those before, what stands inline over all."""
    values: dict[str, Any] = {}
    maps = {item.name: item.body["data"] for item in use.places["inputs"] if item.kind == "ConfigMap"}
    for reference in release["spec"].get("valuesFrom", ()):
        text = maps[reference["name"]][reference.get("valuesKey", "values.yaml")]
        values = _merged(values, yaml.safe_load(text) or {})
    return _merged(values, release["spec"].get("values", {}))


def _merged(lower: dict[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return result

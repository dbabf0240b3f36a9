"""Values of a chart: a ConfigMap beside its HelmRelease, read again as soon as it changes (domain reference 10.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml

VALUES_KEY: Final = "values.yaml"
_WATCHED: Final = {"reconcile.fluxcd.io/watch": "Enabled"}


def chart_values(release: str, namespace: str, labels: Mapping[str, str], values: Mapping[str, Any]) -> Manifest:
    """Return the ConfigMap ``<release>-values``; no secret belongs here, charts take secrets by name."""
    return Manifest(
        "v1",
        "ConfigMap",
        f"{release}-values",
        namespace,
        labels={**labels, **_WATCHED},
        body={"data": {VALUES_KEY: to_yaml([values])}},
    )

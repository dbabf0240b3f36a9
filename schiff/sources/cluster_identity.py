"""Whether an API server is the cluster it was taken for: the labels of the ConfigMap that schiff put into each.

A kubeconfig for another cluster works, and everything there may be well.
"""

from __future__ import annotations

from typing import Any, Final

from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.rollout.health import Expected
from schiff.rollout.health.expected import RELEASE_MAP
from schiff.rollout.health.reading import at, one_line, text
from schiff.sources.api_connection import ApiConnection, NotReadable
from schiff.sources.status_kinds import CONFIG_MAP

_NAME: Final = "cluster.x-k8s.io/cluster-name"
_NEVER_CHANGE: Final = ("cluster-name", "customer", "environment", "location", "site")


def require_cluster(asked: ApiConnection, expected: Expected, by: str) -> list[dict[str, Any]]:
    """Return the ConfigMap of the release, none where a cluster has not pulled it yet.

    Raises `NotReadable` when it is another cluster's; `by` says what led there.
    """
    found = asked.get(CONFIG_MAP, FLUX_NAMESPACE, RELEASE_MAP)
    if found is None:
        return []
    shown = at(found, "metadata", "labels")
    wrong = [key for key, value in _identity(expected).items() if text(shown, key) and text(shown, key) != value]
    if wrong:
        other = one_line(", ".join(f"{key.rpartition('/')[2]} {text(shown, key)}" for key in sorted(wrong)))
        raise NotReadable("WrongCluster", f"{by} leads to another cluster than {expected.cluster}: {other}")
    return [found]


def _identity(expected: Expected) -> dict[str, str]:
    """Return the labels that say which cluster this is."""
    delivered = next((item for item in expected.tenant if text(item, "kind") == "ConfigMap"), None)
    labels = at(delivered, "metadata", "labels")
    kept = {key: value for key, value in (labels or {}).items() if key.rpartition("/")[2] in _NEVER_CHANGE}
    return {_NAME: expected.cluster.rpartition("/")[2], **kept}

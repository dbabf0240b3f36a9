"""Whether an API server is the cluster it was taken for: the labels of the ConfigMap that schiff put into each.

A kubeconfig for another cluster works, and everything there may be well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.model.resolved import CLUSTER_LABEL
from schiff.rollout.health import Expected
from schiff.rollout.health.expected import RELEASE_MAP
from schiff.rollout.health.reading import at, one_line, text
from schiff.sources.api_connection import ApiConnection, NotReadable
from schiff.sources.status_kinds import CONFIG_MAP

_NEVER_CHANGE: Final = ("cluster-name", "customer", "environment", "location", "site")


def require_cluster(asked: ApiConnection, identity: Mapping[str, str], by: str) -> list[dict[str, Any]]:
    """Return the ConfigMap of the release; none where a cluster has not pulled it yet.

    Raises `NotReadable` when its labels say that it is another cluster's; `by`
    is what led there.
    """
    found = asked.get(CONFIG_MAP, FLUX_NAMESPACE, RELEASE_MAP)
    if found is None:
        return []
    shown = at(found, "metadata", "labels")
    wrong = sorted(key for key, value in identity.items() if text(shown, key) not in ("", value))
    if wrong:
        other = one_line(", ".join(f"{key.rpartition('/')[2]} {text(shown, key)}" for key in wrong))
        message = f"{by} leads to another cluster than {identity[CLUSTER_LABEL]}: there, {other}"
        raise NotReadable("WrongCluster", message)
    return [found]


def identity_of(expected: Expected) -> dict[str, str]:
    """Return the labels that say which cluster this is, of which none may ever change."""
    delivered = next((item for item in expected.tenant if text(item, "kind") == "ConfigMap"), None)
    labels = at(delivered, "metadata", "labels")
    kept = {key: value for key, value in (labels or {}).items() if key.rpartition("/")[2] in _NEVER_CHANGE}
    return {CLUSTER_LABEL: expected.cluster.rpartition("/")[2], **kept}

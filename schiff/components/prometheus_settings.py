"""What layers may set of Prometheus, and where its samples go for good."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from schiff.errors import InvalidValue
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.names import Name

OBJECT_STORE_SECRET: Final = "thanos-objstore"  # noqa: S105  # its name
OBJECT_STORE_KEY: Final = "objstore.yml"
"""The document that says how Thanos reaches the object store; it holds credentials, so people write and encrypt it."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def _label_name(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise InvalidValue(f"{text!r} is no label of Prometheus: letters, digits and '_' alone, no digit first")
    return text


LabelName = Annotated[str, AfterValidator(_label_name)]
Cpu = Annotated[str, Field(pattern=r"^[1-9][0-9]*m?$")]
Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]*[MG]i$")]
Gibibytes = Annotated[str, Field(pattern=r"^[1-9][0-9]*Gi$")]
Retention = Annotated[str, Field(pattern=r"^[1-9][0-9]*[hd]$")]
Seconds = Annotated[str, Field(pattern=r"^[1-9][0-9]*s$")]


class ResourcesSpec(Spec):
    """What a pod is sure to get, and the memory it may never exceed."""

    cpu: Cpu = "500m"
    memory: Memory = "2Gi"
    memory_limit: Memory = "4Gi"

    def requirements(self) -> dict[str, Any]:
        """Return it as Kubernetes reads it; without a limit of processor time, which would only slow the pod down."""
        return {"requests": {"cpu": self.cpu, "memory": self.memory}, "limits": {"memory": self.memory_limit}}


class VolumeSpec(Spec):
    """A volume for each replica; without a class, of the cluster's default one."""

    storage_class: Name | None = None
    size: Gibibytes = "50Gi"

    @property
    def gibibytes(self) -> int:
        """Its size as a number."""
        return int(self.size.removesuffix("Gi"))


class ObjectStoreSpec(Spec):
    """Where Thanos keeps samples: said here for other clusters to be compared with, and in the secret for Thanos.

    With a `prefix` of its own a cluster shares the bucket, but no block in it.
    """

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] | None = None


class PrometheusSettings(Spec):
    """How much is kept in the cluster, and what every sample says about it; names of secrets, never their content."""

    replicas: Annotated[int, Field(ge=1, le=4)] = 2
    retention: Retention = "2d"
    scrape_interval: Seconds = "30s"
    volume: VolumeSpec = VolumeSpec()
    resources: ResourcesSpec = ResourcesSpec()
    external_labels: Mapping[LabelName, str] = {}
    alertmanagers_secret: Name | None = None
    object_store: ObjectStoreSpec = ObjectStoreSpec()


class ObjectStore(Spec):
    """The part of a bucket where the samples of one cluster, or of several, lie."""

    bucket: str
    prefix: str
    is_own: bool


def object_store(cluster: ResolvedCluster, settings: PrometheusSettings) -> ObjectStore:
    """Return where a cluster's samples lie: a bucket of the site, below the cluster's FQDN (domain reference 3.4)."""
    said, fqdn = settings.object_store, cluster.identity.fqdn
    prefix = said.prefix or fqdn
    return ObjectStore(bucket=said.bucket or f"thanos-{cluster.identity.site}", prefix=prefix, is_own=prefix == fqdn)

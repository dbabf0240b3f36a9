"""What layers may set of Vector: destinations of several kinds, and how much waits for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from schiff.components.prometheus_settings import Cpu, Gibibytes, Memory, ResourcesSpec, VolumeSpec
from schiff.errors import InvalidValue
from schiff.model.spec import Items, Spec
from schiff.values.names import Name

Mebibytes = Annotated[str, Field(pattern=r"^[1-9][0-9]*[MG]i$")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/\S*)?$")]
HostAndPort = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?:[1-9][0-9]{0,4}$")]
_SMALLEST: Final = 256


class BufferSpec(Spec):
    """What waits on disk while a destination is away; when it is full, the source waits too, or the newest go."""

    size: Mebibytes = "1Gi"
    when_full: Literal["block", "drop_newest"] = "block"

    @model_validator(mode="after")
    def _large_enough(self) -> Self:
        if self.mebibytes < _SMALLEST:
            raise InvalidValue(f"{self.size} is smaller than Vector's smallest buffer on disk, {_SMALLEST}Mi")
        return self

    @property
    def mebibytes(self) -> int:
        """Its size as a number."""
        return int(self.size[:-2]) * (1024 if self.size.endswith("Gi") else 1)


class KafkaSpec(Spec):
    """A topic of Kafka; with a secret by SASL, its keys are `username` and `password`."""

    servers: Annotated[Items[HostAndPort], Field(min_length=1)]
    topic: str
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    tls: bool = True


class ElasticsearchSpec(Spec):
    """Elasticsearch or OpenSearch; the secret's keys are `username` and `password`."""

    endpoints: Annotated[Items[HttpUrl], Field(min_length=1)]
    index: str = "logs-%Y.%m.%d"


class LokiSpec(Spec):
    """Loki; labels are few, or its index breaks. The secret's keys are `username` and `password`."""

    endpoint: HttpUrl
    tenant: str | None = None
    labels: Mapping[str, str] = {
        "cluster": "{{ cluster }}",
        "namespace": "{{ kubernetes.pod_namespace }}",
        "container": "{{ kubernetes.container_name }}",
    }


class S3Spec(Spec):
    """A bucket; everything is derived from the site where nothing is said.

    The secret's keys are `accessKey` and `secretKey`.
    """

    endpoint: HttpUrl | None = None
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    prefix: Annotated[str, Field(pattern=r"^[^/].*[^/]$")] | None = None
    region: str = "site"


class SplunkSpec(Spec):
    """Splunk's HTTP event collector; the secret's key is `token`."""

    endpoint: HttpUrl
    index: str | None = None
    source_type: str = "kubernetes"


class SocketSpec(Spec):
    """Whoever reads lines, such as a syslog server."""

    address: HostAndPort
    mode: Literal["tcp", "udp"] = "tcp"
    tls: bool = True
    codec: Literal["json", "text", "gelf", "logfmt"] = "json"


Way: TypeAlias = KafkaSpec | ElasticsearchSpec | LokiSpec | S3Spec | SplunkSpec | SocketSpec
KINDS: Final = ("kafka", "elasticsearch", "loki", "s3", "splunk", "socket")


class DestinationSpec(Spec):
    """One destination of exactly one kind. Its credentials are keys of a Secret in the namespace of logging."""

    kafka: KafkaSpec | None = None
    elasticsearch: ElasticsearchSpec | None = None
    loki: LokiSpec | None = None
    s3: S3Spec | None = None
    splunk: SplunkSpec | None = None
    socket: SocketSpec | None = None
    secret: Name | None = None
    namespaces: Items[Name] = ()
    buffer: BufferSpec = BufferSpec()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        said = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(said) != 1:
            raise InvalidValue(f"a destination is of exactly one kind of {', '.join(KINDS)}, here: {said or 'none'}")
        return self

    @property
    def kind(self) -> str:
        """The one kind it is of."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def way(self) -> Way:
        """What is said about it as that kind."""
        found: Way = getattr(self, self.kind)
        return found


class AgentResourcesSpec(ResourcesSpec):
    """What the agent is sure to get on each node."""

    cpu: Cpu = "100m"
    memory: Memory = "128Mi"
    memory_limit: Memory = "512Mi"


class AgentSpec(Spec):
    """Vector on each node: what it holds when the aggregator is away, on the node's own disk."""

    buffer: BufferSpec = BufferSpec()
    resources: AgentResourcesSpec = AgentResourcesSpec()


class AggregatorResourcesSpec(ResourcesSpec):
    """What each aggregator is sure to get."""

    cpu: Cpu = "200m"
    memory: Memory = "512Mi"
    memory_limit: Memory = "2Gi"


class AggregatorVolumeSpec(VolumeSpec):
    """The volume that holds the buffers."""

    size: Gibibytes = "10Gi"


class AggregatorSpec(Spec):
    """Vector before the destinations: its volume holds all buffers on disk."""

    replicas: Annotated[int, Field(ge=1)] = 2
    volume: AggregatorVolumeSpec = AggregatorVolumeSpec()
    resources: AggregatorResourcesSpec = AggregatorResourcesSpec()


_ARCHIVE: Final[Mapping[str, Any]] = {"archive": DestinationSpec(s3=S3Spec(), secret="logging-s3")}  # noqa: S106  # its name


class VectorSettings(Spec):
    """Where logs go, what becomes of each line first, and how much room there is.

    `remap` is a program in Vector's own language. It and templates such as `{{ field }}` are written plainly: what Helm
    and Vector's reader would take for their own is escaped on the way.
    """

    destinations: Mapping[Name, DestinationSpec] = _ARCHIVE
    remap: str = ""
    agent: AgentSpec = AgentSpec()
    aggregator: AggregatorSpec = AggregatorSpec()

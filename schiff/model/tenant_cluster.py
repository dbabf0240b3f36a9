"""A cluster that belongs to one customer and stands at one site: the one schema of every layer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.recipient import Recipient
from schiff.model.spec import Items, OneOrMore, Spec
from schiff.model.windows import WindowSpec
from schiff.values.instants import Instant, InstantText
from schiff.values.names import Domain, Environment, LabelKey, LabelValue, Name, PoolName
from schiff.values.networks import Address, AddressRange, Network

Removal = Literal["a", "b", "c", "d", "e"]
"""The delivered states in which a cluster leaves, each only after the previous was observed."""


def _https(url: str) -> str:
    if not url.startswith("https://"):
        raise InvalidValue(f"{url!r} is not an https URL (OIDC refuses anything else)")
    return url


def _odd(replicas: int) -> int:
    if replicas % 2 == 0:
        raise InvalidValue(f"{replicas} control plane machines have no majority to lose (expected an odd number)")
    return replicas


class MachineClassSpec(Spec):
    """The size of a virtual machine, or the hardware class of a server; exactly one of the two."""

    cpus: Annotated[int, Field(ge=2)] | None = None
    memory_mib: Annotated[int, Field(ge=2048)] | None = Field(default=None, alias="memoryMiB")
    disk_gib: Annotated[int, Field(ge=20)] | None = Field(default=None, alias="diskGiB")
    hardware: Name | None = None

    @model_validator(mode="after")
    def _virtual_or_metal(self) -> Self:
        virtual = (self.cpus, self.memory_mib, self.disk_gib)
        if self.hardware is not None and any(size is not None for size in virtual):
            raise InvalidValue("a machine class names hardware or sizes (cpus, memoryMiB, diskGiB), not both")
        if self.hardware is None and any(size is None for size in virtual):
            raise InvalidValue("a machine class needs cpus, memoryMiB and diskGiB, or hardware")
        return self


class TaintSpec(Spec):
    """A taint that every node of a pool carries from its first moment."""

    key: LabelKey
    value: LabelValue = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class ControlPlaneSpec(Spec):
    """The machines that run the API server and etcd, and the address clients reach them at."""

    endpoint: Address
    replicas: Annotated[int, Field(ge=1, le=9), AfterValidator(_odd)] = 3
    machine_class: Name = Field(default="control-plane", alias="class")
    hosts: Items[Name] = ()
    vip: Literal["kube-vip", "keepalived"] = "kube-vip"
    virtual_router_id: Annotated[int, Field(ge=1, le=255)] | None = None
    max_surge: Annotated[int, Field(ge=0, le=1)] = 1
    certificates_expiry_days: Annotated[int, Field(ge=7)] = 60
    node_drain_seconds: Annotated[int, Field(ge=0)] = 600

    @model_validator(mode="after")
    def _a_rollout_keeps_the_majority(self) -> Self:
        if self.max_surge == 0 and self.replicas < 3:
            raise InvalidValue("maxSurge 0 replaces first and needs replicas of at least 3")
        if self.vip == "keepalived" and self.virtual_router_id is None:
            raise InvalidValue("keepalived needs virtualRouterId, unique on the segment and recorded, never computed")
        return self


class NodesSpec(Spec):
    """The network that a cluster's machines stand in, the addresses they may take, and who hands those out.

    `in-cluster` is the pool of the infrastructure's own kind, on the management cluster.
    """

    network: Name
    addresses: OneOrMore[AddressRange]
    excluded: OneOrMore[AddressRange] = ()
    ipam: Literal["in-cluster", "infoblox"] = "in-cluster"
    configuration: Literal["networkData", "netplan"] = "networkData"
    interfaces: Items[str] = ()
    mtu: Annotated[int, Field(ge=1280, le=9000)] = 1500


class PoolSpec(Spec):
    """Worker machines of one kind: a MachineDeployment, or one for each zone it names."""

    machine_class: Name = Field(alias="class")
    replicas: Annotated[int, Field(ge=0)] | None = None
    zones: Items[Name] = ()
    hosts: Items[Name] = ()
    labels: Mapping[LabelKey, LabelValue] = {}
    taints: Items[TaintSpec] = ()
    max_surge: Annotated[int, Field(ge=0)] = 1
    max_unavailable: Annotated[int, Field(ge=0)] = 0
    node_drain_seconds: Annotated[int, Field(ge=0)] = 900

    @model_validator(mode="after")
    def _a_rollout_can_move(self) -> Self:
        if self.max_surge == 0 and self.max_unavailable == 0:
            raise InvalidValue("maxSurge and maxUnavailable are both 0: no machine could ever be replaced")
        return self

    @property
    def size(self) -> int:
        """How many machines are asked for: `replicas`, else one for each host."""
        return len(self.hosts) if self.replicas is None else self.replicas


class ClusterNetworkSpec(Spec):
    """Networks inside the cluster; they never change once delivered."""

    pods: Network
    services: Network
    service_domain: Domain = "cluster.local"


class OidcSpec(Spec):
    """Who vouches for the people that use the cluster."""

    issuer_url: Annotated[str, AfterValidator(_https)]
    client_id: str
    username_claim: str = "email"
    groups_claim: str = "groups"


class AccessSpec(Spec):
    """How people and break-glass accounts get in."""

    oidc: OidcSpec | None = None
    ssh_keys: Items[str] = ()


class AuditSpec(Spec):
    """The API server's audit log: how much of it is kept on each control plane machine."""

    max_age_days: Annotated[int, Field(ge=1)] = 30
    max_backups: Annotated[int, Field(ge=1)] = 10
    max_size_mib: Annotated[int, Field(ge=1)] = Field(default=100, alias="maxSizeMiB")


class HealthSpec(Spec):
    """When a machine counts as broken, and how many may be repaired at once.

    Cluster API's own limit is 100 %, which is no protection; ours is 40 %.
    """

    node_startup_seconds: Annotated[int, Field(ge=30)] = 1200
    unhealthy_seconds: Annotated[int, Field(ge=60)] = 300
    worker_limit: Annotated[str, Field(pattern=r"^([1-9][0-9]?|100)%$|^[1-9][0-9]*$")] = "40%"


class HoldSpec(Spec):
    """A customer's wish that releases pass by its production clusters, and who answers for it."""

    by: str
    reason: str
    since: InstantText
    until: InstantText | None = None

    @model_validator(mode="after")
    def _it_ends_after_it_begins(self) -> Self:
        if self.until is not None and Instant.parse(self.until) <= Instant.parse(self.since):
            raise InvalidValue(f"until {self.until} is not after since {self.since} (expected a later date)")
        return self

    def is_open(self, now: datetime) -> bool:
        """Return whether it holds at this moment: from `since` until before `until`."""
        began = Instant.parse(self.since).moment <= now
        return began and (self.until is None or now < Instant.parse(self.until).moment)


class TenantClusterSpec(Spec):
    """What a cluster is asked to be, after all layers are merged.

    A cluster says *that* it exists and how large it is. What runs on it comes
    from its release, so two clusters on one release never drift apart.
    """

    environment: Environment
    zone: Name
    cluster_class: Name | None = Field(default=None, alias="class")
    labels: Mapping[LabelKey, LabelValue] = {}
    control_plane: ControlPlaneSpec
    nodes: NodesSpec
    pools: Mapping[PoolName, PoolSpec]
    machine_classes: Mapping[Name, MachineClassSpec]
    cluster_network: ClusterNetworkSpec
    registry: str
    image_server: str | None = None
    access: AccessSpec = AccessSpec()
    audit: AuditSpec = AuditSpec()
    health: HealthSpec = HealthSpec()
    components: Mapping[Name, Mapping[str, Any]] = {}
    recipients: Items[Recipient] = ()
    hold: HoldSpec | None = None
    redundancy_group: Name | None = None
    windows: Items[WindowSpec] = ()
    decommission: Name | None = None

"""What layers may set of Trident: its backends are of free form upstream, so each field is typed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from schiff.components.secret_documents import clear_secret
from schiff.components.storage_classes import SnapshotClassSpec, VolumeClassSpec
from schiff.errors import InvalidValue
from schiff.model.spec import Items, Spec
from schiff.values.names import Name
from schiff.values.networks import Address, Network

Driver = Literal["ontap-nas", "ontap-nas-economy", "ontap-nas-flexgroup", "ontap-san", "ontap-san-economy"]

BACKEND_BUDGET: Final = 30
"""A backend is called after its cluster (32 characters) too, and both are one name (63)."""

_FOREIGN: Final = ("px-", "vsphere-")
_OF_NAS: Final = frozenset({"snapshot_dir", "unix_permissions", "security_style"})


class VolumeDefaultsSpec(Spec):
    """What a backend's volumes are like unless their class says otherwise; upstream takes texts alone."""

    space_reserve: Literal["none", "volume"] = "none"
    snapshot_reserve: Annotated[int, Field(ge=0, le=90)] | None = None
    snapshot_policy: str | None = None
    snapshot_dir: bool | None = None
    encryption: bool | None = None
    split_on_clone: bool | None = None
    tiering_policy: Literal["none", "snapshot-only", "auto", "all"] | None = None
    qos_policy: str | None = None
    adaptive_qos_policy: str | None = None
    unix_permissions: Annotated[str, Field(pattern=r"^[0-7]{3,4}$")] | None = None
    security_style: Literal["unix", "mixed"] | None = None

    @model_validator(mode="after")
    def _one_quality_of_service(self) -> Self:
        if self.qos_policy is not None and self.adaptive_qos_policy is not None:
            raise InvalidValue("qosPolicy and adaptiveQosPolicy exclude each other: a volume has one limit")
        return self


class BackendSpec(Spec):
    """One storage virtual machine by one driver. Credentials are a Secret's name, never text."""

    driver: Driver
    management_lif: Address = Field(alias="managementLIF")
    data_lif: Address | None = Field(default=None, alias="dataLIF")
    svm: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
    storage_prefix: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    credentials: Name | None = None
    auto_export_cidrs: Items[Network] = Field(default=(), alias="autoExportCIDRs")
    san_type: Literal["iscsi", "nvme", "fcp"] | None = None
    chap: bool | None = None
    labels: Mapping[str, str] = {}
    defaults: VolumeDefaultsSpec = VolumeDefaultsSpec()

    @model_validator(mode="before")
    @classmethod
    def _nothing_clear(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            labels = data.get("labels")
            name = clear_secret([*map(str, data), *(map(str, labels) if isinstance(labels, Mapping) else ())])
            if name is not None:
                raise InvalidValue(f"{name} would stand in clear text: write it into the Secret that credentials names")
        return data

    @model_validator(mode="after")
    def _fields_of_its_protocol(self) -> Self:
        if self.is_nas and (self.san_type is not None or self.chap is not None):
            raise InvalidValue(f"sanType and chap are for SAN, and {self.driver} speaks NFS")
        if not self.is_nas and (self.auto_export_cidrs or _OF_NAS & self.defaults.model_fields_set):
            raise InvalidValue(
                "autoExportCIDRs, snapshotDir, unixPermissions and securityStyle are for NAS, "
                f"and {self.driver} makes LUNs"
            )
        if self.chap and self.protocol != "iscsi":
            raise InvalidValue(f"CHAP is for iSCSI, and sanType is {self.protocol}")
        return self

    @property
    def is_nas(self) -> bool:
        """Whether its volumes are file systems that nodes mount."""
        return self.driver.startswith("ontap-nas")

    @property
    def protocol(self) -> str:
        """How nodes reach its volumes."""
        return "nfs" if self.is_nas else self.san_type or "iscsi"

    @property
    def uses_chap(self) -> bool:
        """Whether array and nodes prove to each other who they are: with iSCSI, unless said otherwise."""
        return self.protocol == "iscsi" and self.chap is not False


class TridentClassSpec(VolumeClassSpec):
    """A class of volumes on any backend of one driver, or on one backend."""

    driver: Driver | None = None
    backend: Name | None = None
    binding: Literal["Immediate", "WaitForFirstConsumer"] = "Immediate"
    provisioning: Literal["thin", "thick"] = "thin"
    snapshots: bool | None = None
    filesystem: Literal["ext4", "xfs"] | None = None

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.driver is None) == (self.backend is None):
            raise InvalidValue("a class names either a driver or a backend")
        return self


class TridentSettings(Spec):
    """Backends, classes of volumes and classes of snapshots, by name."""

    debug: bool = False
    backends: Mapping[Name, BackendSpec] = {}
    classes: Mapping[Name, TridentClassSpec] = {}
    snapshot_classes: Mapping[Name, SnapshotClassSpec] = {"trident": SnapshotClassSpec()}

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for name in self.backends:
            if len(name) > BACKEND_BUDGET:
                raise InvalidValue(f"backend {name!r} has {len(name)} characters, at most {BACKEND_BUDGET} fit")
        for name in self.classes:
            if name.startswith(_FOREIGN):
                raise InvalidValue(f"class {name!r} is called like one of another driver (px-, vsphere-)")
        return self

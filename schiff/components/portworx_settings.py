"""What layers may set of Portworx: where its own volumes lie, and classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from schiff.components.storage_classes import SnapshotClassSpec, VolumeClassSpec
from schiff.errors import InvalidValue
from schiff.model.spec import Items, Spec
from schiff.values.names import Name

DeviceSpec = Annotated[str, Field(pattern=r"^([a-z_]+=[^,=\s]+,)*size=[1-9][0-9]*(,[a-z_]+=[^,=\s]+)*$")]
Device = Annotated[str, Field(pattern=r"^/dev/[A-Za-z0-9/_.:+-]+$")]


class CloudStorageSpec(Spec):
    """Volumes that Portworx orders from the array for itself, one of each on every storage node."""

    device_specs: Annotated[Items[DeviceSpec], Field(min_length=1)] = ("size=500",)
    max_storage_nodes_per_zone: Annotated[int, Field(ge=1)] = 3
    journal_device_spec: DeviceSpec | None = None
    kvdb_device_spec: DeviceSpec | None = None


class LocalStorageSpec(Spec):
    """Disks of the nodes: named ones, or all that hold nothing yet."""

    devices: Items[Device] = ()
    use_all: bool = False
    journal_device: Device | None = None
    kvdb_device: Device | None = None

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if bool(self.devices) == self.use_all:
            raise InvalidValue("local storage is either a list of devices or useAll")
        return self


class PortworxClassSpec(VolumeClassSpec):
    """A class of replicated volumes, or with `backend` of volumes that lie on the array alone."""

    repl: Annotated[int, Field(ge=1, le=3)] | None = None
    io_profile: Literal["auto", "auto_journal", "db", "db_remote", "none", "sequential"] | None = None
    backend: Literal["pure_block", "pure_file"] | None = None
    max_iops: Annotated[int, Field(ge=100, le=100_000_000)] | None = None
    export_rules: str | None = None
    filesystem: Literal["ext4", "xfs"] | None = None
    binding: Literal["Immediate", "WaitForFirstConsumer"] = "Immediate"

    @model_validator(mode="after")
    def _fields_of_its_kind(self) -> Self:
        if self.backend is not None and (self.repl is not None or self.io_profile is not None):
            raise InvalidValue(
                f"repl and ioProfile are for replicated volumes, and those of {self.backend} are the array's"
            )
        if self.max_iops is not None and self.backend != "pure_block":
            raise InvalidValue("maxIops is for backend pure_block")
        if self.export_rules is not None and self.backend != "pure_file":
            raise InvalidValue("exportRules is for backend pure_file")
        if self.filesystem is not None and self.backend == "pure_file":
            raise InvalidValue("filesystem is for blocks, and pure_file is a file system")
        return self

    @property
    def replicas(self) -> int:
        """On how many nodes a replicated volume lies."""
        return self.repl or 2


class PortworxSettings(Spec):
    """Where Portworx keeps its data, and its classes by name."""

    cloud_storage: CloudStorageSpec | None = None
    storage: LocalStorageSpec | None = None
    san_type: Literal["FC", "ISCSI", "NVMEOF-RDMA", "NVMEOF-TCP"] = "ISCSI"
    classes: Mapping[Name, PortworxClassSpec] = {"repl2": PortworxClassSpec()}
    snapshot_classes: Mapping[Name, SnapshotClassSpec] = {"px": SnapshotClassSpec()}

    @model_validator(mode="before")
    @classmethod
    def _nothing_wipes(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "deleteStrategy" in data:
            raise InvalidValue(
                "deleteStrategy is never written: a person who means to destroy data does so on the array"
            )
        return data

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.cloud_storage is not None and self.storage is not None:
            raise InvalidValue("cloudStorage and storage exclude each other: Portworx keeps its data in one way")
        return self

    @property
    def cloud(self) -> CloudStorageSpec:
        """Volumes from the array, where nodes' disks were not chosen."""
        return self.cloud_storage or CloudStorageSpec()

    @property
    def uses_arrays(self) -> bool:
        """Whether anything asks an array, so that Portworx must know how to reach one."""
        return self.storage is None or any(spec.backend for spec in self.classes.values())

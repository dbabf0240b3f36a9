"""What an infrastructure asks of kubeadm on its machines: the piece of a node that a provider describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MachineFile:
    """A file that cloud-init writes before kubeadm runs; Cluster API takes up to 10,240 characters."""

    path: str
    content: str
    permissions: str = "0644"

    def as_dict(self) -> dict[str, str]:
        """Return the file as kubeadm objects hold it."""
        return {"path": self.path, "owner": "root:root", "permissions": self.permissions, "content": self.content}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How control plane machines hold the address of the API: files, then commands before kubeadm."""

    files: tuple[MachineFile, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeSetup:
    """How a machine becomes a node: its name, what its kubelet is told, files, then commands before kubeadm.

    Names and labels may hold cloud-init's ``{{ ds.meta_data... }}``: only the
    machine knows them.
    """

    node_name: str
    kubelet_args: Mapping[str, str] = field(default_factory=dict)
    node_labels: Mapping[str, str] = field(default_factory=dict)
    controller_manager_args: Mapping[str, str] = field(default_factory=dict)
    files: tuple[MachineFile, ...] = ()
    commands: tuple[str, ...] = ()

"""The programs this project builds itself, each pinned by a wrapper module below `tools/`.

A wrapper's go.mod names the released module, its go.sum every byte of it. The
version a program reports is read from there, so a pin stands in one place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Part:
    """One program: the wrapper it is pinned in, its package, and how it is compiled and stamped."""

    name: str
    wrapper: str
    module: str
    package: str
    minutes: int  # of a first build on two cores, to tell people how long to wait
    tags: str = ""
    stamps: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The wrapper module's folder."""
        return ROOT / "tools" / self.wrapper

    @property
    def version(self) -> str:
        """The pinned release, such as ``v1.36.3``."""
        found = re.search(rf"^\s*{re.escape(self.module)} (v\S+)", self._go_mod(), re.MULTILINE)
        if found is None:
            raise LookupError(f"{self.folder / 'go.mod'} requires no {self.module}")
        return found[1]

    @property
    def minimum_go(self) -> str:
        """The Go version go.mod asks for, such as ``1.26.0``."""
        found = re.search(r"^go (\S+)", self._go_mod(), re.MULTILINE)
        if found is None:
            raise LookupError(f"{self.folder / 'go.mod'} has no go line")
        return found[1]

    def flags(self) -> list[str]:
        """Return the arguments of ``go build``: reproducible, without debug symbols, with the release stamped in."""
        major, minor = self.version.removeprefix("v").split(".")[:2]
        values = {"version": self.version, "major": major, "minor": minor}
        linker = ["-s", "-w", *(f"-X {stamp.format_map(values)}" for stamp in self.stamps)]
        tags = [f"-tags={self.tags}"] if self.tags else []
        return ["-trimpath", "-mod=readonly", "-buildvcs=false", *tags, f"-ldflags={' '.join(linker)}"]

    def digest(self, go_version: str) -> str:
        """Return the digest of everything a build depends on: equal digest, equal program."""
        go_sum = (self.folder / "go.sum").read_text(encoding="utf-8")
        inputs = [self._go_mod(), go_sum, self.package, self.flags(), go_version]
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()

    def _go_mod(self) -> str:
        return (self.folder / "go.mod").read_text(encoding="utf-8")


_KUBERNETES = "k8s.io/component-base/version."
_KUBERNETES_STAMPS = (
    f"{_KUBERNETES}gitVersion={{version}}",
    f"{_KUBERNETES}gitMajor={{major}}",
    f"{_KUBERNETES}gitMinor={{minor}}",
    f"{_KUBERNETES}gitTreeState=clean",
    f"{_KUBERNETES}gitCommit=schiff",
)


def _kubernetes(name: str, minutes: int) -> Part:
    """Return a program of Kubernetes itself."""
    package = f"k8s.io/kubernetes/cmd/{name}"
    return Part(name, "controlplane", "k8s.io/kubernetes", package, minutes, stamps=_KUBERNETES_STAMPS)


def _flux(name: str) -> Part:
    """Return a controller of Flux; each has its own wrapper, because they pin different releases of one module."""
    module = f"github.com/fluxcd/{name}"
    return Part(name, f"flux/{name}", module, module, minutes=2)


FLUX_CONTROLLERS = ("source-controller", "kustomize-controller", "helm-controller", "notification-controller")

PARTS: Mapping[str, Part] = {
    part.name: part
    for part in (
        Part(
            name="pulumi",
            wrapper="pulumi",
            module="github.com/pulumi/pulumi/pkg/v3",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            minutes=5,
            tags="osusergo,grpcnotrace",
            stamps=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",),
        ),
        Part(
            name="etcd",
            wrapper="controlplane",
            module="go.etcd.io/etcd/server/v3",
            package="go.etcd.io/etcd/server/v3",
            minutes=2,
        ),
        _kubernetes("kube-apiserver", minutes=3),
        _kubernetes("kube-controller-manager", minutes=2),
        *map(_flux, FLUX_CONTROLLERS),
        Part(
            name="sops",
            wrapper="sops",
            module="github.com/getsops/sops/v3",
            package="github.com/getsops/sops/v3/cmd/sops",
            minutes=2,
        ),
        Part(
            name="helm",
            wrapper="helm",
            module="helm.sh/helm/v4",
            package="helm.sh/helm/v4/cmd/helm",
            minutes=2,
        ),
    )
}

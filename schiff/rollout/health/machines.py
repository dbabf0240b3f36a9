"""Machines themselves: version, kubelet, and the template each was made from.

No combination of what Cluster, control plane and pools report is safe in the
first seconds after a change, so every Machine is compared. The template is read
from the annotation of its infrastructure machine; where that cannot be read,
from the Machine, else from the MachineSet it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from schiff.errors import InvalidValue
from schiff.rollout.health.conditions import absent, found, generation_not_observed
from schiff.rollout.health.observed import ObjectKey, Seen
from schiff.rollout.health.reading import at, key_of, named, number, text
from schiff.rollout.health.verdicts import Finding, Verdict
from schiff.rollout.skew import pool_problems
from schiff.values.versions import KubernetesVersion

CLUSTER_GROUP: Final = "cluster.x-k8s.io"
_CLONED_FROM = "cluster.x-k8s.io/cloned-from-name"
_DEPLOYMENT = "cluster.x-k8s.io/deployment-name"
_SET = "cluster.x-k8s.io/set-name"
_CONTROL_PLANE = "cluster.x-k8s.io/control-plane"
_TEMPLATES: Final = {
    "KubeadmControlPlane": ("spec", "machineTemplate", "spec", "infrastructureRef", "name"),
    "MachineDeployment": ("spec", "template", "spec", "infrastructureRef", "name"),
}
_BOOTSTRAP: Final = ("spec", "template", "spec", "bootstrap", "configRef", "name")


@dataclass(frozen=True, slots=True)
class Machines:
    """The Machines of one cluster beside what was delivered for them: its control plane and its pools."""

    live: Sequence[Any]
    owners: Sequence[Mapping[str, Any]]
    seen: Seen
    kubernetes: str

    @classmethod
    def of(cls, cluster: ObjectKey, owners: Iterable[Mapping[str, Any]], seen: Seen, kubernetes: str) -> Machines:
        """Return the Machines that name this cluster, in the order of their names."""
        _, _, namespace, name = cluster
        found_here = (
            (key[3], item)
            for key, item in seen.objects.items()
            if key[:3] == (CLUSTER_GROUP, "Machine", namespace)
            and key_of(item) == key
            and text(item, "spec", "clusterName") == name
        )
        of_cluster = [item for _, item in sorted(found_here, key=itemgetter(0))]
        return cls(of_cluster, tuple(owners), seen, kubernetes)

    def on_their_way(self, owner: Mapping[str, Any]) -> bool:
        """Return whether Machines of an owner are missing, have no node yet, or are leaving."""
        own = [item for item in self.live if self._owner(item) is owner]
        unfinished = any(_is_leaving(item) or not text(item, "status", "nodeRef", "name") for item in own)
        return unfinished or len(own) != number(owner, "spec", "replicas")

    def findings(self) -> Iterator[Finding]:
        """Yield what keeps the Machines from being the delivered ones."""
        yield from self._counts()
        for item in self.live:
            yield from self._machine(item)
        yield from self._skew()

    def _skew(self) -> Iterator[Finding]:
        """Yield the pools that no control plane may have: Cluster API never makes them, so somebody did."""
        running: dict[str, list[KubernetesVersion]] = {}
        for item in self.live:
            version = _kubelet(item)
            if version is not None and not _is_leaving(item):
                running.setdefault(text(item, "metadata", "labels", _DEPLOYMENT), []).append(version)
        control_plane = running.pop("", None)
        for sentence in pool_problems(min(control_plane), running) if control_plane and self.owners else ():
            owner = key_of(self.owners[0])
            yield Finding(Verdict.Unhealthy, "PoolOutOfReach", sentence, named(owner))

    def _counts(self) -> Iterator[Finding]:
        for owner in self.owners:
            wanted = number(owner, "spec", "replicas")
            has = sum(self._owner(item) is owner for item in self.live)
            if wanted is None or has != wanted:
                message = f"{has} machines are there, {wanted} are expected"
                yield Finding(Verdict.Progressing, "MachinesNotReached", message, named(key_of(owner)))

    def _machine(self, live: Any) -> Iterator[Finding]:
        if _is_leaving(live):
            yield found(Verdict.Progressing, "Deleting", "the machine is being replaced or removed", live)
            return
        stale = [*absent(live), *generation_not_observed(live)]
        if stale:
            yield from stale
            return
        owner = self._owner(live)
        if owner is None:
            message = "neither the control plane nor a delivered pool has this machine"
            yield found(Verdict.Progressing, "MachineNotDelivered", message, live)
            return
        yield from self._versions(live)
        yield from self._templates(live, owner)

    def _owner(self, live: Any) -> Mapping[str, Any] | None:
        labels = at(live, "metadata", "labels")
        pool, namespace = text(labels, _DEPLOYMENT), text(live, "metadata", "namespace")
        for owner in self.owners:
            is_pool = text(owner, "kind") == "MachineDeployment"
            mine = text(owner, "metadata", "name") == pool if is_pool else at(labels, _CONTROL_PLANE) is not None
            if mine and text(owner, "metadata", "namespace") == namespace:
                return owner
        return None

    def _versions(self, live: Any) -> Iterator[Finding]:
        asked, running = text(live, "spec", "version"), text(live, "status", "nodeInfo", "kubeletVersion")
        if asked != self.kubernetes:
            message = f"the machine is of {asked or 'no version'}, {self.kubernetes} is expected"
            yield found(Verdict.Progressing, "VersionNotReached", message, live)
        elif not text(live, "status", "nodeRef", "name"):
            yield found(Verdict.Progressing, "NoNode", "the machine has not become a node yet", live)
        elif not running:
            yield found(Verdict.Unknown, "KubeletNotReported", "the node reports no kubelet version", live)
        elif running != self.kubernetes:
            message = f"the kubelet is {running}, {self.kubernetes} is expected"
            yield found(Verdict.Progressing, "VersionNotReached", message, live)

    def _templates(self, live: Any, owner: Mapping[str, Any]) -> Iterator[Finding]:
        wanted = text(owner, *_TEMPLATES[text(owner, "kind")])
        machine_set = self._set_of(live)
        made_from = self._cloned_from(live) or text(machine_set, *_TEMPLATES["MachineDeployment"])
        if not made_from:
            message = "neither its infrastructure machine nor its MachineSet says which template it was made from"
            yield found(Verdict.Unknown, "TemplateNotReadable", message, live)
        elif made_from != wanted:
            yield _other_template(live, made_from, wanted)
        if machine_set is not None and text(machine_set, *_BOOTSTRAP) != text(owner, *_BOOTSTRAP):
            yield _other_template(live, text(machine_set, *_BOOTSTRAP), text(owner, *_BOOTSTRAP))

    def _cloned_from(self, live: Any) -> str:
        reference = at(live, "spec", "infrastructureRef")
        group = text(reference, "apiGroup") or text(reference, "apiVersion").rpartition("/")[0]
        namespace = text(live, "metadata", "namespace")
        machine = self.seen.objects.get((group, text(reference, "kind"), namespace, text(reference, "name")))
        return text(machine, "metadata", "annotations", _CLONED_FROM) or text(
            live, "metadata", "annotations", _CLONED_FROM
        )

    def _set_of(self, live: Any) -> Any:
        name = text(live, "metadata", "labels", _SET)
        key = (CLUSTER_GROUP, "MachineSet", text(live, "metadata", "namespace"), name)
        return self.seen.objects.get(key) if name else None


def _kubelet(live: Any) -> KubernetesVersion | None:
    try:
        return KubernetesVersion.parse(text(live, "status", "nodeInfo", "kubeletVersion"))
    except InvalidValue:
        return None


def _is_leaving(live: Any) -> bool:
    return at(live, "metadata", "deletionTimestamp") is not None


def _other_template(live: Any, made_from: str, wanted: str) -> Finding:
    message = f"the machine was made from {made_from or 'no template'}, {wanted} is expected"
    return found(Verdict.Progressing, "TemplateNotReached", message, live)

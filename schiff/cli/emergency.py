"""What a backup is made of: the secrets of delivered clusters, as they are right now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from schiff.cli.delivered_clusters import Subject
from schiff.delivery.api_server import read_context
from schiff.delivery.emergency_branch import Backup, backup_path
from schiff.errors import Failed, InvalidValue, Refused
from schiff.manifests.emergency import backup_manifest, emergency_secrets
from schiff.manifests.sops import readers_of
from schiff.model.resolved import namespace_of
from schiff.sources.cluster_secrets import Answer, SecretName, read_secrets


@dataclass(slots=True)
class Harvest:
    """The secrets that were there, and a sentence about each that was not or could not be read."""

    backups: list[Backup] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def harvest(found: Sequence[Subject], kubeconfig: Path, label_domain: str) -> Harvest:
    """Read every secret; what is missing somewhere stops nothing elsewhere."""
    result = Harvest()
    for _, group in groupby(found, key=lambda one: one.management.name):
        members = list(group)
        try:
            answers = _answers(members, kubeconfig)
        except (Failed, Refused) as error:
            result.troubles.append(str(error))
        else:
            for one in members:
                for name, asked in _names(one).items():
                    _take(one, name, answers[asked], label_domain, result)
    result.troubles = [*dict.fromkeys(result.troubles)]
    return result


def _names(one: Subject) -> dict[str, SecretName]:
    """Return the secrets of a cluster by name."""
    namespace = namespace_of(one.key, one.management.name)
    return {name: (namespace, name) for name in emergency_secrets(one.key.name)}


def _answers(members: Sequence[Subject], kubeconfig: Path) -> dict[SecretName, Answer]:
    """Ask one management cluster for everything; raises `Refused` where nobody could read the backups."""
    management = members[0].management
    if not readers_of(management):
        cure = f"write them into facts.recipients of management-clusters/{management.name}.yaml"
        raise Refused(f"{management.name} has no recipients, so nobody could read its backups; {cure}", "no-recipients")
    asked = [name for one in members for name in _names(one).values()]
    return read_secrets(read_context(kubeconfig, management.spec.facts.api_context), management.name, asked)


def _take(subject: Subject, name: str, answer: Answer, label_domain: str, result: Harvest) -> None:
    management = subject.management
    if answer is None:
        if not subject.is_leaving:
            result.missing.append(f"{subject.key}: {management.name} holds no secret {name}")
        return
    if isinstance(answer, Failed):
        result.troubles.append(str(answer))
        return
    try:
        manifest = backup_manifest(answer, subject.key.name, label_domain)
    except InvalidValue as error:
        result.troubles.append(f"{subject.key}: {name} on {management.name}: {error}")
    else:
        path = backup_path(management.name, subject.key, name)
        result.backups.append(Backup(path, manifest, tuple(readers_of(management))))

"""Rules about who can read the fleet's encrypted documents: what is left to do when a key is rotated.

A document says for whom it is encrypted, in clear. It need not name everybody who might read in its folder, but all the
keys of one reader, so that a new key is there before the old one goes; and nobody whom the fleet has forgotten.
Documents whose keys another service keeps name no recipients, and are left alone, as are places without recipients.

=====================  =====================================================================================
recipient-missing      a document is encrypted for every key of a cluster that reads it
recipient-not-named    a document is encrypted for nobody whom the fleet does not name for its folder
sops-rules-behind      `.sops.yaml` names for each folder whom the fleet names, so that `sops` encrypts for them
=====================  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import yaml

from schiff.checks.fleet_subjects import Subject, subjects
from schiff.errors import Place, Problem
from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.manifests.sops import KEY_FILE, readers_of, readers_of_site, secret_target, sops_file
from schiff.model.fleet import Fleet
from schiff.model.resolved import ResolvedEnvironment

RULES_FILE: Final = ".sops.yaml"
_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class _Document:
    """An encrypted document, and the keys of each cluster that may be the one who reads it."""

    file: str
    content: bytes
    readers: Sequence[Sequence[str]]


def secret_problems(*resolved: ResolvedEnvironment) -> Iterator[Problem]:
    """Give every document that must be encrypted again."""
    for document in _documents(subjects(resolved)):
        has, readers = recipients_of(document.content), [keys for keys in document.readers if keys]
        if has and readers:
            yield from _judged(document.file, has, readers)


def sops_rule_problems(text: str, fleet: Fleet) -> Iterator[Problem]:
    """Give the rules of a `.sops.yaml` that encrypt for others than the fleet names."""
    said, meant = _rules(text), _rules(sops_file(fleet))
    for place, keys in meant.items():
        if said.get(place) != keys:
            message = f"{place} is for {_keys(keys)}, but here for {_keys(said.get(place, {}))}"
            yield _behind(message, f"write {', '.join(f'{kind}: {named}' for kind, named in keys.items())}")
    for place in said:
        if place not in meant:
            yield _behind(f"{place} is no folder that anybody could read in", "take the rule away")


# --- documents and their readers


def _documents(clusters: Sequence[Subject]) -> Iterator[_Document]:
    sites: dict[str, Subject] = {}
    for subject in clusters:
        cluster, manager = subject.cluster, readers_of(subject.cluster.management)
        sites.setdefault(subject.site.name, subject)
        if cluster.self_managed:
            yield from _in(f"management-clusters/{cluster.management.name}", cluster.management.secrets, [manager])
            continue
        folder = f"sites/{cluster.identity.site}/{cluster.identity.customer}/{cluster.identity.name}"
        own = list(cluster.spec.recipients)
        first = {FLUX_NAMESPACE, cluster.identity.namespace}
        for name, content in sorted(cluster.secrets.items()):
            remote = name == KEY_FILE or secret_target(content).namespace in first
            yield from _in(folder, {name: content}, [manager] if remote else [own, manager])
    for name, subject in sorted(sites.items()):
        readers = [readers_of_site(subject.site, subject.fleet)]
        yield from _in(f"sites/{name}/site", subject.site.secrets, readers)


def _in(folder: str, documents: Mapping[str, bytes], readers: Sequence[Sequence[str]]) -> Iterator[_Document]:
    for name, content in sorted(documents.items()):
        yield _Document(f"{folder}.secrets/{name}", content, readers)


@lru_cache(maxsize=10_000)
def recipients_of(content: bytes) -> frozenset[str]:
    """Return for whom a document is encrypted: age keys and fingerprints; nobody when other services keep its keys."""
    try:
        data = yaml.load(content, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        data = None
    sops = data.get("sops") if isinstance(data, dict) else None
    return frozenset(_named(sops) if isinstance(sops, dict) else ())


def _named(sops: Mapping[str, Any]) -> Iterator[str]:
    for group in (sops, *(sops.get("key_groups") or ())):
        yield from (str(entry["recipient"]) for entry in group.get("age") or ())
        yield from (str(entry["fp"]) for entry in group.get("pgp") or ())


# --- judgement


def _judged(file: str, has: frozenset[str], readers: Sequence[Sequence[str]]) -> Iterator[Problem]:
    lacks = min(([key for key in keys if key not in has] for keys in readers), key=len)
    if lacks:
        message, cure = f"is not encrypted for {_shown(lacks)}, who reads it", f"run sops updatekeys {file}"
        yield Problem(Place(file), "sops", message, cure, rule="recipient-missing")
    if forgotten := sorted(has - {key for keys in readers for key in keys}):
        message = f"is encrypted for {_shown(forgotten)}, whom the fleet does not name here"
        cure = f"run sops updatekeys {file}, and change what it holds: Git keeps what that key opens"
        yield Problem(Place(file), "sops", message, cure, rule="recipient-not-named")


def _shown(keys: Iterable[str]) -> str:
    return ", ".join(f"{key[:_SHOWN]}..." for key in keys)


def _rules(text: str) -> dict[str, dict[str, str]]:
    try:
        rules = (yaml.load(text, Loader=yaml.CSafeLoader) or {}).get("creation_rules") or []
        return {rule["path_regex"]: {kind: rule[kind] for kind in ("age", "pgp") if kind in rule} for rule in rules}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        return {}


def _keys(keys: Mapping[str, str]) -> str:
    return _shown(key for named in keys.values() for key in named.split(",")) or "nobody"


def _behind(message: str, cure: str) -> Problem:
    return Problem(Place(RULES_FILE), "creation_rules", message, cure, rule="sops-rules-behind")

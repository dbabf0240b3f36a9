"""Documents become a fleet: every file typed, every layer held against the schema, every reference followed.

All problems of all files are raised together. What one cluster's layers give
after merging is `schiff.layers.resolve`'s; rules between clusters are `checks`'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import NoneType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from schiff.errors import InvalidInput, Place, Problem
from schiff.layers.fleet_layout import RELEASES, SECRETS, FleetFile, Kind, fleet_file
from schiff.layers.pins import pin_problems
from schiff.layers.policy import policy_reference_problems, read_policy
from schiff.layers.references import PLATFORM, reference_problems
from schiff.layers.schema import customer_problems, layer_problems
from schiff.layers.settings import settings_problems
from schiff.layers.sops import secret_problems
from schiff.layers.validation import close_to, typed
from schiff.model.catalogue import CatalogueEntry
from schiff.model.fleet import EMPTY, Document, Fleet, ManagementCluster, Order, SharedLayers, Site
from schiff.model.frozen import LOCK_FILE, frozen_digest, vendored_digest, verify_lock
from schiff.model.management_cluster import ManagementClusterSpec
from schiff.model.policy import PolicySpec
from schiff.model.release import ReleaseSpec
from schiff.model.settings import FleetSettings, LayerName
from schiff.model.site import SiteFacts
from schiff.values.digests import HEAD
from schiff.values.names import ENVIRONMENTS, ClusterKey, ClusterName, Name

_LAYER_FOLDERS: Mapping[Kind, tuple[str, LayerName]] = {
    "environment": ("environments", "environment"),
    "provider": ("providers", "provider"),
    "zone": ("zones", "zone"),
    "class": ("classes", "class"),
}
_NEEDED = {
    "": ("fleet.yaml", "head.yaml", "defaults.yaml"),
    RELEASES: ("fleet.yaml", "release.yaml", "defaults.yaml"),
}
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_CLUSTER_NAME: TypeAdapter[str] = TypeAdapter(ClusterName)


def assemble(
    documents: Mapping[str, Document], secrets: Mapping[str, bytes], vendored: Mapping[str, Mapping[str, bytes]]
) -> Fleet:
    """Return the fleet; all three mappings are by path relative to the fleet folder.

    Raises `InvalidInput` with every problem, and `Tampered` when a release is
    not what its lock says.
    """
    fleet, problems = survey(documents, secrets, vendored)
    if fleet is None or problems:
        raise InvalidInput(problems)
    return fleet


def survey(
    documents: Mapping[str, Document], secrets: Mapping[str, bytes], vendored: Mapping[str, Mapping[str, bytes]]
) -> tuple[Fleet | None, list[Problem]]:
    """Return what can be made of the fleet, and every problem: for `check`, which goes on to look at the rest."""
    work = _Assembly(documents, secrets, vendored)
    return work.fleet(), sorted(set(work.problems))


class _Assembly:
    """The files by what they are, and the problems found so far."""

    def __init__(
        self, documents: Mapping[str, Document], secrets: Mapping[str, bytes], vendored: Mapping[str, Any]
    ) -> None:
        self.problems: list[Problem] = []
        self._documents = documents
        self._secrets = _by_folder(secrets)
        self._vendored = vendored
        self._badly_named: set[str] = set()
        self._files: dict[str, dict[Kind, list[tuple[FleetFile, Document]]]] = {"": defaultdict(list)}
        for path in sorted(documents):
            self._sort_in(path, documents[path])
        for path in sorted(secrets):
            self._judge_secret(path, secrets[path])

    def _judge_secret(self, path: str, content: bytes) -> None:
        """Say what is wrong with an encrypted document, and let nothing else look at one that is not."""
        found = list(secret_problems(path, content))
        self.problems.extend(found)
        if found:
            folder, _, name = path.partition(f"{SECRETS}/")
            self._secrets.get(f"{folder}{SECRETS}", {}).pop(name, None)

    def _sort_in(self, path: str, document: Document) -> None:
        file = fleet_file(path)
        if file is None:
            message, cure = "is no file that a fleet has", "check its name and folder"
            self.problems.append(Problem(Place(path, 1), "", message, cure, rule="unknown-file"))
            return
        self._files.setdefault(file.release, defaultdict(list))[file.kind].append((file, document))
        for name in file.names[:-1] if file.kind == "order" else file.names:
            self._check_name(_NAME, name, path)
        if file.kind == "order":
            self._check_name(_CLUSTER_NAME, file.names[2], path)

    def _check_name(self, kind: TypeAdapter[str], name: str, path: str) -> None:
        try:
            kind.validate_python(name)
        except ValidationError as error:
            message = str(error.errors()[0]["ctx"]["error"])
            self.problems.append(Problem(Place(path, 1), "", message, "rename the file or folder", rule="bad-name"))
            self._badly_named.add(path)

    def fleet(self) -> Fleet | None:
        """Return the fleet, or None when too much is wrong to make one."""
        head = self._shared("", HEAD)
        sites = {site.name: site for site in self._sites()}
        managers = {manager.name: manager for manager in self._management_clusters()}
        orders = {order.key: order for order in self._orders()}
        customers = {file.names[0]: document for file, document in self._files[""]["customer"]}
        policy = self._policy() or PolicySpec()
        self._check_layer_files("customer", "customer")
        self._check_left_over_secrets()
        self._check_environments()
        shared = [self._shared(name, name) for name in sorted(set(self._files) - {""})]
        releases = {layers.digest: layers for layers in self._identified(shared)}
        if head is None:
            return None
        fleet = Fleet(head, releases, sites, customers, managers, orders, policy, self._vendored)
        self._check_whole(fleet)
        return fleet

    def _policy(self) -> PolicySpec | None:
        return next((read_policy(document, self.problems) for _, document in self._files[""]["policy"]), None)

    def _check_whole(self, fleet: Fleet) -> None:
        known = {problem.place for problem in self.problems}
        for document in fleet.customers.values():
            found = customer_problems(document, fleet.head.settings)
            self.problems.extend(problem for problem in found if problem.place not in known)
        for layers in (fleet.head, *fleet.releases.values()):
            self.problems.extend(settings_problems(layers, self._document_of(layers, "fleet.yaml")))
            self.problems.extend(pin_problems(layers, fleet.vendored))
        described = {file.names[0] for file, _ in self._files[""]["site"]}
        self.problems.extend(reference_problems(fleet, described))
        policy = self._documents.get("policy.yaml", EMPTY)
        self.problems.extend(policy_reference_problems(fleet.policy, policy, described, fleet.customers, fleet.orders))

    def _document_of(self, layers: SharedLayers, name: str) -> Document:
        folder = "" if layers.is_head else f"{RELEASES}{layers.release.name}/"
        return self._documents.get(f"{folder}{name}", EMPTY)

    def _identified(self, shared: list[SharedLayers | None]) -> Iterator[SharedLayers]:
        """Give each release under its digest; its lock, where there is one, must say the same."""
        for layers in shared:
            if layers is None:
                continue
            folder = f"{RELEASES}{layers.release.name}/"
            files = {path.removeprefix(folder): document.data for path, document in self._below(folder)}
            pinned = sorted(f"{name}/{pin.version}" for name, pin in layers.release.components.items())
            vendored = {key: vendored_digest(self._vendored[key]) for key in pinned if key in self._vendored}
            lock = files.get(LOCK_FILE)
            if lock is None:
                identity = frozen_digest(files, vendored)
            else:
                identity = verify_lock(layers.release.name, _unlocked(files), vendored, lock)
            yield replace(layers, digest=identity, frozen=files)

    def _below(self, folder: str) -> Iterator[tuple[str, Document]]:
        return ((path, document) for path, document in self._documents.items() if path.startswith(folder))

    # --- the shared layers of head, or of one release

    def _shared(self, release: str, digest: str) -> SharedLayers | None:
        folder = f"{RELEASES}{release}/" if release else ""
        for needed in _NEEDED[RELEASES if release else ""]:
            if f"{folder}{needed}" not in self._documents:
                cure = "write it, or point --fleet at the folder that holds it"
                self.problems.append(Problem(Place(f"{folder}{needed}"), "", "is missing", cure, rule="missing-file"))
        settings = self._one(FleetSettings, "settings", release)
        pins = self._release(release)
        defaults = self._layers("defaults", "defaults", release)
        catalogue = {
            file.names[0]: entry
            for file, document in self._files[release]["component"]
            if (entry := typed(CatalogueEntry, document, self.problems)) is not None
        }
        folders = {name: self._layers(kind, layer, release) for kind, (name, layer) in _LAYER_FOLDERS.items()}
        if settings is None or pins is None or not defaults:
            return None
        return SharedLayers(
            digest=digest, settings=settings, release=pins[0], defaults=next(iter(defaults.values())),
            sites=self._site_values(release), catalogue=catalogue, release_document=pins[1], frozen={}, **folders,
        )  # fmt: skip

    def _one(self, model: type[Any], kind: Kind, release: str) -> Any:
        return next((typed(model, document, self.problems) for _, document in self._files[release][kind]), None)

    def _release(self, release: str) -> tuple[ReleaseSpec, Document] | None:
        for _, document in self._files[release]["release"]:
            named = document
            if release:
                named = Document(document.file, {"name": release, **document.data}, document.marks)
                if named.data["name"] != release:
                    place, cure = document.place(("name",)), f"write {release}, or leave it out"
                    self.problems.append(Problem(place, "name", "is not the folder's name", cure, rule="wrong-value"))
            pins = typed(ReleaseSpec, named, self.problems)
            return None if pins is None else (pins, document)
        return None

    def _layers(self, kind: Kind, layer: LayerName, release: str) -> dict[str, Document]:
        self._check_layer_files(kind, layer, release)
        return {file.names[0] if file.names else kind: document for file, document in self._files[release][kind]}

    def _check_layer_files(self, kind: Kind, layer: LayerName, release: str = "") -> None:
        for _, document in self._files[release][kind]:
            self.problems.extend(layer_problems(layer, document))

    def _site_values(self, release: str) -> dict[str, Document]:
        values = {file.names[0]: document for file, document in self._files[release]["site-values"]}
        for file, document in self._files[release]["site"]:
            if self._is_map(document, "values"):
                values[file.names[0]] = document.below("values")
        for document in values.values():
            self.problems.extend(layer_problems("site", document, "" if release else "values"))
        return values

    # --- what acts at once

    def _sites(self) -> Iterator[Site]:
        for file, document in self._files[""]["site"]:
            for key in sorted(set(document.data) - {"facts", "values"}):
                message = f"no field is called {key!r} here"
                cure = close_to(key, ["facts", "values"])
                self.problems.append(Problem(document.place((key,)), key, message, cure, rule="unknown-field"))
            secrets = self._secrets.pop(f"sites/{file.names[0]}/site{SECRETS}", {})
            if not self._is_map(document, "facts"):
                continue
            below = document.below("facts")
            found: list[Problem] = []
            facts = typed(SiteFacts, below, found)
            self.problems.extend(_prefixed(found, "facts"))
            if facts is not None and file.path not in self._badly_named:
                yield Site(file.names[0], facts, below, secrets)

    def _is_map(self, document: Document, key: str) -> bool:
        if isinstance(document.data.get(key, {}), dict | NoneType):
            return True
        message, place = "is not a map", document.place((key,))
        self.problems.append(Problem(place, key, message, "write fields as `name: value`", rule="wrong-type"))
        return False

    def _management_clusters(self) -> Iterator[ManagementCluster]:
        for file, document in self._files[""]["management-cluster"]:
            spec = typed(ManagementClusterSpec, document, self.problems)
            secrets = self._secrets.pop(f"management-clusters/{file.names[0]}{SECRETS}", {})
            if spec is not None and file.path not in self._badly_named:
                self.problems.extend(layer_problems("cluster", document.below("cluster"), "cluster"))
                yield ManagementCluster(file.names[0], spec, document, secrets)

    def _orders(self) -> Iterator[Order]:
        first: dict[ClusterKey, str] = {}
        for file, document in self._files[""]["order"]:
            site, customer, name = file.names
            key = ClusterKey(site, name)
            self.problems.extend(layer_problems("cluster", document))
            secrets = self._secrets.pop(f"sites/{site}/{customer}/{name}{SECRETS}", {})
            if key in first:
                self.problems.append(_second_of_a_name(key, document, first[key]))
            elif file.path not in self._badly_named:
                first[key] = file.path
                yield Order(key, customer, document, secrets)

    # --- what belongs to nothing

    def _check_left_over_secrets(self) -> None:
        for folder in self._secrets:
            message = "holds secrets of a cluster or site that the fleet lacks"
            cure = "name the folder <cluster>.secrets beside the order, or site.secrets beside site.yaml"
            self.problems.append(Problem(Place(folder), "", message, cure, rule="secrets-of-nobody"))

    def _check_environments(self) -> None:
        for release, kinds in self._files.items():
            for file, _ in kinds["environment"]:
                if file.names[0] not in ENVIRONMENTS:
                    message, cure = f"no environment is called {file.names[0]!r}", close_to("", list(ENVIRONMENTS))
                    self.problems.append(Problem(Place(file.path, 1), "", message, cure, rule="unknown-environment"))
            if not release and any(file.names[0] == PLATFORM for file, _ in kinds["customer"]):
                message = f"{PLATFORM!r} is the customer of management clusters' own clusters"
                place = Place(f"customers/{PLATFORM}.yaml", 1)
                self.problems.append(Problem(place, "", message, "take another name", rule="bad-name"))


def _by_folder(secrets: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    folders: dict[str, dict[str, bytes]] = {}
    for path in sorted(secrets):
        folder, slash, name = path.partition(f"{SECRETS}/")
        folders.setdefault(f"{folder}{SECRETS}" if slash else folder, {})[name] = secrets[path]
    return folders


def _unlocked(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {path: data for path, data in files.items() if path != LOCK_FILE}


def _prefixed(problems: list[Problem], prefix: str) -> Iterator[Problem]:
    for problem in problems:
        path = f"{prefix}.{problem.path}" if problem.path else prefix
        yield Problem(problem.place, path, problem.message, problem.cure, problem.layer, problem.rule)


def _second_of_a_name(key: ClusterKey, document: Document, first: str) -> Problem:
    message = f"site {key.site} has a second cluster called {key.name!r}; the first is {first}"
    return Problem(
        document.place(), "", message, "take another name: one is unique per site", rule="cluster-name-twice"
    )

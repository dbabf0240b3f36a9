"""The whole loop around one management cluster: a fleet's project, a Git server, the clusters."""

from __future__ import annotations

import io
import tarfile
from contextlib import ExitStack
from pathlib import Path

import httpx

from schiff.manifests.flux import COMPONENTS, CONFIG, DEFINITIONS, FLUX_NAMESPACE
from tests.bed.crds import CrdSet
from tests.bed.example_fleet import copy_example_fleet
from tests.bed.git_server import GitServer
from tests.bed.management_cluster import ManagementCluster
from tests.bed.objects import KUSTOMIZE, SOURCE, Object, Objects, condition, is_ready, revision_of
from tests.bed.process import BedFailed
from tests.bed.receiver import Receiver
from tests.bed.started import Started
from tests.bed.tenant import Tenant
from tests.bed.waiting import wait_for
from tests.git.repositories import git, head
from tests.journeys.pulumi_project import PulumiProject

REPOSITORIES = ("cluster-definitions", "cluster-components")
ENVIRONMENTS = ("tst", "ref")
"""What the management cluster serves; it is ready only when each of them was delivered."""
_ROOTS = ("sources.yaml", "shared.yaml")


class Loop(Started):
    """Runs while the `with` block does: the example fleet, delivered by `up`, pulled by its management cluster.

    Git, the engine, the API servers and Flux are real. Nothing runs in the
    clusters, and Cluster API is played (`Tenant.publish`).
    """

    def __init__(self, bin_dir: Path, folder: Path, crds: CrdSet, management_cluster: str = "schiff-mgmt-x") -> None:
        self._bin_dir, self._folder = bin_dir, folder
        self.git = GitServer(folder / "git")
        self.receiver = Receiver()
        self.management = ManagementCluster(bin_dir, folder / management_cluster, management_cluster, crds)
        self._running = ExitStack()

    def start(self) -> None:
        """Start everything, and wait until it answers."""
        with ExitStack() as starting:
            starting.enter_context(self.git)
            starting.enter_context(self.receiver)
            urls = {name: self._created(name) for name in REPOSITORIES}
            addresses = (*(urls[name] for name in REPOSITORIES), self.receiver.url)
            self.fleet = copy_example_fleet(self._folder / "fleet", self._bin_dir, *addresses)
            self.project = PulumiProject.around(self._folder / "project", self.fleet.folder)
            self._deliver_to(urls)
            starting.enter_context(self.management)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Stop everything."""
        self._running.close()

    def up(self, *environments: str) -> None:
        """Deliver the fleet as it stands: these environments, else all that the management cluster serves."""
        self.project.commit_fleet()
        for environment in environments or ENVIRONMENTS:
            self.project.schiff("up", "-e", environment)

    def install(self) -> None:
        """Point the management cluster's Flux at what was delivered, as an operator does once."""
        name = self.management.name
        owner = ENVIRONMENTS[0]
        folder = f"main:{name}/flux/{owner}"
        files = {file: git(self.repository("definitions"), "show", f"{folder}/{file}") for file in _ROOTS}
        self.management.install(owner, files, self.fleet.keys[name])

    def tenant(self, site: str, name: str) -> Tenant:
        """Return a tenant of this fleet, which is not there before it is started."""
        return Tenant(self._bin_dir, self._folder / f"{site}-{name}", f"{site}-{name}", name)

    def repository(self, name: str) -> Path:
        """Return a delivered repository: definitions or components."""
        return self.git.folder / f"cluster-{name}.git"

    def heads(self) -> dict[str, str]:
        """Return the commit that each source of the management cluster should hold."""
        definitions, components = (head(self.repository(name)) for name in ("definitions", "components"))
        return {DEFINITIONS: definitions, COMPONENTS: components, CONFIG: components}

    def pull(self) -> None:
        """Have the management cluster look at both repositories now, and wait until it holds their heads."""
        heads = self.heads()
        sources = [name for name in heads if self.management.objects.get(SOURCE, "GitRepository", name)]
        for name in sources:
            self.management.objects.reconcile(SOURCE, "GitRepository", name)
        for name in sources:
            self.management.objects.wait_ready("GitRepository", name, revision=heads[name])

    def own_kustomizations(self) -> list[Object]:
        """Return what the management cluster applies to itself: lists, folders, and its own components."""
        found = self.management.objects.all(KUSTOMIZE, "Kustomization")
        return [item for item in found if item["metadata"]["namespace"] == FLUX_NAMESPACE]

    def artifact_of(self, objects: Objects, source: str) -> list[str]:
        """Return the files that a cluster's source-controller keeps of a source and offers to the others."""
        item = objects.get(SOURCE, "GitRepository", source)
        if item is None:
            raise BedFailed(f"no GitRepository {source}")
        packed = httpx.get(item["status"]["artifact"]["url"]).content
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            return [member.name for member in archive if member.isfile()]

    def find(self, document: Object) -> Object | None:
        """Return the live object of a document for the management cluster, None where there is none."""
        metadata = document["metadata"]
        kind = document["apiVersion"], document["kind"]
        return self.management.objects.get(*kind, metadata["name"], metadata.get("namespace"))

    def folder_of(self, name: str) -> str:
        """Return the folder that one of these applies."""
        item = self.management.objects.get(KUSTOMIZE, "Kustomization", name)
        if item is None:
            raise BedFailed(f"no Kustomization {name}")
        return str(item["spec"]["path"]).removeprefix("./")

    def own_paths(self, prefix: str) -> list[str]:
        """Return the folders that these apply, as far as they begin so, sorted."""
        paths = {item["spec"]["path"] for item in self.own_kustomizations()}
        return sorted(path for path in paths if path.startswith(prefix))

    def settle(self, seconds: float = 120) -> None:
        """Have the management cluster pull, and wait until it applied all of what Git holds to itself."""
        self.pull()
        heads = self.heads()

        def behind() -> list[str]:
            return [
                f"{item['metadata']['name']}: {condition(item, 'Ready').get('message')}"
                for item in self.own_kustomizations()
                if not (is_ready(item) and revision_of(item).endswith(heads[item["spec"]["sourceRef"]["name"]]))
            ]

        try:
            wait_for(lambda: not behind(), "every Kustomization of the management cluster at the head of Git", seconds)
        except BedFailed as error:
            raise BedFailed(f"{error}; {'; '.join(behind())}") from None

    def _created(self, name: str) -> str:
        self.git.create(name)
        return self.git.url(name)

    def _deliver_to(self, urls: dict[str, str]) -> None:
        for environment in ENVIRONMENTS:
            settings = self.project.root / f"Pulumi.{environment}.yaml"
            text = settings.read_text()
            for name, url in urls.items():
                text = text.replace(f".schiff/{name}.git", url)
            settings.write_text(text)

"""The whole loop around one management cluster: a fleet's project, a Git server, the clusters."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bed.crds import CrdSet
from tests.bed.example_fleet import copy_example_fleet
from tests.bed.git_server import GitServer
from tests.bed.management_cluster import ManagementCluster
from tests.bed.objects import SOURCE
from tests.bed.receiver import Receiver
from tests.bed.tenant import Tenant
from tests.git.repositories import git, head
from tests.journeys.pulumi_project import PulumiProject

REPOSITORIES = ("cluster-definitions", "cluster-components")
ENVIRONMENTS = ("tst", "ref")
"""What the management cluster serves; it is ready only when each of them was delivered."""
_ROOTS = ("sources.yaml", "shared.yaml")


class Loop:
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

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.git)
            starting.enter_context(self.receiver)
            urls = {name: self._created(name) for name in REPOSITORIES}
            self.fleet = copy_example_fleet(
                self._folder / "fleet", self._bin_dir, *urls.values(), alerts_url=self.receiver.url
            )
            self.project = PulumiProject.around(self._folder / "project", self.fleet.folder)
            self._deliver_to(urls)
            starting.enter_context(self.management)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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

    def pull(self) -> None:
        """Have the management cluster look at both repositories now, and wait until it holds their heads."""
        for name in ("definitions", "components"):
            self.management.objects.reconcile(SOURCE, "GitRepository", f"cluster-{name}")
        for name in ("definitions", "components"):
            self.management.objects.wait_ready("GitRepository", f"cluster-{name}", revision=head(self.repository(name)))

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

"""The test bed for people: the whole loop on this machine, and the players that keep it going."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx

from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.model.fleet import Fleet
from schiff.values.names import ClusterKey
from tests.bed.bed_folder import REPOSITORIES, BedFolder
from tests.bed.crds import find_crds
from tests.bed.kubeconfig import kubeconfig
from tests.bed.management_cluster import ManagementCluster
from tests.bed.players import ClusterApi, Issuer, Kubelet, Operator, Patience, Player, Webhook
from tests.bed.process import BedFailed
from tests.bed.started import Started
from tests.bed.tenant import Tenant

MANAGEMENT_CLUSTER = "schiff-mgmt-x"
TENANT = "vsphere-site-1/customer-a-1"
_SECONDS = 1.0

Say = Callable[[str], None]


class Bed(Started):
    """Runs while the `with` block does.

    Everything is started by the thread that enters the block, because the kernel
    ends a program of the bed with the thread that started it.
    """

    def __init__(self, folder: BedFolder, bin_dir: Path, tenants: Sequence[str], say: Say) -> None:
        self._folder, self._bin_dir, self._names, self._say = folder, bin_dir, tenants, say
        self._players: list[Player] = []
        self._running = ExitStack()

    def start(self) -> None:
        """Start everything, and wait until it answers."""
        with ExitStack() as starting:
            server = starting.enter_context(self._folder.git_server())
            self._say(f"Git: {', '.join(map(server.url, REPOSITORIES))}")
            fleet = self._folder.make(self._bin_dir, server)
            environments = {name: _environment(fleet, name) for name in self._names}
            self._start_management(starting)
            self.tenants = {name: self._start_tenant(name, starting) for name in self._names}
            self._cast(fleet, environments)
            self._write_kubeconfig(fleet)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Stop everything."""
        self._running.close()

    def play(self) -> None:
        """Let the players act, for ever; a signal ends it."""
        said = ""
        while True:
            for player in self._players:
                try:
                    news = player.act()
                except (httpx.HTTPError, BedFailed) as error:  # somebody is away or not that far; it is asked again
                    news = f"{type(player).__name__}: {str(error).partition(chr(10))[0]}"
                if news and news != said:
                    self._say(news)
                    said = news
            time.sleep(_SECONDS)

    def _start_management(self, starting: ExitStack) -> None:
        crds = find_crds()
        name = MANAGEMENT_CLUSTER
        folder = self._folder.cluster(name)
        self._say(f"{name}: starting etcd, the API server, the controller manager and Flux")
        self.management = ManagementCluster(self._bin_dir, folder, name, crds)
        if not self.management.control_plane.data.exists():
            self._say(
                f"{name}: {len(crds.texts)} definitions are loaded first, which takes up to a minute this first time"
            )
        starting.enter_context(self.management)
        self._say(f"{name}: {self.management.control_plane.url}")

    def _start_tenant(self, name: str, starting: ExitStack) -> Tenant:
        key = ClusterKey.parse(name)
        namespace = f"{key.site}-{key.name}"
        tenant = Tenant(self._bin_dir, self._folder.cluster(namespace), namespace, key.name)
        self._say(f"{name}: starting etcd, the API server and the controller manager")
        starting.enter_context(tenant)
        if tenant.has_flux():
            tenant.flux.start()
        self._say(f"{name}: {tenant.control_plane.url}")
        return tenant

    def _cast(self, fleet: Fleet, environments: dict[str, str]) -> None:
        clusters = [self.management.objects, *(tenant.objects for tenant in self.tenants.values())]
        owner = fleet.management_clusters[MANAGEMENT_CLUSTER].spec.owning_environment
        self._players = [Operator(self._folder, self.management, owner), Webhook(self._folder, clusters)]
        for name, tenant in self.tenants.items():
            issuer = Issuer(self._folder, self.management, tenant, (environments[name], name))
            self._players += [ClusterApi(self.management, tenant), Kubelet(tenant), issuer]
        namespaces = {FLUX_NAMESPACE, *(tenant.namespace for tenant in self.tenants.values())}
        self._players.append(Patience(clusters, namespaces))

    def _write_kubeconfig(self, fleet: Fleet) -> None:
        context = fleet.management_clusters[MANAGEMENT_CLUSTER].spec.facts.api_context
        contexts = {context: self.management.control_plane.administrator}
        contexts |= {each.namespace: each.control_plane.administrator for each in self.tenants.values()}
        self._folder.kubeconfig.touch(mode=0o600)
        self._folder.kubeconfig.write_text(kubeconfig(contexts))


def _environment(fleet: Fleet, name: str) -> str:
    """Return the environment of a tenant that this bed can run."""
    known = {str(key): str(order.document.data["environment"]) for key, order in fleet.orders.items()}
    served = {
        each: environment
        for each, environment in known.items()
        if (found := fleet.management_cluster_of(each.partition("/")[0], environment))
        and found.name == MANAGEMENT_CLUSTER
    }
    if name not in served:
        raise BedFailed(f"{name!r} is no tenant of {MANAGEMENT_CLUSTER}; TENANTS may name {', '.join(sorted(served))}")
    return served[name]

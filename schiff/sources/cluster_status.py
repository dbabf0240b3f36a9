"""Looking at real clusters: many at once, each for a limited time, and no trouble with one stops another.

A management cluster is asked for all its clusters with one list a kind, then
for the secret with each tenant's kubeconfig; then each tenant is asked for
itself. What cannot be read becomes trouble, which health calls Unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from threading import Lock
from typing import Final

from lightkube.config.kubeconfig import SingleConfig

from schiff.errors import Failed
from schiff.model.resolved import CLUSTER_LABEL
from schiff.rollout.health import Expected, Finding, Seen, Verdict
from schiff.sources.api_connection import ApiConnection, Kind, NotReadable
from schiff.sources.cluster_identity import identity_of, require_cluster
from schiff.sources.cluster_secrets import Answer, SecretName, read_secrets
from schiff.sources.kubeconfig import inner_config
from schiff.sources.management_objects import ManagementObjects, Objects, keyed
from schiff.sources.status_kinds import CLUSTERS, NODE, flux_kinds, machine_kinds

AT_ONCE: Final = 32
_LISTS_AT_ONCE: Final = 6
_MANAGEMENT: Final = 3
"""How many times as long as a tenant a management cluster may take, because it answers for all of them."""

News = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """A delivered cluster, and the management cluster whose API server knows it: maybe the same."""

    expected: Expected
    management: str

    @property
    def is_management(self) -> bool:
        """Whether it is the management cluster's own entry."""
        return self.expected.cluster == self.management

    @property
    def name(self) -> str:
        """The cluster's name, without its site."""
        return self.expected.cluster.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Access:
    """How clusters are reached.

    `contexts` leads to the management clusters by their names, or says why one
    cannot be reached; `purpose` is the end of the name of the secret with a
    tenant's kubeconfig: ``status``, or ``kubeconfig`` for the administrator's.
    """

    contexts: Mapping[str, SingleConfig | Finding]
    purpose: str = "status"
    seconds: float = 20.0

    def secret_of(self, one: Subject) -> SecretName:
        """Return where a tenant's kubeconfig lies on its management cluster."""
        return one.expected.namespace, f"{one.name}-{self.purpose}"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a cluster on both sides; of a management cluster both are the same server.

    `ahead` is how far the clock of the management cluster's server is before this machine's.
    """

    management: Seen
    tenant: Seen
    ahead: timedelta | None = None


def look_at(subjects: Sequence[Subject], access: Access, news: News = lambda _: None) -> dict[str, Look]:
    """Return what the servers of every subject say, by the names of the clusters."""
    observer = _Observer(access)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        return _looks(observer, pool, subjects, news)
    except BaseException:  # Ctrl-C waits for nobody
        observer.cut()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _looks(observer: _Observer, pool: ThreadPoolExecutor, subjects: Sequence[Subject], news: News) -> dict[str, Look]:
    ordered = sorted(subjects, key=lambda one: (one.management, one.expected.cluster))
    groups = [(name, list(members)) for name, members in groupby(ordered, key=lambda one: one.management)]
    news(f"asking {len(groups)} management clusters")
    names = [name for name, _ in groups]
    sides = dict(zip(names, pool.map(lambda group: observer.management(*group), groups), strict=True))
    asked = {pool.submit(observer.look, one, sides[one.management]): one.expected.cluster for one in ordered}
    found: dict[str, Look] = {}
    for done in as_completed(asked):
        found[asked[done]] = done.result()
        news(f"{len(found)} of {len(asked)} clusters")
    return found


@dataclass(frozen=True, slots=True)
class _Management:
    """What one management cluster says of all its clusters, and the tenants' kubeconfigs; or why it says nothing."""

    objects: ManagementObjects
    secrets: Mapping[SecretName, Answer]
    trouble: Finding | None = None
    ahead: timedelta | None = None


@dataclass(frozen=True, slots=True)
class _Observer:
    """Reads sides of clusters in the threads it is called in."""

    access: Access
    _open: set[ApiConnection] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def cut(self) -> None:
        """End every conversation."""
        with self._lock:
            for each in self._open:
                each.cut()

    def management(self, name: str, members: Sequence[Subject]) -> _Management:
        """Ask one management cluster everything it is asked."""
        config = self.access.contexts[name]
        if isinstance(config, Finding):
            return _Management(ManagementObjects({}), {}, config)
        context = config.context_name
        try:
            with self._connected(config, name, _MANAGEMENT * self.access.seconds) as asked:
                release = require_cluster(asked, _identity_of(name, members), f"context {context}")
                objects = {**keyed(release), **_lists(asked, _management_kinds(members))}
                ahead = asked.ahead
            return _Management(ManagementObjects.of(objects), self._secrets(name, config, members), ahead=ahead)
        except NotReadable as error:
            return _Management(ManagementObjects({}), {}, _trouble(error, f"Context/{context}"))

    def look(self, one: Subject, side: _Management) -> Look:
        """Return both sides of one cluster."""
        if side.trouble is not None:
            return Look(Seen(trouble=side.trouble), Seen(trouble=side.trouble))
        if one.is_management:
            seen = Seen(side.objects.everything())
            return Look(seen, seen, side.ahead)
        management = Seen(side.objects.of_cluster(one.expected.namespace))
        if one.expected.removal:
            return Look(management, Seen(), side.ahead)  # nothing is asked of a tenant that is being removed
        return Look(management, self._tenant(one, side), side.ahead)

    def _tenant(self, one: Subject, side: _Management) -> Seen:
        namespace, name = asked_secret = self.access.secret_of(one)
        place, server = f"Secret/{namespace}/{name}", f"Cluster/{namespace}/{one.name}"
        try:
            config = inner_config(_found(side.secrets.get(asked_secret), f"{namespace}/{name}"), f"{namespace}/{name}")
        except NotReadable as error:
            return Seen(trouble=_trouble(error, place))
        try:
            with self._connected(config, one.expected.cluster, self.access.seconds) as asked:
                release = require_cluster(asked, identity_of(one.expected), f"secret {namespace}/{name}")
                lists = (asked.list(kind) for kind in (*flux_kinds(one.expected.tenant), NODE))
                return Seen(keyed([*release, *(item for found in lists for item in found)]))
        except NotReadable as error:
            return Seen(trouble=_trouble(error, server))

    def _secrets(self, name: str, config: SingleConfig, members: Iterable[Subject]) -> Mapping[SecretName, Answer]:
        wanted = [self.access.secret_of(one) for one in members if not one.is_management and not one.expected.removal]
        return read_secrets(config, name, wanted) if wanted else {}

    @contextmanager
    def _connected(self, config: SingleConfig, name: str, seconds: float) -> Iterator[ApiConnection]:
        with ApiConnection(config, name, seconds) as connection:
            with self._lock:
                self._open.add(connection)
            try:
                yield connection
            finally:
                with self._lock:
                    self._open.discard(connection)


def _identity_of(name: str, members: Sequence[Subject]) -> Mapping[str, str]:
    """Return what says which management cluster it is; where another stack owns it, no more than its name."""
    own = next((identity_of(one.expected) for one in members if one.is_management), {})
    return {CLUSTER_LABEL: name, **own}


def _management_kinds(members: Sequence[Subject]) -> tuple[Kind, ...]:
    """Return what is asked of a management cluster: for all its clusters, and for itself where it has an entry."""
    expected = [one.expected for one in members]
    own = [one.expected for one in members if one.is_management]
    delivered = [item for each in expected for item in each.management]
    delivered += [item for each in own for item in each.tenant]
    return (*CLUSTERS, *machine_kinds(expected), *flux_kinds(delivered), *((NODE,) if own else ()))


def _lists(asked: ApiConnection, kinds: Sequence[Kind]) -> Objects:
    """Read lists side by side; what the account may not read of machines is done without."""

    def one(kind: Kind) -> list[dict[str, object]]:
        try:
            return asked.list(kind)
        except NotReadable as error:
            if kind.optional and error.reason == "Forbidden":
                return []
            raise

    with ThreadPoolExecutor(_LISTS_AT_ONCE) as pool:
        return keyed(item for found in pool.map(one, kinds) for item in found)


def _found(answer: Answer, name: str) -> Mapping[str, object]:
    """Return a secret that was read; raises `NotReadable` with what to do about one that is missing."""
    if answer is None:
        message = f"the management cluster has no secret {name} yet; schiff kubeconfigs issue writes that of status"
        raise NotReadable("KubeconfigMissing", message)
    if isinstance(answer, Failed):
        raise NotReadable("SecretNotReadable", str(answer))
    return answer


def _trouble(error: NotReadable, place: str) -> Finding:
    return Finding(Verdict.Unknown, error.reason, str(error), place)

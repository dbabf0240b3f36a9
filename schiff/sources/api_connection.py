"""Asking one API server, with every way in which that can go wrong as a word and a sentence.

What a server answers may hold secrets even when it is broken, and what a reader
says of somebody's kubeconfig may quote a key. So no sentence here is made of a
text that came from elsewhere.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final, Self, TypeVar

import httpx2
from lightkube import Client
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.generic_resource import GenericGlobalResource, GenericNamespacedResource, create_api_info
from lightkube.models.meta_v1 import Status
from lightkube.types import PatchType

from schiff.errors import Failed
from schiff.sources.limited_transport import LimitedTransport, TooLarge

_TIMES: Final = httpx2.Timeout(10, connect=5)
_AT_ONCE: Final = 500
"""How many objects one answer of a list holds."""

T = TypeVar("T")


def _learn_types() -> None:
    """Decode one of each thing that is decoded here, before threads do.

    msgspec reads a type's fields at the first use of it, and two threads that
    come first at once crash the interpreter (seen with 0.22, once in a hundred
    runs).
    """
    Status.from_dict({})
    parts = {"clusters": "cluster", "users": "user", "contexts": "context"}
    contents: Mapping[str, Mapping[str, str]] = {"cluster": {"server": ""}, "user": {}, "context": {"cluster": ""}}
    KubeConfig.from_dict({name: [{"name": "x", part: contents[part]}] for name, part in parts.items()})


_learn_types()

_REFUSED: Final = {
    401: ("Unauthorized", "does not accept the credentials: they are expired, revoked, or of another cluster"),
    403: ("Forbidden", "keeps {what} from this account"),
}


class NotReadable(Failed):
    """A server could not be asked, or did not answer in a way that can be used; `reason` is a word for programs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Kind:
    """How objects of one kind are asked for; `versions` in the order in which they are tried.

    An optional kind may be kept from the account that asks: then there is none of it.
    """

    group: str
    kind: str
    plural: str
    versions: tuple[str, ...]
    namespaced: bool = True
    optional: bool = False


class ApiConnection:
    """One API server, asked for `seconds` at most; closed when the `with` block ends."""

    def __init__(self, config: SingleConfig, name: str, seconds: float) -> None:
        self.name = name
        self._seconds = seconds
        try:
            trust = verify_cluster(config.cluster, config.user or User(), config.abs_file)
            self._transport = LimitedTransport(config.cluster.server, trust, seconds)
            self._client = Client(config, timeout=_TIMES, transport=self._transport)
        except Exception as error:  # noqa: BLE001  # whatever a reader of certificates and addresses makes of them
            reason = type(error).__name__
            raise NotReadable("KubeconfigInvalid", f"the kubeconfig for {name} cannot be used ({reason})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def ahead(self) -> timedelta | None:
        """How far the server's clock is before this machine's, by its last answer; None while it said no time."""
        return self._transport.ahead

    def cut(self) -> None:
        """End every conversation at once, from another thread."""
        self._transport.cut()

    def list(self, kind: Kind) -> list[dict[str, Any]]:
        """Return every object of a kind in the first version that is served; none where the server knows no such kind.

        Raises `NotReadable`.
        """
        for version in kind.versions:
            found = self._attempt(kind.plural, lambda: [*self._listed(kind, version)])  # noqa: B023  # called at once
            if found is not None:
                return found
        return []

    def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        """Return one object; None when there is none. Raises `NotReadable`."""
        resource = _namespaced(kind, kind.versions[0])
        what = f"{kind.plural} {namespace}/{name}"
        return self._attempt(what, lambda: _whole(kind, self._client.get(resource, name=name, namespace=namespace)))

    def apply(self, kind: Kind, value: Mapping[str, Any], manager: str) -> None:
        """Apply one object on the server, taking over what others set of its fields. Raises `NotReadable`."""
        metadata = value["metadata"]
        what = f"{kind.plural} {metadata['namespace']}/{metadata['name']}"
        resource = _namespaced(kind, kind.versions[0])
        done = self._attempt(
            what,
            lambda: self._client.patch(
                resource,
                metadata["name"],
                resource(**value),
                namespace=metadata["namespace"],
                patch_type=PatchType.APPLY,
                field_manager=manager,
                force=True,
            ),
        )
        if done is None:
            raise NotReadable("NotFound", f"{self.name} has no namespace {metadata['namespace']}")

    def _listed(self, kind: Kind, version: str) -> Iterator[dict[str, Any]]:
        found: Iterable[Mapping[str, Any]]
        if kind.namespaced:
            found = self._client.list(_namespaced(kind, version), namespace="*", chunk_size=_AT_ONCE)
        else:
            found = self._client.list(_global(kind, version), chunk_size=_AT_ONCE)
        api_version = f"{kind.group}/{version}".lstrip("/")
        for item in found:
            yield {"apiVersion": api_version, "kind": kind.kind, **item}

    def _attempt(self, what: str, ask: Callable[[], T]) -> T | None:
        """Return what the server gave, None for "not found"; raises `NotReadable` for everything else."""
        try:
            return ask()
        except httpx2.HTTPStatusError as error:
            status = error.response.status_code
            if status == httpx2.codes.NOT_FOUND:
                return None
            reason, words = _REFUSED.get(status, ("ServerError", f"answers {status}"))
            raise self._trouble(reason, f"{words.format(what=what)}") from None
        except Exception as error:  # noqa: BLE001  # a decoder meets anything that somebody calls an answer
            raise self._translated(error) from None

    def _translated(self, error: Exception) -> NotReadable:
        if self._transport.is_over or isinstance(error, httpx2.TimeoutException):
            return self._trouble("TimedOut", f"did not answer in time ({self._seconds:.0f} s at most)")
        if isinstance(error, httpx2.TransportError):
            return self._trouble(*_broken(error))
        if isinstance(error, TooLarge):
            return self._trouble("AnswerTooLarge", "sends an answer without an end")
        return self._trouble("AnswerBroken", f"gives an answer that is not one of Kubernetes ({type(error).__name__})")

    def _trouble(self, reason: str, words: str) -> NotReadable:
        return NotReadable(reason, f"the API server of {self.name} {words}")


def _broken(error: BaseException) -> tuple[str, str]:
    """Return what a connection that was not made, or did not last, died of."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "CertificateNotTrusted", f"shows a certificate that is not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return "TlsFailed", f"ends the TLS connection ({cause.reason or 'no reason given'})"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.ConnectError):
        return "Unreachable", "cannot be reached"
    return "ConnectionBroken", f"breaks the connection ({type(error).__name__})"


def _whole(kind: Kind, found: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": f"{kind.group}/{kind.versions[0]}".lstrip("/"), "kind": kind.kind, **found}


@cache
def _namespaced(kind: Kind, version: str) -> type[GenericNamespacedResource]:
    """Return a resource of our own making: lightkube's own leave out what they do not know."""
    return type(kind.kind, (GenericNamespacedResource,), {"_api_info": _api_info(kind, version)})


@cache
def _global(kind: Kind, version: str) -> type[GenericGlobalResource]:
    return type(kind.kind, (GenericGlobalResource,), {"_api_info": _api_info(kind, version)})


def _api_info(kind: Kind, version: str) -> Any:
    return create_api_info(kind.group, version, kind.kind, kind.plural)

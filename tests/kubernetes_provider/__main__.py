"""The stand-in's server: what the engine asks a provider, in the order of its protocol."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from functools import wraps
from importlib.metadata import version
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.kubernetes_provider.cluster import ApiFailed, Cluster, Object, title
from tests.kubernetes_provider.values import differences, has_unknown, plain, projected, stored, wrapped

_MANAGER = "__fieldManager"
_REPLACED = ("kind", "metadata.name", "metadata.namespace")
_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def _in_sentences(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Any, request: Any, context: Any) -> Any:
        try:
            return method(self, request)
        except ApiFailed as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return call


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One configured provider: one management cluster."""

    _cluster: Cluster
    _force = False
    _upsert = False

    @_in_sentences
    def GetPluginInfo(self, request: Any) -> Any:  # noqa: ARG002, N802 -- the protocol's name, as all below
        return plugin_pb2.PluginInfo(version=version("pulumi-kubernetes"))

    @_in_sentences
    def Cancel(self, request: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()

    @_in_sentences
    def CheckConfig(self, request: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    @_in_sentences
    def DiffConfig(self, request: Any) -> Any:  # noqa: N802
        """Compare settings; with `clusterIdentifier`, that alone decides about a replacement."""
        found = [place for place, _ in differences(plain(request.old_inputs), plain(request.news))]
        replaced = [place for place in found if place == "clusterIdentifier"]
        return provider_pb2.DiffResponse(changes=_changes(found), diffs=found, replaces=replaced)

    @_in_sentences
    def Configure(self, request: Any) -> Any:  # noqa: N802
        """Take the settings; truths arrive as texts."""
        settings = plain(request.args)
        self._cluster = Cluster(settings["kubeconfig"], settings.get("context", ""))
        self._force = settings.get("enablePatchForce") in (True, "true")
        self._upsert = settings.get("upsertExistingObjects") in (True, "true")
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    @_in_sentences
    def Check(self, request: Any) -> Any:  # noqa: N802
        item = plain(request.news)
        if "namespace" not in item["metadata"] and self._cluster.is_namespaced(item):
            item["metadata"]["namespace"] = "default"
        return provider_pb2.CheckResponse(inputs=wrapped(item))

    @_in_sentences
    def Diff(self, request: Any) -> Any:  # noqa: N802
        found = dict(differences(plain(request.old_inputs), plain(request.news)))
        replaced = [place for place in found if place in _REPLACED]
        detailed = {
            place: provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(how), inputDiff=True)
            for place, how in found.items()
        }
        return provider_pb2.DiffResponse(
            changes=_changes(list(found)),
            replaces=replaced,
            deleteBeforeReplace=bool(replaced),
            detailedDiff=detailed,
            hasDetailedDiff=True,
            diffs=sorted({place.partition(".")[0].partition("[")[0] for place in found}),
        )

    @_in_sentences
    def Create(self, request: Any) -> Any:  # noqa: N802
        item, manager = plain(request.properties), f"pulumi-kubernetes-{secrets.token_hex(4)}"
        if request.preview:
            return provider_pb2.CreateResponse(properties=self._tried(item, manager))
        if not self._upsert and self._cluster.get(item) is not None:
            raise ApiFailed(f"resource {title(item)} already exists")
        live = self._cluster.apply(item, manager, force=self._force)
        return provider_pb2.CreateResponse(id=title(item), properties=_state(live, manager))

    @_in_sentences
    def Update(self, request: Any) -> Any:  # noqa: N802
        item, manager = plain(request.news), plain(request.olds)[_MANAGER]
        if request.preview:
            return provider_pb2.UpdateResponse(properties=self._tried(item, manager))
        return provider_pb2.UpdateResponse(
            properties=_state(self._cluster.apply(item, manager, force=self._force), manager)
        )

    @_in_sentences
    def Read(self, request: Any) -> Any:  # noqa: N802
        inputs, state = plain(request.inputs), plain(request.properties)
        live = self._cluster.get(inputs)
        if live is None:
            return provider_pb2.ReadResponse()
        found = wrapped(projected(live, inputs))
        return provider_pb2.ReadResponse(id=request.id, properties=_state(live, state[_MANAGER]), inputs=found)

    @_in_sentences
    def Delete(self, request: Any) -> Any:  # noqa: N802
        self._cluster.delete(plain(request.properties), min(request.timeout, 60.0))
        return empty_pb2.Empty()

    def _tried(self, item: Object, manager: str) -> Any:
        if not has_unknown(item) and self._cluster.knows(item):
            self._cluster.apply(item, manager, force=self._force, dry=True)
        return wrapped(item)


def _state(live: Object, manager: str) -> Any:
    return wrapped({**stored(live), _MANAGER: manager})


def _changes(found: list[str]) -> Any:
    return provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE


def _end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Serve until told to end; the engine reads the port from the first line."""
    server = grpc.server(futures.ThreadPoolExecutor(16), options=_ANY_SIZE)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stopped.wait()
    os._exit(0)


if __name__ == "__main__":
    main()

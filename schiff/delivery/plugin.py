"""The Pulumi provider plugin `pulumi-resource-schiff`: the one module that knows the SDK's provider interface.

That interface is called experimental, so it is wrapped here whole: what a
resource does is written in plain data beside it. Three things the SDK's own
server lacks are added. An error reaches people as its sentence, without the
text gRPC puts around an exception. The plugin ends when it is told (SIGINT).
It also ends when its parent dies, because a killed CLI tells it nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grpc import StatusCode, aio  # type: ignore[import-untyped]
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2_grpc

from schiff.delivery.plugin_repositories import ProviderSettings, Repositories
from schiff.delivery.plugin_resources import Commit, Finding, Handler, Record, Values
from schiff.delivery.report import tell, tell_error
from schiff.delivery.workspace import find_workspace
from schiff.errors import Failed, SchiffError

_NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_HALF_AN_HOUR = [("grpc.server_max_unrequested_time_in_server", 1800)]


class SchiffProvider(sdk.Provider):
    """Translates between the SDK and the handlers; blocking work leaves the event loop."""

    def __init__(self, engine: EngineLog) -> None:
        self._engine = engine
        self._handlers: dict[str, Handler] = {}
        self._failure = Failed("the provider was not configured")

    async def get_schema(self, request: sdk.GetSchemaRequest) -> sdk.GetSchemaResponse:  # noqa: ARG002
        """Answer with the empty schema: the classes of schiff.resources are the only makers of these resources."""
        return sdk.GetSchemaResponse(schema='{"name": "schiff"}')

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        """Take the settings; every preview and every update configures anew, and looks at the branch anew."""
        settings = ProviderSettings.from_inputs(_plain_map(request.args))
        repositories = Repositories(settings, find_workspace(Path.cwd()))
        record = Record(repositories)
        self._handlers = {"TenantCluster": record, "Folder": record, "Commit": Commit(repositories)}
        return sdk.ConfigureResponse(supports_preview=True)

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Take inputs as they are: the classes that make them are typed."""
        return sdk.CheckResponse(inputs=request.new_inputs)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare; nothing is ever replaced."""
        old, new = _plain_map(request.old_state), _plain_map(request.new_inputs)
        finding = await self._find(request.urn, old, new)
        detailed = {
            key: sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE, input_diff=old.get(key) != new.get(key))
            for key in sorted(finding.changed)
        }
        return sdk.DiffResponse(changes=bool(detailed), diffs=list(detailed), detailed_diff=detailed)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Create; in a preview only look, and invent no output."""
        new = _plain_map(request.properties)
        handler = self._handler(request.urn)
        if request.preview:
            await self._find(request.urn, {}, new)
            return sdk.CreateResponse(resource_id="", properties=request.properties)
        state = await asyncio.to_thread(handler.apply, {}, new)
        return sdk.CreateResponse(resource_id=handler.identity(new), properties=_wrapped(state))

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Update; in a preview the comparison was made by `diff` already."""
        if request.preview:
            return sdk.UpdateResponse(properties=request.news)
        old, new = _plain_map(request.olds), _plain_map(request.news)
        state = await asyncio.to_thread(self._handler(request.urn).apply, old, new)
        return sdk.UpdateResponse(properties=_wrapped(state))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """Refresh; inputs follow, or the next comparison would miss what was read."""
        state = await asyncio.to_thread(self._handler(request.urn).read, _plain_map(request.properties))
        if state is None:
            return sdk.ReadResponse(resource_id="", properties={}, inputs={})
        inputs = {key: state[key] for key in request.inputs if key in state}
        return sdk.ReadResponse(request.resource_id, properties=_wrapped(state), inputs=_wrapped(inputs))

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Delete."""
        await asyncio.to_thread(self._handler(request.urn).delete, _plain_map(request.properties))

    async def cancel(self) -> None:
        """Nothing to stop: a delivery is one push, and one that is cut off is repeated by the next run."""

    async def _find(self, urn: str, old: Values, new: Values) -> Finding:
        finding = await asyncio.to_thread(self._handler(urn).find, old, new)
        _tell_finding(urn, finding)
        await self._engine.say(urn, finding)
        return finding

    def _handler(self, urn: str) -> Handler:
        """Return what handles a resource; the SDK's own type keeps the parents' types in front."""
        kind = urn.split("::")[2].rsplit(":", 1)[-1]
        try:
            return self._handlers[kind]
        except KeyError:
            raise Failed(f"schiff has no resource {kind!r}") from None


class EngineLog:
    """Texts that the engine shows under a resource, in a plain preview too."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stub: Any = None

    async def say(self, urn: str, finding: Finding) -> None:
        """Show what was found: changed files as information, what would stop an update as a warning."""
        for severity, lines in ((engine_pb2.INFO, finding.said), (engine_pb2.WARNING, finding.warned)):
            if lines:
                await self._log(engine_pb2.LogRequest(severity=severity, urn=urn, message="\n".join(lines)))

    async def _log(self, request: engine_pb2.LogRequest) -> None:
        if self._stub is None:
            self._stub = engine_pb2_grpc.EngineStub(aio.insecure_channel(self._address, options=_NO_LIMIT))
        await self._stub.Log(request)


def _in_sentences(method: Any) -> Any:
    """Return a method of the SDK's server that ends a failed call with the sentence of what went wrong."""

    @wraps(method)
    async def call(self: ProviderServicer, request: Any, context: Any) -> Any:
        try:
            return await method(self, request, context)
        except SchiffError as error:
            tell_error(error)
            await context.abort(StatusCode.FAILED_PRECONDITION, str(error))
        except Exception as error:  # noqa: BLE001 -- whatever escapes is a bug, and even that ends as one line
            unexpected = Failed(f"the schiff provider failed: {type(error).__name__}: {error}")
            tell_error(unexpected)
            await context.abort(StatusCode.INTERNAL, str(unexpected))

    return call


class _Servicer(ProviderServicer):
    """The SDK's server, with errors as sentences."""

    Configure = _in_sentences(ProviderServicer.Configure)
    Diff = _in_sentences(ProviderServicer.Diff)
    Create = _in_sentences(ProviderServicer.Create)
    Update = _in_sentences(ProviderServicer.Update)
    Read = _in_sentences(ProviderServicer.Read)
    Delete = _in_sentences(ProviderServicer.Delete)


def _tell_finding(urn: str, finding: Finding) -> None:
    if finding.said or finding.warned:
        *_, kind, name = urn.split("::")
        resource = kind.rsplit(":", 1)[-1]
        tell("finding", resource=resource, name=name, said=list(finding.said), warned=list(finding.warned))


def _plain(value: Any) -> Any:
    inner = value.value if isinstance(value, PropertyValue) else value
    if isinstance(inner, Mapping):
        return _plain_map(inner)
    if isinstance(inner, list | tuple):
        return [_plain(item) for item in inner]
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    return inner if isinstance(inner, str | bool | int | float) else None


def _plain_map(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties as plain data; what is not known yet is left out."""
    found = {key: _plain(value) for key, value in values.items()}
    return {key: value for key, value in found.items() if value is not None}


def _wrapped(values: Values) -> dict[str, PropertyValue]:
    """Return plain data as properties; the wire knows no whole numbers."""
    return {key: PropertyValue(float(value) if type(value) is int else value) for key, value in values.items()}


async def _serve(engine: str) -> None:
    server = aio.server(options=[*_NO_LIMIT, *_HALF_AN_HOUR])
    servicer = _Servicer(sys.argv[1:], version("schiff"), SchiffProvider(EngineLog(engine)), engine_address=engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    print(port, flush=True)  # noqa: T201 -- the engine reads the port from the first line
    await stopped.wait()
    await server.stop(grace=None)


def _end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Serve the engine whose address is the last argument, until it or its parent ends this."""
    if len(sys.argv) < 2 or sys.argv[-1].startswith("-"):
        sys.exit("pulumi-resource-schiff is started by the Pulumi engine, with its address")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_serve(sys.argv[-1]))

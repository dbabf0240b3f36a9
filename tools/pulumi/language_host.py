"""A stand-in for `pulumi-language-python`, used only where the Pulumi CLI was built from source.

The official language host cannot be had as a released Go module, so a CLI built
by `tools/build.py` comes without one. This program speaks the same protocol
(`LanguageRuntime`, with the messages the pulumi wheel ships) in two modes:

* *host*, started by the CLI with the engine's address: serves gRPC on loopback
  and prints its port on the first line;
* *program* (``--run-program``): a child of the host that reads one `RunRequest`
  from stdin and runs the user's program. Configuration and secrets travel over
  that pipe, so they show in no argument list and no environment.

It has no type checker, debugger or dependency installer: a normal Pulumi
installation brings the official host, and nothing in schiff knows the difference.
"""

# ruff: noqa: ARG002, D102, N802 -- names and signatures of the servicer belong to the protocol

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import grpc
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto import language_pb2_grpc as services
from pulumi.runtime.proto import plugin_pb2

ALREADY_SHOWN = 32  # exit status of a program whose error the engine has shown
_NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def interpreter(info: messages.ProgramInfo) -> str:
    """Return the Python of a program: the virtualenv its options name, else ``.venv``, else this one."""
    options = dict(info.options.items()) if info.HasField("options") else {}
    named = options.get("virtualenv")
    python = Path(info.root_directory or ".", str(named or ".venv"), "bin", "python")
    if python.exists():
        return str(python)
    if named:
        raise FileNotFoundError(f"the virtualenv of Pulumi.yaml (runtime.options.virtualenv) has no {python}")
    return sys.executable


class LanguageHost(services.LanguageRuntimeServicer):
    """Answers the engine's questions and runs its programs as child processes."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._children: set[subprocess.Popen[bytes]] = set()

    def stop(self) -> None:
        """End the programs that still run."""
        for child in list(self._children):
            if child.poll() is None:
                child.terminate()

    def Run(self, request: messages.RunRequest, context: grpc.ServicerContext) -> messages.RunResponse:
        """Run a program to its end; what it prints is inherited, so the CLI shows it."""
        try:
            argv = [interpreter(request.info), "-u", __file__, "--run-program", self._engine]
        except FileNotFoundError as error:
            return messages.RunResponse(error=str(error))
        folder = request.pwd or request.info.program_directory
        with subprocess.Popen(argv, stdin=subprocess.PIPE, cwd=folder) as child:
            self._children.add(child)
            child.communicate(request.SerializeToString())
            self._children.discard(child)
        return _answer(child.returncode)

    def Handshake(self, request: object, context: object) -> messages.LanguageHandshakeResponse:
        return messages.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: object, context: object) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(self, request: object, context: object) -> messages.GetRequiredPackagesResponse:
        """Name no package: a provider plugin is found by `Pulumi.yaml` or on the path."""
        return messages.GetRequiredPackagesResponse()

    def About(self, request: object, context: object) -> messages.AboutResponse:
        version = sys.version.split()[0]
        return messages.AboutResponse(executable=sys.executable, version=version, metadata={"host": "stand-in"})

    def GetProgramDependencies(
        self, request: messages.GetProgramDependenciesRequest, context: object
    ) -> messages.GetProgramDependenciesResponse:
        found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
        names = sorted(name for name in found if request.transitiveDependencies or "pulumi" in name)
        return messages.GetProgramDependenciesResponse(
            dependencies=[messages.DependencyInfo(name=name, version=found[name]) for name in names]
        )

    def InstallDependencies(self, request: object, context: object) -> Iterator[messages.InstallDependenciesResponse]:
        """Install nothing: `make` has installed the pinned dependencies before."""
        yield messages.InstallDependenciesResponse(stdout=b"stand-in language host: run `make up` to install\n")


def _answer(status: int) -> messages.RunResponse:
    if status == 0:
        return messages.RunResponse()
    if status == ALREADY_SHOWN:
        return messages.RunResponse(bail=True)
    how = f"was killed by signal {-status}" if status < 0 else f"exited with status {status}"
    return messages.RunResponse(error=f"the Python program {how}")


def serve(engine: str) -> None:
    """Serve until the CLI says stop (SIGINT to our process group) or is gone: a killed CLI leaves nothing behind."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=_NO_LIMIT)
    host = LanguageHost(engine)
    services.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    parent = os.getppid()
    while not stopping.wait(1) and os.getppid() == parent:
        pass
    host.stop()
    server.stop(0)


def run_program(engine: str) -> int:
    """Run the program of the request on stdin; return the exit status of this process."""
    request = messages.RunRequest.FromString(sys.stdin.buffer.read())
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupt ends the program without a traceback
    import pulumi  # noqa: PLC0415 - the host itself starts without the SDK

    _configure(request, engine)
    program = Path(request.info.program_directory, request.info.entry_point or request.program)
    sys.argv = [str(program), *request.args]
    sys.path[0] = str(program if program.is_dir() else program.parent)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the engine shows failed futures itself

    def run() -> None:
        runpy.run_path(str(program), run_name="__main__")

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with ThreadPoolExecutor(max_workers=max(request.parallel, 1) * 4) as pool:
        loop.set_default_executor(pool)
        try:
            loop.run_until_complete(pulumi.runtime.run_in_stack(run))
        except pulumi.RunError as error:  # a sentence for people, without a traceback
            pulumi.log.error(str(error))
            return ALREADY_SHOWN
        except Exception as error:  # noqa: BLE001 - whatever the program raised is shown as its own
            pulumi.log.error(f"the program failed with an exception:\n{_own_traceback(error, program)}")
            return ALREADY_SHOWN
    return 0


def _configure(request: messages.RunRequest, engine: str) -> None:
    from pulumi import runtime  # noqa: PLC0415

    runtime.set_all_config(dict(request.config), list(request.configSecretKeys))
    runtime.configure(
        runtime.Settings(
            project=request.project,
            stack=request.stack,
            monitor=request.monitor_address,
            engine=engine,
            parallel=request.parallel,
            dry_run=request.dryRun,
            organization=request.organization,
            root_directory=request.info.root_directory,
        )
    )


def _own_traceback(error: Exception, program: Path) -> str:
    """Return the traceback from the program's first frame on; what lies above is this file and the SDK."""
    folder = str(program if program.is_dir() else program.parent)
    frame = error.__traceback__
    while frame and not frame.tb_frame.f_code.co_filename.startswith(folder):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame or error.__traceback__))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run-program"]:
        status = run_program(sys.argv[2])
        sys.stdout.flush()
        sys.stderr.flush()
        if status:
            os._exit(status)  # threads of a failed program must not hold the engine up
        sys.exit()
    serve(sys.argv[-1])

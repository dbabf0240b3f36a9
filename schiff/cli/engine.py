"""Driving the Pulumi engine, and turning how it fails into sentences.

What the program and the plugin refuse comes back whole, by a report file beside
the engine's texts: with its exit status, its code and its sentence. What the
engine itself says is translated here, once.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.automation import (
    CommandError,
    CommandResult,
    ConcurrentUpdateError,
    InvalidVersionError,
    PulumiCommand,
    StackNotFoundError,
)

from schiff.cli.project import Project
from schiff.delivery.report import REPORT_VARIABLE, problem_from_json, told
from schiff.delivery.stack import StackName, StackSettings
from schiff.errors import Conflict, Failed, InvalidInput, Refused, SchiffError, Tampered, Waiting
from schiff.git.process import redacted

Listen = Callable[[str], None]

_LOCK = re.compile(r"created by .*@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
_CRASH = re.compile(
    r"Traceback \(most recent call last\):.*?^ *(\w[\w.]*(?:Error|Exception)\b[^\n]*)", re.DOTALL | re.MULTILINE
)
_SHOWN = 4
_EMPTY = ("update failed", "preview failed", "destroy failed", "resource registration failed")
_ASSURED = ("--yes", "--skip-preview", "--suppress-progress", "--color=never")
_BROKEN_STATE = "broken-state"
_CANCELED = "error: update canceled"
_ENGINE_SAYS = (
    (
        "failed to load checkpoint",
        _BROKEN_STATE,
        "the state of the stack is cut off, as a full disk leaves it; schiff up sets it aside, and loses nothing",
    ),
    (
        "file too large",
        "disk-full",
        "a file may not grow any more (disk full, quota or ulimit); nothing is lost, make room and run it again",
    ),
    (
        "incorrect passphrase",
        "wrong-passphrase",
        (
            "the passphrase does not open the stack: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
            " to the one that the encryptionsalt in its Pulumi.<stack>.yaml was made with"
        ),
    ),
    (
        "passphrase must be set",
        "no-passphrase",
        "the stack needs a passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
    ),
    ("no space left on device", "disk-full", "the disk is full; nothing is lost, free some space and run it again"),
    (
        "protected",
        "protected",
        "clusters are protected from deletion; decommission them in their orders first (docs/guide)",
    ),
    (
        "no resource plugin 'pulumi-resource-schiff'",
        "no-plugin",
        "the engine does not find pulumi-resource-schiff; install schiff into the .venv that Pulumi.yaml names",
    ),
    (
        "failed to load language plugin python",
        "no-language-host",
        "the engine finds no Python language host; make up sets one up, and Pulumi's own installation brings one",
    ),
    (
        "no resource plugin 'pulumi-resource-kubernetes'",
        "no-kubernetes-plugin",
        "the engine does not find Pulumi's Kubernetes provider: pulumi plugin install resource kubernetes",
    ),
    (
        "cluster is unreachable|unreachable cluster",
        "unreachable",
        "an API server that objects were sent to cannot be reached; see its context in the file of schiff:kubeconfig",
    ),
    (
        "PULUMI_ACCESS_TOKEN must be set",
        "no-backend",
        "no backend is chosen for Pulumi's state; set PULUMI_BACKEND_URL, e.g. file:///var/lib/schiff/state",
    ),
)
"""What the engine says, the precise name of the case, and what it means for people."""


@dataclass(slots=True)
class Ended:
    """A run of the engine that did not fail: its text, and what program and plugin reported."""

    text: str
    report: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the reports of one kind."""
        return [said for said in self.report if said["kind"] == kind]


class Engine:
    """The Pulumi CLI in one project."""

    def __init__(self, project: Project, wishes: Mapping[str, str] | None = None) -> None:
        self._project = project
        self._environment = project.engine_environment(os.environ) | dict(wishes or {})
        self._command = _pulumi(project)

    def run(self, stack: StackName, *args: str, listen: Listen | None = None) -> Ended:
        """Run a command for a stack; a lock that a dead process left behind is taken away once."""
        self._make_backend()
        try:
            return self._reported(stack, args, listen)
        except ConcurrentUpdateError as error:
            if holder := _living_holder(str(error)):
                raise Waiting(
                    f"{stack} is being updated by {holder}; try again when it has finished", "locked"
                ) from None
            self._plain("cancel", "--yes", str(stack))
            return self._reported(stack, args, listen)

    def up(self, stack: StackName, *args: str, listen: Listen | None = None) -> Ended:
        """Update a stack, and make it first where the backend has none: lost state is no loss."""
        try:
            return self.run(stack, "up", *_ASSURED, *args, listen=listen)
        except Failed as error:
            if error.code != _BROKEN_STATE or not self._set_aside(stack):
                raise
            self._plain("stack", "init", "--no-select", str(stack))
            return self.run(stack, "up", *_ASSURED, *args, listen=listen)
        except StackNotFoundError:
            self._plain("stack", "init", "--no-select", str(stack))
            return self.run(stack, "up", *_ASSURED, *args, listen=listen)

    def _set_aside(self, stack: StackName) -> bool:
        """Rename the state file that a full disk cut off, where it is a file of this machine; say whether it was."""
        url = self._environment["PULUMI_BACKEND_URL"]
        if not url.startswith("file:///"):
            return False
        state = Path(url.removeprefix("file://"), ".pulumi", "stacks", "schiff", f"{stack}.json")
        if state.is_file():
            state.replace(state.with_suffix(".json.broken"))
            return True
        return False

    def _reported(self, stack: StackName, args: Sequence[str], listen: Listen | None) -> Ended:
        with tempfile.TemporaryDirectory(prefix="schiff-") as folder:
            path = Path(folder, "report")
            try:
                result = self._run([*args, "--stack", str(stack)], {REPORT_VARIABLE: str(path)}, listen)
            except (ConcurrentUpdateError, StackNotFoundError):
                raise
            except CommandError as error:
                said = list(told(path))
                if _CANCELED in str(error) and not said:
                    raise KeyboardInterrupt from None  # the signal reached the engine, which was faster than we were
                raise translated(str(error), said) from None
            return Ended(result.stdout, list(told(path)))

    def _plain(self, *args: str) -> None:
        try:
            self._run(list(args), {}, None)
        except CommandError as error:
            raise translated(str(error), []) from None

    def _run(self, args: list[str], more: Mapping[str, str], listen: Listen | None) -> CommandResult:
        with _quiet_readers():
            return self._command.run(args, str(self._project.root), {**self._environment, **more}, listen)

    def _make_backend(self) -> None:
        """Make the folder of a file backend, which the engine expects to be there."""
        url = self._environment["PULUMI_BACKEND_URL"]
        if url.startswith("file:///"):
            try:
                Path(url.removeprefix("file://")).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Failed(f"{url} cannot be used for Pulumi's state: {error.strerror}") from error


@contextmanager
def _quiet_readers() -> Iterator[None]:
    """Keep the SDK's reading threads from printing tracebacks when Ctrl-C closes what they read."""
    earlier = threading.excepthook
    threading.excepthook = lambda args: None if args.exc_type is ValueError else earlier(args)
    try:
        yield
    finally:
        threading.excepthook = earlier


def _pulumi(project: Project) -> PulumiCommand:
    """Return the CLI: from PATH, else the one that was built for this project."""
    built = project.root / "build"
    try:
        if shutil.which("pulumi") is None and (built / "bin" / "pulumi").exists():
            return PulumiCommand(root=str(built))
        return PulumiCommand()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(
            "the program pulumi is not there; make up builds it, or install Pulumi and put it on PATH"
        ) from error
    except InvalidVersionError as error:
        raise Failed(f"the program pulumi does not fit this schiff: {error}") from error


def _living_holder(text: str) -> str | None:
    """Return who holds the lock; None when every holder ran on this machine and is dead."""
    holders = list(_LOCK.finditer(text))
    for holder in holders:
        if holder["host"] != socket.gethostname() or _is_running(holder["pid"]):
            return f"process {holder['pid']} on {holder['host']}"
    return None if holders else "somebody"


def _is_running(pid: str) -> bool:
    """Whether a Pulumi of this machine still works under a number; a dead one may linger until its parent notices."""
    if not Path("/proc/self").exists():
        return True
    try:
        _, name, state = re.split(r"[()] ?", Path("/proc", pid, "stat").read_text(encoding="utf-8"), maxsplit=2)
    except (OSError, ValueError):
        return False
    return name == "pulumi" and not state.startswith("Z")


def translated(text: str, report: Sequence[Mapping[str, Any]]) -> SchiffError:
    """Return the error of a failed run: what was refused on purpose first, else what the engine said."""
    for said in report:
        if said["kind"] == "error":
            return _refused(said)
    for sign, code, sentence in _ENGINE_SAYS:
        if re.search(sign, text):
            return Failed(sentence, code) if code != "protected" else Refused(sentence, code)
    if crashes := _CRASH.findall(text):
        return Failed(f"the program failed: {redacted(crashes[-1])}; plain pulumi preview shows where")
    lines = dict.fromkeys(line.partition("error: ")[2].strip() for line in text.splitlines() if "error: " in line)
    spoken = [line for line in lines if line not in _EMPTY]
    return Failed(redacted("; ".join(spoken[-_SHOWN:])) or "the Pulumi engine failed and said nothing")


def _refused(said: Mapping[str, Any]) -> SchiffError:
    """Return a reported error as it was raised in the other process."""
    message, status, code = said["message"], said["status"], said["code"]
    if status == InvalidInput.status:
        return InvalidInput(problem_from_json(problem) for problem in said["problems"])
    if status == Tampered.status:
        return Tampered(message)
    if status == Conflict.status:
        return Conflict(message)
    return (Refused if status == Refused.status else Waiting if status == Waiting.status else Failed)(message, code)


def refreshed(settings: StackSettings) -> tuple[str, ...]:
    """Return what makes the engine look at API servers first; schiff's own provider does so unasked."""
    return ("--refresh",) if settings.delivery == "direct" else ()


@contextmanager
def missing_stack(stack: StackName) -> Iterator[None]:
    """Turn a stack that the backend lacks into a sentence, where nothing should make it."""
    try:
        yield
    except StackNotFoundError:
        sentence = f"stack {stack} is not in this backend yet; the first delivery makes it: schiff up -e"
        raise Failed(f"{sentence} {stack.environment}", "no-stack") from None

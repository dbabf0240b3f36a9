"""Where the Pulumi CLI comes from, and the home it runs in.

The CLI, its language host and the Python SDK move together, so only the very
version of the SDK will do. In this order: `pulumi` on PATH; the SDK's own
installer; a build of the released module with the language host stand-in.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tools.parts import PARTS, ROOT
from tools.progress import StepFailed, run, say

_INSTALLER = """\
import socket, sys
from pulumi.automation import PulumiCommand
socket.setdefaulttimeout(10)
PulumiCommand.install(root=sys.argv[1])
"""
_INSTALLER_SECONDS = "240"
_FROM_SOURCE = Path("bin", "pulumi.built-from-source")


def provide(build: Path, compile_: Callable[[], None]) -> None:
    """Put the CLI at ``bin/pulumi``: a link to one that is there, else one that `compile_` makes."""
    target = build / "bin" / "pulumi"
    if _version(target) == PARTS["pulumi"].version and not _is_built(build):
        return
    found = None if _is_built(build) else _on_path(target) or _installed(build)
    if target.is_symlink():
        target.unlink()  # or the compiler would write through it, over somebody's own program
    if found is None:
        compile_()
        (build / _FROM_SOURCE).touch()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(found)


def prepare_home(home: Path, build: Path) -> None:
    """Make a PULUMI_HOME: quiet, and with the stand-in exactly when the CLI was built from source.

    A plain file called `logs` keeps the CLI from writing its debug logs, which
    cost it two fifths of its time.
    """
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "logs").exists():
        (home / "logs").touch()
    folder = home / "plugins" / f"language-python-{PARTS['pulumi'].version}"
    if not _is_built(build):
        shutil.rmtree(folder, ignore_errors=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    _write_language_host(folder / "pulumi-language-python")


def _is_built(build: Path) -> bool:
    return (build / _FROM_SOURCE).exists()


def _write_language_host(script: Path) -> None:
    """Write what the CLI starts: this checkout's stand-in; a build folder may serve several checkouts."""
    python, program = ROOT / ".venv" / "bin" / "python", ROOT / "tools" / "pulumi" / "language_host.py"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -u {shlex.quote(str(program))} "$@"\n')
    script.chmod(0o755)


def _on_path(target: Path) -> Path | None:
    found = shutil.which("pulumi")
    if found is None or Path(found).resolve() == target.resolve():
        return None
    wanted, version = PARTS["pulumi"].version, _version(Path(found))
    if version == wanted:
        return Path(found).resolve()
    say(f"pulumi: {found} is {version or 'not usable'}, this project needs {wanted}; leaving it alone")
    return None


def _installed(build: Path) -> Path | None:
    python, root = ROOT / ".venv" / "bin" / "python", build / "pulumi-cli"
    argv: list[str | Path] = ["timeout", _INSTALLER_SECONDS, python, "-c", _INSTALLER, root]
    try:
        run("pulumi: trying the SDK's own installer", argv, build / "logs" / "pulumi-installer.log")
    except StepFailed:
        say("pulumi: the installer cannot be reached from here; building the released module instead")
        return None
    return root / "bin" / "pulumi"


def _version(program: Path) -> str | None:
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run([program, "version"], capture_output=True, text=True, env=env, check=False)
    except OSError:
        return None
    found = re.fullmatch(r"(v[\d.]+)", answer.stdout.strip())
    return found[1] if found else None

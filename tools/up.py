"""Prepare `.schiff/` and bring one environment up: what `make up` runs after the parts are there.

``.schiff/`` holds the embedded default of everything that is a service
elsewhere: Pulumi's state, its passphrase, its home. ``. .schiff/env`` gives a
shell the same settings, for plain `pulumi` commands. While a test bed runs, its
project is the one that is brought up.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from schiff.cli.project import ENGINE_DEFAULTS, PASSPHRASE
from schiff.cli.stand_in import stand_in_for
from tools.build import build_folder
from tools.parts import ROOT
from tools.pulumi_cli import prepare_home

ENVIRONMENTS = ("tst", "ref", "prd")


def prepare(workspace: Path, build: Path) -> None:
    """Make the workspace's folders and files that are not there yet; what is there stays as it is."""
    workspace.mkdir(mode=0o755, parents=True, exist_ok=True)
    (workspace / "state").mkdir(exist_ok=True)
    prepare_home(workspace / "pulumi-home", build)
    _make_passphrase(workspace / "passphrase")
    (workspace / "env").write_text(_shell(settings(workspace), build), encoding="utf-8")


def settings(workspace: Path) -> dict[str, str]:
    """Return the environment variables a `pulumi` run of this project needs, PATH aside."""
    return {
        "PULUMI_HOME": str(workspace / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{workspace / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(workspace / "passphrase"),
        **ENGINE_DEFAULTS,
    }


def search_path(build: Path) -> str:
    """Return PATH with the project's own programs first."""
    return os.pathsep.join([str(ROOT / ".venv" / "bin"), str(build / "bin"), os.environ.get("PATH", os.defpath)])


def _make_passphrase(path: Path) -> None:
    """Write the passphrase that belongs to the salt in `Pulumi.<stack>.yaml`; somebody's own stays.

    It guards nothing: schiff's state holds names and digests, never a secret,
    and a fixed pair keeps every checkout clean (docs/decisions).
    """
    if not path.exists():
        path.write_text(PASSPHRASE + "\n", encoding="utf-8")
        path.chmod(0o600)


def _shell(variables: Mapping[str, str], build: Path) -> str:
    own = os.pathsep.join([str(ROOT / ".venv" / "bin"), str(build / "bin")])
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    path = f'case ":$PATH:" in *:{shlex.quote(own)}:*) ;; *) export PATH={shlex.quote(own)}:"$PATH" ;; esac'
    return "\n".join(
        ["# Settings for plain pulumi commands: read this file into a shell with  . .schiff/env", *lines, path, ""]
    )


def _has_ledger(root: Path) -> bool:
    """Say whether the embedded repository or the checkout itself has a ledger: then people begin further ones."""
    places = [place for place in (root / ".schiff" / "ledger.git", root / ".git") if place.exists()]
    asked = [["git", "--git-dir", place, "for-each-ref", "refs/heads/ledger"] for place in places]
    return any(subprocess.run(argv, capture_output=True, check=False).stdout for argv in asked)


def main() -> int:
    """Run `schiff ledger init` where no ledger is, then `schiff up`; end with schiff's own status."""
    parser = argparse.ArgumentParser(prog="make up", description="bring one environment up on this machine")
    parser.add_argument("-e", "--environment", choices=ENVIRONMENTS, default="tst")
    environment = parser.parse_args().environment
    root, build = stand_in_for(ROOT) or ROOT, build_folder()
    workspace = root / ".schiff"
    prepare(workspace, build)
    env = {**os.environ, **settings(workspace), "PATH": search_path(build)}
    schiff = ROOT / ".venv" / "bin" / "schiff"
    steps = [] if _has_ledger(root) else [[schiff, "ledger", "init", "--all"]]
    for step in [*steps, [schiff, "up", "-e", environment]]:
        status = subprocess.run(step, cwd=ROOT, env=env, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())

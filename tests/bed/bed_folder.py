"""The folder of the test bed for people: a Pulumi project of its own around a copy of the example fleet.

Nothing in it is shared with the checkout's own `.schiff/`: fleet, settings,
state, ledger and cache are the bed's. What was made once stays, so that the
next start finds the clusters as they were, and edits of people too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from schiff.model.fleet import Fleet
from schiff.sources.fleet_files import load_fleet
from schiff.values.names import ENVIRONMENTS
from tests.bed.example_fleet import copy_example_fleet
from tests.bed.git_server import GitServer
from tests.bed.process import BedFailed, is_free
from tests.git.repositories import git, head
from tools.build import build_folder
from tools.parts import ROOT
from tools.up import prepare

REPOSITORIES = ("cluster-definitions", "cluster-components")
_PORTS = range(18080, 18180)  # below those the kernel gives away: a kept one is most likely still free
_CURE = "end what listens there"


class BedFolder:
    """Where everything of one bed lies: ``.schiff/bed`` of the checkout."""

    def __init__(self, root: Path = ROOT / ".schiff" / "bed") -> None:
        self.root = root
        self.fleet, self.kubeconfig = root / "fleet", root / "kubeconfig"
        self.log, self.reached, self.processes = root / "bed.log", root / "reach.txt", root / "processes.json"
        self._port, self._keys = root / "git-port", root / "keys.json"

    def cluster(self, name: str) -> Path:
        """Return the folder of one cluster's data and logs."""
        return self.root / "clusters" / name

    def repository(self, name: str) -> Path:
        """Return a delivered repository, bare."""
        return self.root / "git" / f"{name}.git"

    def head(self, name: str) -> str:
        """Return what stands on the branch of a delivered repository; nothing before the first delivery."""
        return head(self.repository(name))

    def key(self, cluster: str) -> str:
        """Return the private age key of a management cluster or a tenant cluster."""
        return str(json.loads(self._keys.read_text())[cluster])

    def git_server(self) -> GitServer:
        """Return the server of both repositories, on the port that the fleet and the clusters name already."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not self._port.exists():
            self._port.write_text(str(next(port for port in _PORTS if is_free(port))))
        port = int(self._port.read_text())
        if not is_free(port):
            raise BedFailed(f"port {port} is taken, and the fleet in {self.root} names it in its pull URLs: {_CURE}")
        server = GitServer(self.root / "git", port)
        for name in REPOSITORIES:
            server.create(name)
        return server

    def make(self, bin_dir: Path, server: GitServer) -> Fleet:
        """Make what is not there yet, and return the fleet as it stands."""
        urls = {name: server.url(name) for name in REPOSITORIES}
        if not self.fleet.exists():
            self._make_fleet(bin_dir, urls)
        self._make_project(urls)
        prepare(self.root / ".schiff", build_folder())
        return load_fleet(self.fleet)

    def _make_fleet(self, bin_dir: Path, urls: dict[str, str]) -> None:
        """Copy the example into a repository of its own: what is delivered to a server must be committed."""
        unfinished = self.root / "fleet.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        copied = copy_example_fleet(unfinished, bin_dir, *urls.values())
        self._keys.touch(mode=0o600)
        self._keys.write_text(json.dumps(dict(copied.keys), indent=1))
        git(unfinished, "init", "-q", "-b", "main")
        git(unfinished, "add", "--all")
        git(unfinished, "commit", "-q", "-m", "Copy the example for the test bed")
        unfinished.rename(self.fleet)

    def _make_project(self, urls: dict[str, str]) -> None:
        (self.root / "stacks").mkdir(exist_ok=True)
        for name in ("Pulumi.yaml", "stacks/__main__.py"):
            shutil.copyfile(ROOT / name, self.root / name)
        for name, target in (("build", build_folder()), (".venv", ROOT / ".venv")):
            (self.root / name).unlink(missing_ok=True)
            (self.root / name).symlink_to(target)
        replaced = {"stacks/fleet": "fleet\n  schiff:kubeconfig: kubeconfig"}
        replaced |= {f".schiff/{name}.git": url for name, url in urls.items()}
        for environment in ENVIRONMENTS:
            settings = self.root / f"Pulumi.{environment}.yaml"
            if not settings.exists():
                text = (ROOT / settings.name).read_text()
                for old, new in replaced.items():
                    text = text.replace(old, new)
                settings.write_text(text)

    def schiff(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run schiff in the bed's project, as somebody does who works there."""
        program = ROOT / ".venv" / "bin" / "schiff"
        return subprocess.run([program, *arguments], cwd=self.root, capture_output=True, text=True, check=False)

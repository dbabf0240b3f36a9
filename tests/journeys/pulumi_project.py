"""A whole project for tests with the real engine: a small fleet with a release, its ledgers, stacks and state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from schiff.cli.project import PASSPHRASE
from tests.git.repositories import commit, files, git, head
from tests.makers import VSPHERE_ORDER, Documents, changed, fleet_folder
from tools.build import build_folder
from tools.parts import ROOT
from tools.up import prepare, search_path, settings

RELEASE = "2026.48.0"
PRODUCTION = "sites/vsphere-site-1/customer-a/customer-a-9.yaml"
_PRODUCTION_CLUSTER = "vsphere-site-1/customer-a-9"
TENANT = "urn:pulumi:{stack}::schiff::schiff:index:Environment$schiff:index:ManagementCluster$schiff:index:Site"


def a_small_fleet() -> Documents:
    """Return the fleet of the makers with one more cluster, in production."""
    documents = changed("management-clusters/schiff-mgmt-x.yaml", "environments", ["tst", "ref", "prd"])
    order = {
        "environment": "prd",
        "controlPlane": {"endpoint": "10.1.0.200"},
        "nodes": {"network": "pg-customer-a-1", "addresses": "10.1.0.210-10.1.0.240"},
    }
    for name, value in {**documents[VSPHERE_ORDER], **order}.items():
        documents = changed(PRODUCTION, name, value, documents)
    return documents


@dataclass
class PulumiProject:
    """A checkout with its embedded workspace; commands run as a user would run them in its folder."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def made(cls, root: Path, documents: Documents | None = None) -> PulumiProject:
        """Make the checkout: this project's own Pulumi files and program, and a fleet of its own, all committed."""
        project = cls._with_files(root)
        fleet_folder(root / "stacks" / "fleet", a_small_fleet() if documents is None else documents)
        project.schiff("release", "cut", "--fleet", "stacks/fleet", "--name", RELEASE, "--at", "2026-11-22T06:00:00Z")
        return project._begun()

    @classmethod
    def around(cls, root: Path, fleet: Path) -> PulumiProject:
        """Make the checkout around a fleet that has releases already, and begin its ledgers."""
        project = cls._with_files(root)
        shutil.copytree(fleet, root / "stacks" / "fleet")
        return project._begun()

    @classmethod
    def _with_files(cls, root: Path) -> PulumiProject:
        (root / "stacks").mkdir(parents=True)
        for name in ("Pulumi.yaml", "Pulumi.tst.yaml", "Pulumi.ref.yaml", "Pulumi.prd.yaml", "stacks/__main__.py"):
            shutil.copy(ROOT / name, root / name)
        (root / ".venv").symlink_to(Path(sys.executable).parent.parent)
        (root / ".gitignore").write_text(".schiff/\n.venv\n")
        return cls(root)

    def _begun(self) -> PulumiProject:
        git(self.root, "init", "-q", "-b", "main")
        self.commit_fleet()
        self.schiff("ledger", "init", "--all", "--fleet", "stacks/fleet")
        return self

    @classmethod
    def copied(cls, template: PulumiProject, root: Path) -> PulumiProject:
        """Copy a project that nothing was delivered from yet."""
        shutil.copytree(template.root, root, symlinks=True)
        return cls(root)

    @property
    def environment(self) -> dict[str, str]:
        """What `. .schiff/env` sets, for this project's folder."""
        workspace = self.root / ".schiff"
        prepare(workspace, build_folder())
        given = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "SCHIFF_"))}
        own = {**settings(workspace), "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE, "PATH": search_path(build_folder())}
        return {**given, **own, **self.variables}

    def run(self, *command: str, status: int | None = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the project's folder; any other status fails the test with what it said."""
        env = {**self.environment, **variables}
        ended = subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=False)
        assert status is None or ended.returncode == status, f"{command}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def schiff(self, *args: str, status: int | None = 0, **variables: str) -> str:
        """Run schiff and return what it said, its errors too."""
        ended = self.run("schiff", *args, status=status, **variables)
        return ended.stdout + ended.stderr

    def json(self, *args: str, status: int = 0, **variables: str) -> Any:
        """Run schiff with --json and return its answer."""
        return json.loads(self.run("schiff", *args, "--json", status=status, **variables).stdout)

    def pulumi(self, *args: str, stack: str = "tst", status: int | None = 0, **variables: str) -> str:
        """Run plain pulumi for a stack and return what it said."""
        assured = ("--non-interactive", "--color", "never", "--stack", stack)
        ended = self.run("pulumi", *args, *assured, status=status, **variables)
        return ended.stdout + ended.stderr

    def repository(self, name: str) -> Path:
        """Return an embedded repository: definitions or components."""
        return self.root / ".schiff" / f"cluster-{name}.git"

    def heads(self) -> dict[str, str]:
        """Return the heads of both delivered branches."""
        return {name: head(self.repository(name)) for name in ("definitions", "components")}

    def trees(self) -> dict[str, str]:
        """Return the tree ids of both delivered branches, without the manifests, whose serials count deliveries."""
        return {
            name: "\n".join(line for line in self._listed(name).splitlines() if "\t.schiff" not in line)
            for name in ("definitions", "components")
        }

    def commits(self) -> int:
        """Return how many commits both branches have."""
        return sum(
            int(git(self.repository(name), "rev-list", "--count", "main")) for name in ("definitions", "components")
        )

    def manifest(self, stack: str = "tst") -> list[dict[str, Any]]:
        """Return the lines of the delivered manifest in definitions, header first."""
        return [
            json.loads(line) for line in files(self.repository("definitions"))[f".schiff/{stack}.json"].splitlines()
        ]

    def edit(self, path: str, name: str, value: Any) -> None:
        """Set one value of a fleet file; None takes it away."""
        file = self.root / "stacks" / "fleet" / path
        data = yaml.safe_load(file.read_text())
        here, *keys = data, *name.split(".")
        for key in keys[:-1]:
            here = here.setdefault(key, {})
        here[keys[-1]] = value
        if value is None:
            del here[keys[-1]]
        file.write_text(yaml.safe_dump(data, sort_keys=False))

    def commit_fleet(self) -> None:
        """Commit the checkout as it stands."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "-q", "--allow-empty", "-m", "fleet")

    def foreign(self, repository: str, written: Mapping[str, str], gone: Sequence[str] = ()) -> str:
        """Commit to a delivered repository as somebody who is not schiff."""
        return commit(self.repository(repository), written, gone=gone)

    def state(self) -> dict[str, bytes]:
        """Return the files of Pulumi's state."""
        below = self.root / ".schiff" / "state"
        return {str(path.relative_to(below)): path.read_bytes() for path in sorted(below.rglob("*")) if path.is_file()}

    def _listed(self, name: str) -> str:
        return git(self.repository(name), "ls-tree", "-r", "-d", "main") + git(self.repository(name), "ls-tree", "main")

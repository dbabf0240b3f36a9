"""A project with a fleet, a ledger and a witness: what commands on ledgers work with."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from schiff.cli.app import run
from schiff.git.process import run_git
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.sources.ledger_branch import read_ledger
from schiff.values.names import Environment
from tests.cli.fleet_folder import write_fleet

LEDGER = Path(".schiff/ledger.git")


@dataclass(frozen=True)
class WitnessedProject:
    """The current folder as a project whose stacks name a witness."""

    fleet: Path

    @classmethod
    def begin(cls, folder: Path, setting: str) -> WitnessedProject:
        """Write the project, cut a release and begin all ledgers."""
        (folder / "Pulumi.yaml").write_text("name: schiff\nruntime: python\n")
        witness = f"  schiff:witness: {setting}\n" if setting else ""
        for stack in ("tst", "ref", "prd"):
            (folder / f"Pulumi.{stack}.yaml").write_text(f"config:\n  schiff:fleet: fleet\n{witness}")
        fleet = write_fleet(folder)
        cut = ["--name", "2026.48.0", "--at", "2026-11-22T09:00:00Z"]
        assert run(["release", "cut", "--fleet", str(fleet), *cut]) == 0
        assert run(["ledger", "init", "--all"]) == 0
        return cls(fleet)

    def ledger(self, environment: Environment = "prd") -> Ledger:
        """Return the chain as it is on the branch."""
        return read_ledger(str(LEDGER.absolute()), environment, Path("cache").absolute())

    def files(self) -> dict[str, bytes]:
        """Return the files of the chain of prd."""
        return {entry.file_name: entry.to_bytes() for entry in self.ledger().entries}

    def rewrite(self, files: dict[str, bytes], environment: Environment = "prd") -> None:
        """Put the branch of an environment on a commit of exactly these files, as whoever may force a push could."""
        listed = []
        for name, content in sorted(files.items()):
            blob = run_git("hash-object", "-w", "--stdin", folder=LEDGER, stdin=content).decode().strip()
            listed.append(f"100644 blob {blob}\t{name}\n")
        tree = run_git("mktree", folder=LEDGER, stdin="".join(listed).encode()).decode().strip()
        person = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", *person, f"--git-dir={LEDGER}", "commit-tree", tree, "-m", "rewritten"]
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        run_git("update-ref", f"refs/heads/ledger/{environment}", commit, folder=LEDGER)


def recomputed(entries: tuple[Entry, ...], changed: int) -> dict[str, bytes]:
    """Return a chain in which one entry has another actor, and all after it cite what they follow."""
    forged: list[Entry] = []
    for entry in entries:
        prev = forged[-1].digest if forged else None
        actor = "user:forger" if entry.seq == changed else entry.actor
        forged.append(
            Entry(entry.seq, prev, entry.env, entry.kind, entry.at, entry.server, actor, entry.fleet, entry.body)
        )
    return {entry.file_name: entry.to_bytes() for entry in forged}

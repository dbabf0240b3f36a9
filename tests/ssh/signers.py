"""People with keys: each makes a pair with the real program, and stands in a list of approvers."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Person:
    """Somebody with a key of their own."""

    principal: str
    key: Path

    @property
    def line(self) -> str:
        """What a list of approvers says about them."""
        kind, key, *_ = self.key.with_suffix(".pub").read_text().split()
        return f'{self.principal} namespaces="schiff" {kind} {key}\n'


def a_person(folder: Path, name: str) -> Person:
    """Make a key pair."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return Person(f"{name}@example.org", key)

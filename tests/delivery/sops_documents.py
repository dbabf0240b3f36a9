"""What a SOPS document holds, for those who have the key: read back by the real `sops`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from pyrage import x25519


def a_key() -> tuple[str, str]:
    """Return a new private key and its recipient."""
    identity = x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def opened(document: bytes, private: str, bin_dir: Path) -> dict[str, Any]:
    """Return the clear document; fails for a key that is none of its recipients'."""
    ended = subprocess.run(
        [bin_dir / "sops", "decrypt", "--input-type=yaml", "--output-type=yaml", "/dev/stdin"],
        input=document,
        capture_output=True,
        check=False,
        env={"PATH": os.defpath, "SOPS_AGE_KEY": private},
    )
    assert ended.returncode == 0, ended.stderr.decode()
    found: dict[str, Any] = yaml.safe_load(ended.stdout)
    return found


def readers(document: bytes) -> list[str]:
    """Return who can read a document, as it says itself."""
    return [entry["recipient"] for entry in yaml.safe_load(document)["sops"]["age"]]

"""Running `sops`: the one place that starts it, and only to encrypt.

The clear text goes in through a pipe, so that it never stands on a disk or in a
list of processes. What `sops` says about a document could quote it, so it is
never passed on: on a failure the same command is asked about a made-up
document, and the sentence is made of that answer. What could add a reader
without anybody's knowledge is taken away: `.sops.yaml` files above the current
folder, and variables that name keys or key services.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from shutil import which

from schiff.errors import Failed
from schiff.manifests.sops import ENCRYPTED, keys_by_kind

PROBE = b"apiVersion: v1\nkind: Secret\nmetadata: {name: probe}\nstringData: {probe: probe}\n"
_MISSING = (
    "the program sops is not there; install it from https://github.com/getsops/sops (one file), and put it on PATH"
)
_FORM = ("--input-type=yaml", "--output-type=yaml", "--filename-override=secret.yaml")


def encrypt(document: bytes, recipients: Sequence[str], search_path: str | None = None) -> bytes:
    """Return a Secret as a SOPS document that these recipients can read; only `data` and `stringData` are encrypted.

    `search_path` replaces ``PATH``. Raises `Failed` when there is no `sops`, or
    it takes the recipients for none.
    """
    program = which("sops", path=search_path)
    if program is None:
        raise Failed(_MISSING, "no-sops")
    command = [
        program,
        "--config=/dev/null",
        "encrypt",
        *_readers(recipients),
        f"--encrypted-regex={ENCRYPTED}",
        *_FORM,
    ]
    ended = _run(command, document)
    if ended.returncode:
        raise Failed(f"sops encrypted nothing: {_reason(command)}", "sops-failed")
    return ended.stdout


def _readers(recipients: Sequence[str]) -> list[str]:
    return [f"--{kind}={keys}" for kind, keys in keys_by_kind(recipients).items()]


def _reason(command: Sequence[str]) -> str:
    """Return what `sops` says about a document that holds nothing."""
    ended = _run(command, PROBE)
    said = " ".join(ended.stderr.decode(errors="replace").split())
    if not ended.returncode or not said:
        return f"it takes these recipients and not this document (status {ended.returncode})"
    return said.rstrip(".")


def _run(command: Sequence[str], document: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, input=document, capture_output=True, check=False, env=_environment(os.environ))


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if not name.startswith("SOPS_") or name == "SOPS_GPG_EXEC"}
    return {**kept, "LC_ALL": "C"}

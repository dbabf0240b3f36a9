"""Signing and verifying with `ssh-keygen -Y`: the keys people have already, also those in an agent or a token.

The private key never passes through here: the program opens it, or asks the
agent. What it says on a failure is passed on, for it names files and agents and
never a key's content.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from schiff.errors import Failed, Refused

_VERIFYING = 20.0
_SIGNING = 300.0
"""Long enough for a person to type a passphrase or to touch a token."""
_MISSING = "the program ssh-keygen is not there; install it (Debian and Ubuntu: apt install openssh-client)"
_BEGIN = "-----BEGIN SSH SIGNATURE-----"


def sign(key: Path, namespace: str, message: bytes) -> str:
    """Return the signature of a message by a private key, or by the agent's half of a public one; armored text."""
    ended = _run(["-Y", "sign", "-f", str(key), "-n", namespace], message, _SIGNING)
    signature = ended.stdout.decode(errors="replace")
    if ended.returncode or not signature.startswith(_BEGIN):
        raise Refused(f"{key} signs nothing: {_words(ended)}", "no-signature")
    return signature


def verify(approvers: bytes, principal: str, namespace: str, *, message: bytes, signature: str, at: datetime) -> bool:
    """Whether a signature over a message is of a principal, as the allowed signers stood at a moment."""
    with _files(approvers, signature) as (allowed, signed):
        ended = _run(
            ["-Y", "verify", "-f", allowed, "-I", principal, "-n", namespace, "-s", signed, _at(at)],
            message,
            _VERIFYING,
        )
    return ended.returncode == 0


def principals_of(approvers: bytes, signature: str, at: datetime) -> Sequence[str]:
    """Return the principals that the key of a signature belongs to; the message is not looked at."""
    with _files(approvers, signature) as (allowed, signed):
        ended = _run(["-Y", "find-principals", "-f", allowed, "-s", signed, _at(at)], b"", _VERIFYING)
    return ended.stdout.decode(errors="replace").split() if ended.returncode == 0 else ()


@contextmanager
def _files(approvers: bytes, signature: str) -> Iterator[tuple[str, str]]:
    """Give the names of two files in a folder of their own, for as long as a program reads them."""
    with TemporaryDirectory(prefix="schiff-approval-") as name:
        allowed, signed = Path(name, "approvers"), Path(name, "signature")
        allowed.write_bytes(approvers)
        signed.write_text(signature, encoding="utf-8")
        yield str(allowed), str(signed)


def _at(moment: datetime) -> str:
    """Return the option that says when; its form has no zone, and the program is run in UTC."""
    return f"-Overify-time={moment:%Y%m%d%H%M%S}"


def _run(args: Sequence[str], message: bytes, timeout: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["ssh-keygen", *args],
            input=message,
            capture_output=True,
            check=False,
            timeout=timeout,
            env=_environment(os.environ),
        )
    except FileNotFoundError:
        raise Failed(_MISSING, "no-ssh-keygen") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"ssh-keygen {args[1]} did not end within {timeout:.0f} seconds", "ssh-keygen-failed") from None


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {**given, "LC_ALL": "C", "LANGUAGE": "C", "TZ": "UTC"}


def _words(ended: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line.strip() for line in ended.stderr.decode(errors="replace").splitlines()]
    said = [line for line in lines if line and not line.startswith(("@", "Signing data"))]
    return "; ".join(said[:2]).rstrip(".") or f"ssh-keygen ended with status {ended.returncode}"

"""The two people who approve in a rehearsal, whose keys everybody has.

A real fleet in whose ``approvers`` one of these keys stands is refused; they
count only where nothing that is done could reach anybody (`is_rehearsal`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from schiff.model.approvers import NAMESPACE
from schiff.rollout.bodies import Verb
from schiff.rollout.moments import format_moment
from schiff.rollout.signed_text import signed_text
from schiff.sources.approvals import rehearsal_file
from schiff.ssh.signatures import sign
from schiff.values.names import Environment

APPROVERS = ("anna", "bert")
_LASTING = timedelta(days=1)


def approval(name: str, environment: Environment, verb: Verb, subject: str, now: datetime) -> dict[str, Any]:
    """Return the body of an approval that one of the two signed."""
    expires = format_moment(now + _LASTING)
    with TemporaryDirectory(prefix="schiff-rehearsal-") as folder:
        key = Path(folder, name)
        key.touch(mode=0o600)
        key.write_bytes(rehearsal_file(name))
        signature = sign(key, NAMESPACE, signed_text(environment, verb, subject, expires))
    return {
        "verb": verb,
        "subject": subject,
        "expires": expires,
        "principal": f"{name}@rehearsal.example",
        "signature": signature,
    }

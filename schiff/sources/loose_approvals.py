"""Approvals in files: for the one thing that is agreed to while the ledger itself does not hold.

Nothing can be appended to a broken chain, so what people agree to then travels
beside it. The same text is signed as in an entry, and the same list of
approvers counts, as it stands now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schiff.errors import InvalidInput, Place, Problem, Refused
from schiff.model.approvers import NAMESPACE, Approvers
from schiff.rollout.bodies import ApproveBody
from schiff.rollout.moments import parse_moment
from schiff.rollout.signed_text import signed_text
from schiff.ssh.signatures import verify
from schiff.values.names import Environment


def people_in_files(
    paths: Iterable[Path], approvers: Approvers, environment: Environment, verb: str, subject: str, *, now: datetime
) -> frozenset[str]:
    """Return who agreed to one thing, by the files that say so; raises `Refused` for one that does not count."""
    people = set()
    for path in paths:
        body = _read(path)
        if (reason := _defect(body, approvers, environment, verb, subject, now=now)) is not None:
            raise Refused(f"{path.name} does not count: {reason}", "approval")
        people.add(body.principal)
    return frozenset(people)


def _read(path: Path) -> ApproveBody:
    try:
        data: Any = json.loads(path.read_bytes())
        return ApproveBody.model_validate(data)
    except OSError as error:
        problem = Problem(Place(str(path)), "", f"cannot be read: {error.strerror}")
    except (ValueError, ValidationError):
        problem = Problem(Place(str(path)), "", "is no approval", "write it with schiff approve --out")
    raise InvalidInput([problem])


def _defect(
    body: ApproveBody, approvers: Approvers, environment: Environment, verb: str, subject: str, *, now: datetime
) -> str | None:
    if (body.verb, body.subject) != (verb, subject):
        return f"it agrees to {body.verb} of {body.subject}"
    if parse_moment(body.expires) < now:
        return f"it expired at {body.expires}"
    text = signed_text(environment, verb, subject, body.expires)
    if body.principal in approvers.principals and verify(
        approvers.content, body.principal, NAMESPACE, message=text, signature=body.signature, at=now
    ):
        return None
    return "its signature was not verified against approvers"

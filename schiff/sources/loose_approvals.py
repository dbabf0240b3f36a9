"""Approvals in files: for the one thing that is agreed to while the ledger itself does not hold.

Nothing can be appended to a broken chain, so what people agree to then travels
beside it. The same text is signed as in an entry, and the same list of
approvers counts, as it stands now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schiff.errors import InvalidInput, Place, Problem, Refused
from schiff.model.approvers import Approvers
from schiff.rollout.bodies import Agreement, ApproveBody
from schiff.rollout.moments import parse_moment
from schiff.sources.approvals import is_signed
from schiff.values.names import Environment


def read_approvals(paths: Iterable[Path]) -> dict[Path, ApproveBody]:
    """Return what the files say; raises `InvalidInput` with every one that is no approval."""
    found: dict[Path, ApproveBody] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            found[path] = _read(path)
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return found


def agreements(
    files: Mapping[Path, ApproveBody],
    approvers: Approvers,
    environment: Environment,
    verb: str,
    subject: str,
    *,
    now: datetime,
) -> tuple[Agreement, ...]:
    """Return who agreed to one thing, each once; raises `Refused` for a file that does not count."""
    people: dict[str, Agreement] = {}
    for path, body in files.items():
        if (reason := _defect(body, approvers, environment, verb, subject, now=now)) is not None:
            raise Refused(f"{path.name} does not count: {reason}", "approval")
        people[body.principal] = Agreement(expires=body.expires, principal=body.principal, signature=body.signature)
    return tuple(people[principal] for principal in sorted(people))


def _read(path: Path) -> ApproveBody:
    try:
        data: Any = json.loads(path.read_bytes())
        return ApproveBody.model_validate(data)
    except OSError as error:
        problem = Problem(Place(str(path)), "", f"cannot be read: {error.strerror}", "name the file of an approval")
    except (ValueError, ValidationError):
        problem = Problem(Place(str(path)), "", "is no approval", "write it with schiff approve --out")
    raise InvalidInput([problem])


def _defect(
    body: ApproveBody, approvers: Approvers, environment: Environment, verb: str, subject: str, *, now: datetime
) -> str | None:
    if (body.verb, body.subject) != (verb, subject):
        return f"it agrees to {body.verb} of {body.subject}, and this is {subject}"
    if parse_moment(body.expires) < now:
        return f"it expired at {body.expires}"
    if is_signed(body, environment, approvers, now):
        return None
    return f"no approver signed it for {environment}"

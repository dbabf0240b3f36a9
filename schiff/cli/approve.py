"""`schiff approve`: agree to one thing, once, with a signature."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic import TypeAdapter, ValidationError

from schiff.cli import clock
from schiff.cli.actor import actor
from schiff.cli.approved_orders import orders_to_approve
from schiff.cli.chains import append
from schiff.cli.compiled import Reading
from schiff.cli.options import FleetOption, JsonOption, LedgerOption
from schiff.cli.project import parse_environment
from schiff.cli.signing_key import signing_key
from schiff.cli.terminal import say, say_json, warn
from schiff.delivery.wishes import is_rehearsal
from schiff.errors import InvalidInput, InvalidValue, Place, Problem, Refused
from schiff.model.approvers import NAMESPACE, Approvers
from schiff.model.fleet import Fleet
from schiff.rollout.bodies import Verb
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.reopening import VERB as REOPENING
from schiff.rollout.signed_text import signed_text
from schiff.sources.approvals import read_approvers
from schiff.sources.fleet_commit import fleet_commit
from schiff.ssh.signatures import principals_of, sign
from schiff.values.digests import Digest
from schiff.values.durations import Duration
from schiff.values.names import Environment

HELP = """\
Example: schiff approve promote 2026.48.0 -e prd

Agree to one thing, once: sign verb, environment, digest and expiry with your SSH key, and append that to the ledger.
What for is a release by name or digest (promote, resume, skip, review), nothing for policy (the policy as it stands)
and for orders (what up would deliver over budget, listed first), else a digest that a refusal names. A review is that
of a hotfix which was hurried: within seven days, or no other is. rollback-unverified is agreed to while the ledger does
not hold, so it goes into the file that --out names.

Your key must be in fleet/approvers. An approval is used once, for exactly this digest, and never by the author of the
change. --key is a private key, or a public one whose private half an agent holds; default: Git's user.signingkey.
"""

_VERBS: tuple[Verb, ...] = get_args(Verb)
_DIGEST: TypeAdapter[str] = TypeAdapter(Digest)
_OF_RELEASES: tuple[Verb, ...] = ("promote", "resume", "skip", "review")


def approve(
    verb: Annotated[str, typer.Argument(help=f"One of {', '.join(_VERBS)}.")],
    subject: Annotated[str, typer.Argument(help="Name of a release, or a digest.")] = "",
    *,
    environment: Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")] = "",
    key: Annotated[Path | None, typer.Option("--key", help="SSH key; default: Git's user.signingkey.")] = None,
    expires: Annotated[str, typer.Option("--expires", help="For how long it may be used.")] = "24h",
    out: Annotated[
        Path | None, typer.Option("--out", help="File for rollback-unverified: its ledger can hold nothing.")
    ] = None,
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Sign and append."""
    chosen, agreed = parse_environment(environment), _verb(verb)
    _require_place(agreed, out)
    reading = Reading.of(chosen, fleet, ledger)
    folder = fleet or reading.workspace.root / reading.settings.fleet
    approvers = read_approvers(folder, is_rehearsal=is_rehearsal(reading.settings))
    lasting, commit = _duration(expires), fleet_commit(folder) or "none"
    subjects = _subjects(reading, chosen, agreed, subject)
    with signing_key(key) as file:
        signer = Signer(chosen, approvers, file, clock.now(), lasting, ledger)
        signed = [signer.sign(agreed, one) for one in subjects]
        answers = [signer.append(body, commit) for body in signed] if out is None else _written(out, signed)
    if as_json:
        say_json({"environment": chosen, "approvals": answers})
        return
    for answer in answers:
        where = f"entry {answer['seq']}" if out is None else str(out)
        who = f"{chosen}: {answer['principal']} agrees to {agreed} of {answer['subject']}"
        say(f"{who} until {answer['expires']} ({where})")


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody with a key who agrees to things in one environment."""

    environment: Environment
    approvers: Approvers
    key: Path
    now: datetime
    lasting: Duration
    ledger: str = ""

    def sign(self, verb: Verb, subject: str) -> dict[str, str]:
        """Return the body of an approval with its signature; raises `Refused` for a key of no approver."""
        expires = format_moment(self.now + self.lasting.delta)
        signature = sign(self.key, NAMESPACE, signed_text(self.environment, verb, subject, expires))
        principal = self._principal(signature)
        return {
            "verb": verb,
            "subject": subject,
            "expires": expires,
            "principal": principal,
            "signature": signature,
        }

    def append(self, body: Mapping[str, str], fleet: str) -> dict[str, Any]:
        """Append an approval once, and return what it says."""
        written: list[Entry] = []

        def propose(chain: Ledger) -> Entry | None:
            if chain.head is None:
                begin = f"begin it: schiff ledger init -e {self.environment}"
                raise Refused(f"{self.environment} has no ledger yet; {begin}", "no-ledger")
            if written and written[-1] in chain.entries:
                return None
            at = format_moment(self.now)
            written.append(chain.append("approve", body, at=at, actor=actor(os.environ), fleet=fleet))
            return written[-1]

        append(self.environment, propose, ledger=self.ledger, tell=warn)
        return {"seq": written[-1].seq, "digest": written[-1].digest, **body}

    def _principal(self, signature: str) -> str:
        """Return whose key it is; raises `Refused` for somebody who is no approver."""
        for principal in principals_of(self.approvers.content, signature, self.now):
            return principal
        known = ", ".join(sorted(self.approvers.principals)) or "nobody"
        raise Refused(f"{self.key} belongs to no approver; fleet/approvers names {known}", "approval")


def _require_place(verb: Verb, out: Path | None) -> None:
    """Raise `InvalidInput` unless an approval goes where it is looked for: into the ledger, or beside a broken one."""
    if verb == REOPENING and out is None:
        message, cure = "a ledger that does not hold takes no approval", "name a file, e.g. --out anna.json"
        raise InvalidInput([Problem(Place("--out"), "", message, cure)])
    if verb != REOPENING and out is not None:
        message = f"{verb} is approved in the ledger, and a file is for {REOPENING}"
        raise InvalidInput([Problem(Place("--out"), "", message, "leave it out")])


def _written(out: Path, signed: Sequence[dict[str, str]]) -> Sequence[dict[str, Any]]:
    """Write the one approval to a file, and return it."""
    (body,) = signed
    out.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    return signed


def _subjects(reading: Reading, environment: Environment, verb: Verb, subject: str) -> Sequence[str]:
    if not subject and verb == "policy":
        return (reading.fleet.policy.digest,)
    if not subject and verb == "orders":
        return orders_to_approve(environment, reading)
    return (_digest(reading.fleet, verb, subject),)


def _digest(fleet: Fleet, verb: Verb, subject: str) -> str:
    """Return the digest that is meant; raises `InvalidInput`."""
    released = fleet.release_named(subject) if verb in _OF_RELEASES else None
    if released is not None:
        return released.digest
    try:
        return _DIGEST.validate_python(subject)
    except ValidationError:
        known = ", ".join(sorted(layers.release.name for layers in fleet.releases.values()))
        cure = f"name a release ({known}) or its digest" if verb in _OF_RELEASES else "take it from the refusal"
        raise InvalidInput([Problem(Place("SUBJECT"), "", f"{subject!r} is nothing to agree to", cure)]) from None


def _verb(text: str) -> Verb:
    for verb in _VERBS:
        if text == verb:
            return verb
    message = f"{text!r} is nothing that can be approved"
    raise InvalidInput([Problem(Place("VERB"), "", message, f"name one of {', '.join(_VERBS)}")])


def _duration(text: str) -> Duration:
    try:
        duration = Duration.parse(text)
    except InvalidValue as error:
        raise InvalidInput([Problem(Place("--expires"), "", str(error), "write e.g. 24h")]) from None
    if not duration.seconds:
        raise InvalidInput(
            [Problem(Place("--expires"), "", "an approval that lasts no time is none", "write e.g. 24h")]
        )
    return duration

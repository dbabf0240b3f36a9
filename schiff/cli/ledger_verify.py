"""`schiff ledger verify`: everything that could contradict a chain, asked in one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from schiff.cli.chains import Seen, chain_place, chains_up_to, seen_by_deliveries
from schiff.cli.options import FleetOption, JsonOption, LedgerOption
from schiff.cli.project import parse_environment
from schiff.cli.terminal import say, say_json, table
from schiff.errors import Refused, Tampered
from schiff.rollout.bodies import GenesisBody
from schiff.rollout.ledger import Ledger
from schiff.sources.chains import Chains, up_to
from schiff.values.names import ENVIRONMENTS, Environment

HELP = (
    "Example: schiff ledger verify -e prd\n\n"
    "Hold a ledger against everything that could contradict it: the chain itself, the heads that deliveries and the "
    "stack's output saw, the witness, the signatures of approvals, the chains that its promotions cite, and the gate "
    "on every promotion and move. Evidence that does not hold, and an entry that may not stand where it stands, end "
    "with status 16. What could not be asked is said."
)

_JUDGED = ("promote", "move", "resume", "revoke")


def verify(
    environment: Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All three environments.")] = False,
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Verify one chain, or all."""
    chosen = ENVIRONMENTS if every else (parse_environment(environment),)
    seen = seen_by_deliveries(up_to(chosen[-1]))
    chains = chains_up_to(chosen[-1], seen, fleet, ledger)
    _require_admitted(chains)
    verified = [_Verified.of(chains, name, seen.get(name, Seen()), fleet, ledger) for name in chosen]
    if as_json:
        say_json({"environments": [one.as_json() for one in verified]})
        return
    for one in verified:
        say(one.sentences())


def _require_admitted(chains: Chains) -> None:
    """Judge every entry; here one that the gate would not have let through is what a forged one is."""
    try:
        chains.verify()
    except Refused as error:
        raise Tampered(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Verified:
    """One chain that holds, and what was and was not asked about it."""

    ledger: Ledger
    seen: Seen
    witness: str
    received: int | None
    lacking: Sequence[int]
    holes: Sequence[int]
    unverified: Sequence[int]

    @classmethod
    def of(cls, chains: Chains, environment: Environment, seen: Seen, fleet: Path | None, ledger: str) -> _Verified:
        found, proofs = chains.ledgers[environment], chains.proofs[environment]
        lacking = chains.unwitnessed.get(environment)
        approvals = [entry for entry in found.entries if entry.kind == "approve"]
        return cls(
            found,
            seen,
            str(chain_place(environment, fleet, ledger)[0].witness or ""),
            None if proofs.receipts is None else len(proofs.receipts),
            lacking.all if lacking else (),
            lacking.holes if lacking else (),
            [entry.seq for entry in approvals if entry.digest not in proofs.signers],
        )

    def sentences(self) -> str:
        """Return what people read."""
        head = self.ledger.head
        if head is None:
            name = self.ledger.environment
            return f"{name}: no ledger yet; begin it: schiff ledger init -e {name}"
        title = f"{self.ledger.environment}: {len(self.ledger.entries)} entries hold, head {head.seq} {head.digest}"
        rows = [
            *self._closed(),
            ("deliveries", self._deliveries()),
            ("output", _heads(len(self.seen.outputs), "no state that can be read here")),
            ("witness", self._witness()),
            ("approvals", self._approvals()),
            ("gate", self._gate()),
        ]
        return f"{title}\n{table(rows)}"

    def _closed(self) -> Iterator[tuple[str, str]]:
        """Yield what this chain closes: whatever was remembered of that is excused."""
        closed, first = self.ledger.closes, self.ledger.entries[0].said
        if closed is not None and isinstance(first, GenesisBody):
            people = ", ".join(one.principal for one in first.agreed)
            yield (
                "closes",
                f"entries up to {closed.seq}, left in {closed.commit[:12]}; {people} agreed: {closed.reason}",
            )

    def _deliveries(self) -> str:
        said = _heads(len(self.seen.delivered), "no delivery names a head")
        return f"{said}; not asked: {'; '.join(self.seen.unread)}" if self.seen.unread else said

    def _gate(self) -> str:
        judged = sum(entry.kind in _JUDGED for entry in self.ledger.entries)
        return f"{judged} entries judged, each on the chain before it" if judged else "no promotion and no move yet"

    def _witness(self) -> str:
        if self.received is None:
            return "none configured; time: self-asserted"
        said = f"{self.witness} received {self.received}"
        if self.holes:
            said += f", with holes at {_numbers(self.holes)}"
        return f"{said}; not yet: {_numbers(self.lacking)}" if self.lacking else said

    def _approvals(self) -> str:
        count = sum(entry.kind == "approve" for entry in self.ledger.entries)
        if not self.unverified:
            return f"{count} verified" if count else "none"
        return f"{count - len(self.unverified)} verified; no signature of an approver: {_numbers(self.unverified)}"

    def as_json(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        head = self.ledger.head
        return {
            "environment": self.ledger.environment,
            "entries": len(self.ledger.entries),
            "head": None if head is None else {"seq": head.seq, "digest": head.digest},
            "anchors": {"deliveries": len(self.seen.delivered), "outputs": len(self.seen.outputs)},
            "unread": list(self.seen.unread),
            "closes": None if self.ledger.closes is None else self.ledger.closes.as_document(),
            "time": "self-asserted" if self.received is None else "witnessed",
            "witness": {
                "place": self.witness or None,
                "received": self.received,
                "missing": list(self.lacking),
                "holes": list(self.holes),
            },
            "approvals": {
                "verified": sum(entry.kind == "approve" for entry in self.ledger.entries) - len(self.unverified),
                "unverified": list(self.unverified),
            },
        }


def _heads(count: int, none: str) -> str:
    return none if not count else f"{count} {'head' if count == 1 else 'heads'} seen before, all in the chain"


def _numbers(found: Sequence[int]) -> str:
    return ", ".join(map(str, found))

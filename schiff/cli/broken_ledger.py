"""What can still be said of a ledger that does not hold: whether it is the one, where it ends, what it had revoked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schiff.cli.chains import chain_place, seen_by_deliveries, verified_chains
from schiff.errors import InvalidValue, Refused, Tampered
from schiff.git.repository import BranchFiles, read_branch
from schiff.rollout.bodies import Cited, GenesisBody, Mark, PromoteBody, RanHotfix, RevokeBody
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.reopening import Said, last_remembered
from schiff.sources.chains import ChainPlace, Chains, up_to
from schiff.sources.ledger_branch import read_ledger
from schiff.sources.witness import Held, ask_witness
from schiff.values.digests import digest_of_bytes
from schiff.values.names import ENVIRONMENTS, Environment


def held_chains(environment: Environment) -> Chains | Tampered:
    """Return the chains up to an environment, or why its own does not hold.

    Raises `Tampered` where an earlier one does not: that is where to begin.
    """
    found = _judged(environment)
    for name in up_to(environment)[:-1] if isinstance(found, Tampered) else ():
        if isinstance(error := _judged(name), Tampered):
            begin = f"begin there: schiff rollback -e {name} --unverified"
            raise Tampered(f"the ledger of {name} does not hold, and {environment} stands on it; {begin}: {error}")
    return found


def _judged(environment: Environment) -> Chains | Tampered:
    """Return chains that hold; an entry that the gate would not have let through is what a forged one is."""
    try:
        return verified_chains(environment)
    except Tampered as error:
        return error
    except Refused as error:
        if error.code != "not-admitted":
            raise
        return Tampered(str(error))


@dataclass(frozen=True, slots=True)
class BrokenLedger:
    """The branch of a ledger as it was found, and what a witness holds of it."""

    environment: Environment
    place: ChainPlace
    cache: Path
    found: BranchFiles
    held: Held | None

    @classmethod
    def of(cls, environment: Environment) -> BrokenLedger:
        """Read it."""
        place, cache = chain_place(environment)
        held = None if place.witness is None else ask_witness(place.witness, environment, cache)
        return cls(environment, place, cache, read_branch(place.ledger, f"ledger/{environment}", cache), held)

    @property
    def end(self) -> Head:
        """The newest entry that anybody remembers; raises `Refused` where there never was one."""
        witnessed = None if self.held is None else self.held.newest()
        seen = seen_by_deliveries((self.environment,)).get(self.environment)
        head = last_remembered(witnessed, () if seen is None else seen.heads, self._written())
        if head is None:
            begin = f"begin it: schiff ledger init -e {self.environment}"
            raise Refused(f"nobody remembers a ledger of {self.environment}; {begin}", "no-ledger")
        return head

    @property
    def said(self) -> Said:
        """What it says that outlives it, as far as it can be read."""
        found: dict[str, str] = {}
        hotfixes: dict[str, RanHotfix] = {}
        for entry in self._readable():
            match entry.said:
                case RevokeBody(release=release, reason=reason):
                    found[release] = reason
                case GenesisBody(revoked=revoked, expedited=expedited):
                    found |= revoked
                    hotfixes |= expedited
                case PromoteBody(release=release, name=name, authors=authors, expedited=True):
                    hotfixes[release] = RanHotfix(name=name, at=entry.at, authors=authors)
        return Said(found, hotfixes)

    def standing(self, end: Head) -> Mark | None:
        """Return the last promotion of the next environment that cites this chain, as it was seen by others.

        One that cites what a witness knows otherwise was written on a forged
        chain; neither it nor any after it stands.
        """
        following = ENVIRONMENTS[ENVIRONMENTS.index(self.environment) + 1 :]
        last = None
        for entry, source in _citing(self.environment, following[0]) if following else ():
            if source.seq > end.seq or self._is_denied(source):
                break
            last = Mark(seq=entry.seq, digest=entry.digest)
        return last

    def _is_denied(self, source: Cited) -> bool:
        """Whether the witness received another entry under the number that is cited."""
        if self.held is None:
            return False
        try:
            receipt = self.held.receipts().get(source.seq)
        except Tampered:
            return False
        return receipt is not None and receipt.digest != source.digest

    def _written(self) -> Head | None:
        numbered = ((int(name[:-5]), content) for name, content in self.found.files.items() if _is_numbered(name))
        return max((Head(seq, digest_of_bytes(content)) for seq, content in numbered), default=None)

    def _readable(self) -> Iterator[Entry]:
        for name, content in sorted(self.found.files.items()):
            if _is_numbered(name):
                try:
                    yield Entry.parse(content)
                except InvalidValue:
                    continue


def _citing(environment: Environment, following: Environment) -> Iterator[tuple[Entry, Cited]]:
    """Yield the promotions of the next environment; none of a chain that has to be closed itself."""
    place, cache = chain_place(following)
    try:
        ledger = read_ledger(place.ledger, following, cache)
    except Tampered:
        ledger = Ledger.empty(following)
    for entry in ledger.entries:
        source = entry.said.source if isinstance(entry.said, PromoteBody) else None
        if source is not None and source.env == environment:
            yield entry, source


def _is_numbered(name: str) -> bool:
    return name.endswith(".json") and name[:-5].isdecimal() and len(name) <= len("000000000000000000.json")

"""Beginnings that close a chain, signed by people: as two approvers make them, and as others would like to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schiff.model.approvers import NAMESPACE
from schiff.rollout.bodies import Closed, Mark
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.reopening import VERB, beginning, subject_of
from schiff.rollout.signed_text import signed_text
from schiff.ssh.signatures import sign
from schiff.values.names import Environment
from tests.ssh.signers import Person

_HOUR = timedelta(hours=1)


def closing(
    ledger: Ledger,
    *people: Person,
    signed_for: Environment | None = None,
    standing: Mark | None = None,
    at: datetime | None = None,
    lasting: timedelta = _HOUR,
) -> Entry:
    """Return a beginning that closes a chain and goes back to its genesis; `signed_for` is another environment."""
    end, now = ledger.entries[-1], at or datetime.now(UTC)
    expires = format_moment(now + lasting)
    given = {} if standing is None else {"standing": standing}
    closed = Closed(seq=end.seq, digest=end.digest, commit="c0ffee", definitions="f00d", reason="x", **given)
    body = {**ledger.entries[0].body, "closes": closed.as_document(), "revoked": {}}
    text = signed_text(signed_for or ledger.environment, VERB, subject_of(body), expires)
    body["agreed"] = [
        {"principal": who.principal, "expires": expires, "signature": sign(who.key, NAMESPACE, text)} for who in people
    ]
    return beginning(ledger.environment, closed, body, at=format_moment(now), actor="user:a", fleet="none")

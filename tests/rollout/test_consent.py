from __future__ import annotations

from datetime import timedelta

from schiff.rollout.agreement import Asked
from schiff.rollout.consent import orders_refusals
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment, parse_moment
from schiff.rollout.proofs import Proofs
from tests.rollout.small_fleet import AT, a_fleet, begun, noted, released

ORDERS, OTHERS = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
NOW = parse_moment(AT)
ANNA = "anna@example.org"


def approved(subject: str = ORDERS, verb: str = "orders", lasting: timedelta = timedelta(hours=24)) -> Ledger:
    body = {"verb": verb, "subject": subject, "expires": format_moment(NOW + lasting), "principal": ANNA}
    return noted(begun(released(a_fleet()), "prd"), "approve", {**body, "signature": "x"})


def said(ledger: Ledger, *, authors: tuple[str, ...] = (), verified: bool = True) -> str:
    proofs = Proofs(None, {ledger.entries[-1].digest: ANNA} if verified else {})
    asked = Asked("orders", ORDERS, NOW + timedelta(hours=1), authors)
    return "; ".join(refusal.sentence for refusal in orders_refusals(ledger.state, proofs, asked))


def test_somebody_who_agreed_to_exactly_these_orders_is_enough() -> None:
    assert said(approved()) == ""


def test_without_an_approval_nobody_agreed() -> None:
    assert "nobody did: schiff approve orders" in said(begun(released(a_fleet()), "prd"))


def test_an_approval_of_other_orders_or_of_something_else_is_none() -> None:
    assert "nobody did" in said(approved(OTHERS))
    assert "nobody did" in said(approved(verb="policy"))


def test_an_approval_ends() -> None:
    assert "approval 1 does not count: it expired" in said(approved(lasting=timedelta(minutes=30)))


def test_a_signature_that_was_not_verified_is_none() -> None:
    assert "its signature was not verified" in said(approved(), verified=False)


def test_the_author_agrees_to_nothing_of_their_own() -> None:
    assert "anna@example.org is the author of the change" in said(approved(), authors=(ANNA,))

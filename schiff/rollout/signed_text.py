"""What an approver signs: verb, environment, digest and expiry, in one spelling."""

from __future__ import annotations

from schiff.values.digests import canonical
from schiff.values.names import Environment


def signed_text(environment: Environment, verb: str, subject: str, expires: str) -> bytes:
    """Return the text that an approval's signature is over.

    The environment is in it, so that an approval for ``ref`` is none for
    ``prd``; the digest is, so that it is for exactly one thing.
    """
    return canonical({"environment": environment, "expires": expires, "subject": subject, "verb": verb})

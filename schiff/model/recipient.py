"""Who can read an encrypted document: public keys, safe to show to anybody."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Recipient = Annotated[str, Field(pattern=r"^(age1[0-9a-z]{58}|[0-9A-F]{40})$")]
"""An age key, or the fingerprint of a GPG key."""

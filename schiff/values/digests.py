"""Digests: of content, over one canonical form.

The canonical form is JSON with sorted keys, no white space, ASCII escapes, and
nothing but strings, integers, booleans, lists and maps with text keys. It is
frozen: `tests/values/digest_vectors.json` holds it to its word, and changing it
would replace every machine of the fleet (template names carry a digest).
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator

from schiff.errors import InvalidValue
from schiff.values.parsed import Parsed

HEAD = "head"
"""Stands in place of a release's digest for clusters that follow the working copy."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@lru_cache(maxsize=16384)
def _digest_text(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise InvalidValue(f"{text!r} is not a digest (expected sha256: and 64 hexadecimal digits)")
    return text


Digest = Annotated[str, AfterValidator(_digest_text)]


def canonical(value: Any) -> bytes:
    """Return the canonical form; raises `InvalidValue` for anything outside it."""
    _require_plain(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest(value: Any) -> str:
    """Return ``sha256:<hex>`` over the canonical form of `value`."""
    return digest_of_bytes(canonical(value))


def digest_of_bytes(content: bytes) -> str:
    """Return ``sha256:<hex>`` of raw content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def name_hash(value: Any) -> str:
    """Return the eight hexadecimal digits that immutable objects carry in their names (domain reference 3.2)."""
    return hashlib.sha256(canonical(value)).hexdigest()[:8]


def _require_plain(value: Any) -> None:
    match value:
        case str() | bool() | int():
            return
        case list() | tuple() if not isinstance(value, Parsed):
            for item in value:
                _require_plain(item)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise InvalidValue(f"{key!r} cannot be a key of digested data (expected text)")
                _require_plain(item)
        case _:
            raise InvalidValue(
                f"{type(value).__name__} cannot be digested (expected text, integer, boolean, list or map)"
            )

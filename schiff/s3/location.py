"""Where objects are kept in S3, as a stack's setting spells it.

``s3://bucket/prefix?endpoint=https://s3.example&region=eu-1&retentionDays=3650``: everything after
the bucket may be missing. Credentials are AWS's own usual ones (variables,
profile, role) and never stand here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from schiff.errors import InvalidValue

EXAMPLE = "s3://bucket/prefix?endpoint=https://s3.example&region=eu-1"
RETENTION = timedelta(days=3650)
"""How long an object can be removed by nobody: ten years, because a chain is verified from its beginning."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/?")
_REGION = re.compile(r"[a-z0-9-]+")
_DAYS = re.compile(r"[1-9][0-9]{0,4}")
_OPTIONS = {"endpoint": _ENDPOINT, "region": _REGION, "retentionDays": _DAYS}


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket, a folder in it, the server it is on, and how long what lies there is locked."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    retention: timedelta = RETENTION

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a location; raises `InvalidValue`, which does not repeat what may hold a secret."""
        if "@" in text:
            raise InvalidValue("credentials stand in it; leave them to AWS's own variables, profiles and roles")
        url = urlsplit(text)
        prefix = url.path.strip("/")
        if url.scheme != "s3" or not _BUCKET.fullmatch(url.netloc) or (prefix and not _PREFIX.fullmatch(prefix)):
            raise InvalidValue(f"it is no place in S3 (expected e.g. {EXAMPLE})")
        given = _options(url.query)
        days = given.get("retentionDays")
        return cls(
            url.netloc,
            prefix,
            given.get("endpoint"),
            given.get("region"),
            RETENTION if days is None else timedelta(days=int(days)),
        )

    def key(self, *names: str) -> str:
        """Return the key of an object below the prefix."""
        return "/".join(name for name in (self.prefix, *names) if name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def _options(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS or name in found:
            raise InvalidValue(f"its options are {', '.join(_OPTIONS)}, each at most once (expected e.g. {EXAMPLE})")
        if not _OPTIONS[name].fullmatch(value):
            raise InvalidValue(f"its {name} is none (expected e.g. {EXAMPLE}&retentionDays=3650)")
        found[name] = value
    return found

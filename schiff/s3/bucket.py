"""A folder in S3 in which objects are written once, and locked against everybody.

What a server of S3 must do: conditional puts (``If-None-Match: *``), versions,
and Object Lock. A bucket without the lock is refused at the first put. Without
versions nothing could be locked, so reading asks for the *oldest* version of a
key: whoever writes over an object, or deletes it, only adds a newer one.

Credentials are AWS's own usual ones. What goes wrong becomes a sentence with
the server's error code, without its message: that may repeat a request.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from schiff.errors import Failed
from schiff.s3.location import Location

_AT_ONCE = 16
_CONFIG = {
    "connect_timeout": 5,
    "read_timeout": 20,
    "retries": {"max_attempts": 4, "mode": "standard"},
    "max_pool_connections": _AT_ONCE,
}
_EXISTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_CURES = {
    "NoSuchBucket": "make it, with versions and Object Lock",
    "InvalidRequest": "it must be made with versions and Object Lock",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, as the server lists it; `received` is the server's own clock."""

    key: str
    id: str
    received: datetime


@dataclass(frozen=True)
class Bucket:
    """A place in S3, and the connection to it."""

    location: Location
    client: Any = field(repr=False)

    @classmethod
    def at(cls, location: Location) -> Bucket:
        """Return the place; raises `Failed` where the client of AWS is not installed or knows no region."""
        return cls(location, _client(location))

    def versions(self, folder: str) -> tuple[Version, ...]:
        """Return every version of every object in a folder, oldest first."""
        listed = self._ask("list_object_versions", self._pages, f"{self.location.key(folder)}/")
        found = (Version(item["Key"], item["VersionId"], item["LastModified"].astimezone(UTC)) for item in listed)
        return tuple(sorted(found, key=lambda version: (version.key, version.received)))

    def contents(self, versions: Iterable[Version]) -> Mapping[Version, bytes]:
        """Return what versions hold, several asked at once."""
        asked = tuple(versions)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(asked, pool.map(self._content, asked), strict=True))

    def put_once(self, key: str, content: bytes, *, until: datetime) -> bool:
        """Write an object that nobody can remove before a moment; answers whether it was not there yet."""
        return bool(self._ask("put_object", self._put, key, content, until))

    def time(self) -> datetime:
        """Return the moment by the server's clock, to the second; raises `Failed` for one that does not tell it."""
        told = self._ask("list_object_versions", self._date)
        if told is None:
            raise Failed(f"the server of {self.location} does not tell its time", "witness-failed")
        return parsedate_to_datetime(told).astimezone(UTC)

    def _date(self) -> Any:
        nothing = self.location.key("-")
        answer = self.client.list_object_versions(Bucket=self.location.bucket, Prefix=nothing, MaxKeys=1)
        return answer["ResponseMetadata"]["HTTPHeaders"].get("date")

    def _pages(self, prefix: str) -> list[dict[str, Any]]:
        pages: Iterator[dict[str, Any]] = self.client.get_paginator("list_object_versions").paginate(
            Bucket=self.location.bucket, Prefix=prefix
        )
        return [item for page in pages for item in page.get("Versions", ())]

    def _content(self, version: Version) -> bytes:
        return bytes(self._ask("get_object", self._get, version))

    def _get(self, version: Version) -> bytes:
        answer = self.client.get_object(Bucket=self.location.bucket, Key=version.key, VersionId=version.id)
        return bytes(answer["Body"].read())

    def _put(self, key: str, content: bytes, until: datetime) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415 -- an extra, there once a client is

        try:
            self.client.put_object(
                Bucket=self.location.bucket,
                Key=key,
                Body=content,
                ContentMD5=base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode(),
                ContentType="application/json",
                IfNoneMatch="*",
                ObjectLockMode="COMPLIANCE",
                ObjectLockRetainUntilDate=until,
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _EXISTS:
                return False
            raise
        return True

    def _ask(self, what: str, call: Any, *args: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError  # noqa: PLC0415 -- as above

        try:
            return call(*args)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "no code"))
            cure = f"; {_CURES[code]}" if code in _CURES else ""
            raise Failed(f"the server of {self.location} answered {what} with {code}{cure}", "witness-failed") from None
        except NoCredentialsError:
            cure = "give them as AWS does: variables, a profile or a role"
            raise Failed(f"there are no credentials for {self.location}; {cure}", "witness-failed") from None
        except BotoCoreError as error:
            raise Failed(f"{self.location} cannot be reached: {type(error).__name__}", "witness-failed") from None


def _client(location: Location) -> Any:
    try:
        import boto3  # noqa: PLC0415 -- an extra that only a witness needs
        from botocore.config import Config  # noqa: PLC0415 -- the same
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 -- the same
    except ImportError:
        raise Failed(
            f"{location} needs the client of AWS, which is not installed: pip install 'schiff[s3]'", "no-boto3"
        ) from None
    style = {"addressing_style": "path"} if location.endpoint else {}
    try:
        return boto3.session.Session().client(
            "s3", endpoint_url=location.endpoint, region_name=location.region, config=Config(**_CONFIG, s3=style)
        )
    except BotoCoreError as error:
        raise Failed(f"{location} cannot be used: {type(error).__name__}", "witness-failed") from None

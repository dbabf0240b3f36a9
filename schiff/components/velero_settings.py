"""What layers may set of Velero."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, Spec
from schiff.values.durations import Duration, PositiveDuration
from schiff.values.names import Name

Rhythm = Literal["hourly", "daily", "weekly"]
PERIODS: Final[Mapping[Rhythm, int]] = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800}
"""Seconds between two backups."""

_URL: Final = re.compile(r"https?://[a-z0-9][-a-z0-9.]*(:[0-9]+)?")
_BUCKET: Final = re.compile(r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9][-_.A-Za-z0-9]*(/[A-Za-z0-9][-_.A-Za-z0-9]*)*")


def _url(text: str) -> str:
    if not _URL.fullmatch(text):
        raise InvalidValue("is not the URL of an S3 server (expected e.g. https://s3.schiff.example; credentials stay"
                           " in the secret)")  # fmt: skip
    return text


def _bucket(text: str) -> str:
    if not _BUCKET.fullmatch(text):
        raise InvalidValue(f"{text!r} is not a bucket's name (expected e.g. velero-vsphere-site-1)")
    return text


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise InvalidValue(f"{text!r} is not a prefix (expected names with '/' between them, none around)")
    return text


Hour = Annotated[int, Field(ge=0, le=24)]


class StorageSpec(Spec):
    """Where backups go; what is not written follows from the site and the cluster's FQDN.

    Secrets are named, never written: `credentials` holds the key ``cloud``, `ca` the key ``ca.crt``.
    """

    url: Annotated[str, AfterValidator(_url)] | None = None
    bucket: Annotated[str, AfterValidator(_bucket)] | None = None
    prefix: Annotated[str, AfterValidator(_prefix)] | None = None
    region: str = "schiff"
    credentials: Name = "velero-s3"
    ca: Name | None = None
    access_mode: Literal["ReadOnly", "ReadWrite"] = "ReadWrite"


class ScheduleSpec(Spec):
    """What is saved, how often, for how long, and between which hours UTC; the minute follows from the cluster."""

    every: Rhythm = "daily"
    keep: PositiveDuration = Duration.parse("30d")
    from_hour: Hour = 1
    until_hour: Hour = 5
    namespaces: Annotated[Items[str], Field(min_length=1)] = ("*",)
    excluded: Items[Name] = ()
    snapshot_volumes: bool | None = None

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if self.from_hour >= self.until_hour:
            raise InvalidValue("untilHour is not after fromHour: no minute lies between them (expected e.g. 1 and 5)")
        return self


class VeleroSettings(Spec):
    """Where, when and what; `snapshotVolumes` holds for every schedule that does not say otherwise."""

    storage: StorageSpec = StorageSpec()
    schedules: Mapping[Name, ScheduleSpec] = {"daily": ScheduleSpec()}
    snapshot_volumes: bool = False

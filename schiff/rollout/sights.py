"""What one observation saw of each cluster: the report that `observe` cites by its digest."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from schiff.errors import InvalidValue
from schiff.rollout.health import Verdict
from schiff.values.digests import canonical, digest, digest_of_bytes
from schiff.values.names import ClusterKey

REPORT_VERSION: Final = 1
_SMALL = 16384
"""Reports up to so many bytes are remembered all; of larger ones the last few, and their members."""
_REMEMBERED_MEMBERS = 65536
_TEXT = r'"([ !#-\[\]-~]*)"'
_PLAIN = re.compile(rf'{_TEXT[1:]}:\{{"kubernetes":{_TEXT},"reason":{_TEXT},"release":{_TEXT},"verdict":{_TEXT}')
"""A member in its one spelling without anything that JSON escapes, without the quote before and the brace behind it."""
_BEGIN, _BETWEEN, _END = b'{"clusters":{', b'},"managementClusters":{', b'},"v":%d}\n' % REPORT_VERSION


@dataclass(frozen=True, slots=True)
class Sight:
    """How a cluster was, and what it ran: health counts only for the release that it names."""

    release: str
    kubernetes: str
    verdict: Verdict
    reason: str = ""

    def is_healthy_on(self, release: str) -> bool:
        """Whether it is well, and runs a release."""
        return self.verdict is Verdict.Healthy and self.release == release

    def as_document(self) -> dict[str, str]:
        """Return it as the report spells it."""
        return {
            "kubernetes": self.kubernetes,
            "reason": self.reason,
            "release": self.release,
            "verdict": str(self.verdict),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All sights of one moment."""

    clusters: Mapping[ClusterKey, Sight] = field(default_factory=dict)
    management_clusters: Mapping[str, Sight] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: bytes) -> Report:
        """Read a report; raises `InvalidValue`."""
        return _remembered(content) if len(content) <= _SMALL else _remembered_lately(content)

    def to_bytes(self) -> bytes:
        """Return its one spelling."""
        data = {
            "clusters": {str(key): sight.as_document() for key, sight in self.clusters.items()},
            "managementClusters": {name: sight.as_document() for name, sight in self.management_clusters.items()},
            "v": REPORT_VERSION,
        }
        return canonical(data) + b"\n"

    def body(self, release: str, members: Iterable[ClusterKey], *, held: int, plane: str) -> dict[str, Any]:
        """Return what `observe` says of the members of a rollout; one that was not seen at all is Unknown."""
        keys = sorted(members)
        counts = Counter(self.verdict_on(key, release) for key in keys)
        return {
            "release": release,
            "members": digest([str(key) for key in keys]),
            "total": len(keys),
            **{str(verdict).lower(): counts[verdict] for verdict in Verdict},
            "held": held,
            "report": digest_of_bytes(self.to_bytes()),
            "plane": plane,
        }

    def verdict_on(self, key: ClusterKey, release: str) -> Verdict:
        """Return how a cluster is on a release: one that still runs another is on its way."""
        sight = self.clusters.get(key)
        if sight is None:
            return Verdict.Unknown
        if sight.release != release and sight.verdict is Verdict.Healthy:
            return Verdict.Progressing
        return sight.verdict


def _parsed(content: bytes) -> Report:
    try:
        return _put_together(content)
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError, InvalidValue):
        return _read(content)  # which says what is wrong, if anything


_remembered = lru_cache(maxsize=4096)(_parsed)
_remembered_lately = lru_cache(maxsize=16)(_parsed)


def _put_together(content: bytes) -> Report:
    """Return a report from its members as nearly all are written; raises where something else stands there.

    Nearly every member of a report stood in the one before, so members are
    remembered. Each is spelled as it is written, and they stand in order: so
    the whole is.
    """
    clusters, between, managers = content.removesuffix(_END).partition(_BETWEEN)
    if not (between and content.startswith(_BEGIN) and content.endswith(_END)):
        raise ValueError
    written = _members(clusters.removeprefix(_BEGIN))
    tenants, managed = dict(map(_tenant, written)), dict(map(_manager, _members(managers)))
    if written != sorted(written) or len(tenants) != len(written) or list(managed) != sorted(managed):
        raise ValueError
    return Report(tenants, managed)


def _members(text: bytes) -> list[bytes]:
    """Return the members of a map, each without the quote before and the brace behind it."""
    if text and not (text.startswith(b'"') and text.endswith(b"}")):
        raise ValueError
    return text[1:-1].split(b'},"') if text else []


@lru_cache(maxsize=_REMEMBERED_MEMBERS)
def _tenant(text: bytes) -> tuple[ClusterKey, Sight]:
    name, sight = _manager(text)
    return ClusterKey.parse(name), sight


def _manager(text: bytes) -> tuple[str, Sight]:
    member = _PLAIN.fullmatch(text.decode("ascii"))
    if member is None:
        raise ValueError
    name, kubernetes, reason, release, verdict = member.groups()
    return name, Sight(release, kubernetes, Verdict(verdict), reason)


def _read(content: bytes) -> Report:
    try:
        data = json.loads(content)
        if data.keys() != {"v", "clusters", "managementClusters"} or data["v"] != REPORT_VERSION:
            raise InvalidValue(f"a report is not of form {REPORT_VERSION}")
        report = Report(
            {ClusterKey.parse(name): _sight(item) for name, item in data["clusters"].items()},
            {name: _sight(item) for name, item in data["managementClusters"].items()},
        )
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise InvalidValue(f"a report of an observation cannot be read: {error}") from None
    if report.to_bytes() != content:
        raise InvalidValue("a report is not spelled as reports are written")
    return report


def _sight(data: Any) -> Sight:
    return Sight(data["release"], data["kubernetes"], Verdict(data["verdict"]), data["reason"])

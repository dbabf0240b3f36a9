"""Versions of Kubernetes and of components, and ranges of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from schiff.errors import InvalidValue
from schiff.values.parsed import Parsed

_NUMBER = r"(0|[1-9][0-9]*)"
_KUBERNETES = re.compile(rf"v{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_COMPONENT = re.compile(rf"v{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-s([1-9][0-9]*))?")
_BOUND = re.compile(rf"(>=|<=|>|<|=)\s*v?{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?")

Triple = tuple[int, int, int]


@dataclass(frozen=True, order=True, slots=True)
class KubernetesVersion(Parsed):
    """A released Kubernetes version such as ``v1.35.4``."""

    major: int
    minor: int
    patch: int

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, text: str) -> Self:
        """Read ``v<major>.<minor>.<patch>``; raises `InvalidValue`."""
        match = _KUBERNETES.fullmatch(text)
        if match is None:
            raise InvalidValue(f"{text!r} is not a Kubernetes version (expected e.g. v1.35.4)")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"

    @property
    def triple(self) -> Triple:
        """The three numbers, for ranges."""
        return (self.major, self.minor, self.patch)


@dataclass(frozen=True, order=True, slots=True)
class ComponentVersion(Parsed):
    """A version of a component folder: upstream's, plus ``-s<n>`` when schiff's content changed under it."""

    major: int
    minor: int
    patch: int
    revision: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``v3.31.2`` or ``v3.31.2-s2``; raises `InvalidValue`."""
        match = _COMPONENT.fullmatch(text)
        if match is None:
            raise InvalidValue(f"{text!r} is not a component version (expected e.g. v3.31.2 or v3.31.2-s2)")
        return cls(*(int(group or 0) for group in match.groups()))

    def __str__(self) -> str:
        suffix = f"-s{self.revision}" if self.revision else ""
        return f"v{self.major}.{self.minor}.{self.patch}{suffix}"

    @property
    def triple(self) -> Triple:
        """The three numbers, for ranges."""
        return (self.major, self.minor, self.patch)


@dataclass(frozen=True, slots=True)
class VersionRange(Parsed):
    """Bounds that must all hold, written ``>=1.33,<1.37``."""

    bounds: tuple[tuple[str, Triple], ...]
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read comma-separated bounds; raises `InvalidValue`."""
        bounds: list[tuple[str, Triple]] = []
        for part in text.split(","):
            match = _BOUND.fullmatch(part.strip())
            if match is None:
                raise InvalidValue(f"{text!r} is not a version range (expected e.g. >=1.33,<1.37)")
            operator, major, minor, patch = match.groups()
            bounds.append((operator, (int(major), int(minor), int(patch or 0))))
        return cls(tuple(bounds), text)

    def __str__(self) -> str:
        return self.text

    def contains(self, version: KubernetesVersion | ComponentVersion) -> bool:
        """Return whether every bound holds for `version`."""
        return all(_holds(operator, version.triple, bound) for operator, bound in self.bounds)


def _holds(operator: str, version: Triple, bound: Triple) -> bool:
    match operator:
        case ">=":
            return version >= bound
        case "<=":
            return version <= bound
        case ">":
            return version > bound
        case "<":
            return version < bound
        case _:
            return version == bound

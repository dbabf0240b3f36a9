"""A stack: what its name says, and its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from schiff.errors import InvalidInput, InvalidValue, Place, Problem
from schiff.s3.location import Location
from schiff.values.names import ENVIRONMENTS, Environment
from schiff.values.urls import without_password

_DEFAULTS = {
    "fleet": "stacks/fleet",
    "ledger": ".schiff/ledger.git",
    "definitions": ".schiff/cluster-definitions.git",
    "components": ".schiff/cluster-components.git",
    "branch": "main",
    "review": "branch",
    "delivery": "git",
    "kubeconfig": "$KUBECONFIG",
    "versions": ".schiff/wheels",
    "witness": "",
}
_CHOICES = {"review": ("branch", "proposal"), "delivery": ("git", "direct")}


@dataclass(frozen=True, slots=True)
class StackName:
    """``prd`` for a whole environment, ``prd-<management cluster>`` for a shard of it."""

    environment: Environment
    shard: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a stack's name; raises `InvalidValue`."""
        for environment in ENVIRONMENTS:
            if text == environment:
                return cls(environment)
            if text.startswith(f"{environment}-") and len(text) > len(environment) + 1:
                return cls(environment, text.removeprefix(f"{environment}-"))
        raise InvalidValue(
            f"stack {text!r} is no environment (expected {', '.join(ENVIRONMENTS)}, or e.g. prd-<management cluster>)"
        )

    def __str__(self) -> str:
        return self.environment if self.shard is None else f"{self.environment}-{self.shard}"

    def is_rival(self, other: str) -> bool:
        """Whether a stack of that name and this one are a whole environment and a shard of it."""
        try:
            found = StackName.parse(other)
        except InvalidValue:
            return False
        return found.environment == self.environment and (found.shard is None) != (self.shard is None)


@dataclass(frozen=True, slots=True)
class StackSettings:
    """The settings of ``Pulumi.<stack>.yaml``: where things are, never what a fleet is.

    A relative path is taken from the project's folder. `review` is ``branch``
    to push to the branch itself, or ``proposal`` to ask for a merge. `delivery`
    is ``git``, or ``direct`` to send what `definitions` would hold straight to
    the API servers that `kubeconfig` leads to. `versions` is a folder of wheels:
    of the other versions of schiff that releases were cut by. `witness` is a
    place in S3 that receives every entry of the ledger; without one, time is
    what runners say.
    """

    fleet: str
    ledger: str
    definitions: str
    components: str
    branch: str
    review: str
    delivery: str
    kubeconfig: str
    versions: str
    witness: str

    @property
    def witness_location(self) -> Location | None:
        """Where the witness is; None when none is configured."""
        return Location.parse(self.witness) if self.witness else None

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the names of all settings."""
        return tuple(_DEFAULTS)

    @classmethod
    def parse(cls, given: Mapping[str, str], file: str) -> Self:
        """Read settings with their defaults; raises `InvalidInput` for a name that is none."""
        problems = [
            Problem(Place(file), f"schiff:{name}", "is no setting of a stack", f"known: {', '.join(_DEFAULTS)}")
            for name in sorted(given.keys() - _DEFAULTS.keys())
        ]
        settings = {**_DEFAULTS, **{name: value for name, value in given.items() if name in _DEFAULTS}}
        for name, choices in _CHOICES.items():
            if settings[name] not in choices:
                cure = f"write {' or '.join(choices)}"
                problems.append(Problem(Place(file), f"schiff:{name}", f"{settings[name]!r} is no {name}", cure))
        if (settings["delivery"], settings["review"]) == ("direct", "proposal"):
            message = "direct delivery waits for no merge, so half of it would only be proposed"
            problems.append(Problem(Place(file), "schiff:review", message, "write branch"))
        problems += _credentials(settings, file)
        problems += _witness(settings, file)
        if problems:
            raise InvalidInput(problems)
        return cls(**settings)


def _credentials(settings: Mapping[str, str], file: str) -> Iterator[Problem]:
    """Name each URL with a password in it: it would end in state, in the cache and on screens."""
    for name in ("ledger", "definitions", "components"):
        try:
            without_password(settings[name])
        except InvalidValue as error:
            yield Problem(Place(file), f"schiff:{name}", str(error), rule="credentials-in-url")


def _witness(settings: Mapping[str, str], file: str) -> Iterator[Problem]:
    """Name a witness that is no place in S3."""
    try:
        if settings["witness"]:
            Location.parse(settings["witness"])
    except InvalidValue as error:
        yield Problem(Place(file), "schiff:witness", str(error))

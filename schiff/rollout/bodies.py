"""What the entries of a ledger say, by kind.

Only kinds that change an assignment have a form here; the body of any other
kind is evidence, read by whoever judges it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import Field, ValidationError, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Spec
from schiff.model.tenant_cluster import Removal
from schiff.values.digests import HEAD, Digest
from schiff.values.names import ClusterKey, Name
from schiff.values.versions import KubernetesVersion

Kind = Literal[
    "genesis", "observe", "promote", "move", "remove", "ack", "approve", "halt", "resume", "revoke", "note"
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
REMOVALS: Final[tuple[Removal, ...]] = get_args(Removal)


class Pin(Spec):
    """The release and the Kubernetes version that a cluster was moved to."""

    release: Digest
    kubernetes: KubernetesVersion


class FirstPin(Spec):
    """What a cluster ran when the ledger began; `head` stands for a follower of the working copy."""

    release: Digest | Literal["head"]
    kubernetes: KubernetesVersion
    removal: Removal | None = None

    @property
    def follows_head(self) -> bool:
        """Whether nothing is pinned."""
        return self.release == HEAD


class GenesisBody(Spec):
    """The state that a ledger starts from: the newest release, taken as completed without evidence."""

    release: Digest
    clusters: Mapping[ClusterKey, FirstPin]
    management_clusters: Mapping[Name, Pin]
    grandfathered: Literal[True] = True


class MoveBody(Spec):
    """A batch of clusters that run another release or Kubernetes version from now on."""

    clusters: Mapping[ClusterKey, Pin] = {}
    management_clusters: Mapping[Name, Pin] = {}

    @model_validator(mode="after")
    def _moves_something(self) -> Self:
        if not self.clusters and not self.management_clusters:
            raise InvalidValue("a move names no cluster")
        return self


class RemoveBody(Spec):
    """One step of a cluster that leaves; from `b` on it cites the observation of the step before."""

    cluster: ClusterKey
    state: Removal
    observation: Digest | None = None

    @model_validator(mode="after")
    def _later_steps_were_observed(self) -> Self:
        if self.state != REMOVALS[0] and self.observation is None:
            raise InvalidValue(f"state {self.state} cites no observation of the state before")
        return self


class NoteBody(Spec):
    """A sentence for people."""

    text: Annotated[str, Field(min_length=1)]


Body = GenesisBody | MoveBody | RemoveBody | NoteBody

_FORMS: Final[Mapping[str, type[Body]]] = {
    "genesis": GenesisBody,
    "move": MoveBody,
    "remove": RemoveBody,
    "note": NoteBody,
}


def parse_body(kind: Kind, data: Mapping[str, Any]) -> Body | None:
    """Return the typed body, or None for a kind without a form; raises `InvalidValue`."""
    form = _FORMS.get(kind)
    if form is None:
        return None
    try:
        return form.model_validate(data)
    except ValidationError as error:
        raise InvalidValue(_sentence(kind, error)) from None


def _sentence(kind: Kind, error: ValidationError) -> str:
    """Return the first thing that is wrong; what a value itself says of its form comes before pydantic's words."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = next((item for item in found if item["type"] == "value_error"), found[0])
    path = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
    return f"{path or kind}: {first['msg'].removeprefix('Value error, ')}"

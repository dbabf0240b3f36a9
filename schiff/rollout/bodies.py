"""What the entries of a ledger say, by kind.

What is long is not in an entry but cited by its digest: the plan of a
promotion, the report of an observation. Both lie beside the entries, so a chain
can be judged without the fleet it was written from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, Field, ValidationError, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import Items, Spec
from schiff.model.tenant_cluster import Removal
from schiff.rollout.moments import parse_moment
from schiff.values.digests import HEAD, Digest
from schiff.values.names import ClusterKey, Environment, Name
from schiff.values.versions import KubernetesVersion

Kind = Literal[
    "genesis", "observe", "promote", "move", "remove", "ack", "approve", "halt", "resume", "revoke", "note"
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
REMOVALS: Final[tuple[Removal, ...]] = get_args(Removal)

Verb = Literal[
    "promote", "resume", "policy", "orders", "skip", "review", "freeze", "fast-forward", "rollback-unverified"
]  # fmt: skip
"""What a person may approve."""

Reason = Literal["wave", "hop", "sweep", "rollback", "fast-forward"]
"""Why clusters are moved: in a wave, to the next Kubernetes minor, as a late joiner, back, or to catch up."""

Change = Literal["held", "released", "gone", "joined"]
"""What happened to a cluster of a running rollout that no entry of the rollout itself says."""


def _moment(text: str) -> str:
    parse_moment(text)
    return text


Moment = Annotated[str, AfterValidator(_moment)]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]


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


class Mark(Spec):
    """An entry of a chain that the body itself makes plain."""

    seq: Count
    digest: Digest


class Closed(Spec):
    """A chain that did not hold, and what was taken from before it: numbers go on where memories of it end.

    `seq` and `digest` are the newest entry that anybody remembers, `commit` is
    the branch as it was found, `definitions` the delivered commit whose releases
    clusters return to. `standing` is the last promotion of the next environment
    that cites the closed chain and stays as it was judged then.
    """

    seq: Count
    digest: Digest
    commit: Text
    definitions: Text
    reason: Text
    standing: Mark | None = None


class Agreement(Spec):
    """The signature of one person over a whole beginning; nothing could hold it before."""

    expires: Moment
    principal: Text
    signature: Text


class RanHotfix(Spec):
    """A hotfix that was promoted in a closed chain without the usual soak: when, and whose own change it is."""

    name: Text
    at: Moment
    authors: Items[str] = ()


class GenesisBody(Spec):
    """The state that a ledger starts from: the newest release, taken as completed without evidence.

    One that closes another chain says so, with the people who agreed to it, what
    may go nowhere from its beginning on, and which hotfixes ran before: no later
    release takes them away.
    """

    release: Digest
    clusters: Mapping[ClusterKey, FirstPin]
    management_clusters: Mapping[Name, Pin]
    grandfathered: Literal[True] = True
    closes: Closed | None = None
    revoked: Mapping[Digest, Text] = {}
    expedited: Mapping[Digest, RanHotfix] = {}
    agreed: Items[Agreement] = ()

    @model_validator(mode="after")
    def _closes_what_it_revokes(self) -> Self:
        if self.closes is None and (self.revoked or self.expedited or self.agreed):
            raise InvalidValue("only a beginning that closes another chain is agreed to, and revokes")
        return self


class ObserveBody(Spec):
    """How the clusters of a rollout were at one moment; `report` says it of each, `members` names who was counted.

    `plane` is the digest of what the management clusters run: another one begins the soak anew.
    """

    release: Digest
    members: Digest
    total: Count
    healthy: Count
    progressing: Count
    unhealthy: Count
    unknown: Count
    held: Count = 0
    report: Digest
    plane: Digest

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.healthy + self.progressing + self.unhealthy + self.unknown != self.total:
            raise InvalidValue("the counts of an observation do not add up to its total")
        return self


class Cited(Spec):
    """The head of another environment's chain, as a promotion saw it."""

    env: Environment
    seq: Annotated[int, Field(ge=0)]
    digest: Digest


class PromoteBody(Spec):
    """A release enters an environment: by which plan, on whose evidence, and who agreed.

    `first_in` names what this environment has and the one before has not shown.
    """

    release: Digest
    name: Annotated[str, Field(min_length=1)]
    plan: Digest
    policy: Digest
    source: Cited | None = None
    approvals: Items[Count] = ()
    authors: Items[str] = ()
    first_in: Items[str] = ()
    expedited: bool = False


class MoveBody(Spec):
    """A batch of clusters that run another release or Kubernetes version from now on.

    The first hop of a fast-forward says the whole `path` of its cluster, which
    is what somebody approved; later hops follow it.
    """

    clusters: Mapping[ClusterKey, Pin] = {}
    management_clusters: Mapping[Name, Pin] = {}
    why: Reason = "wave"
    wave: str | None = None
    approvals: Items[Count] = ()
    path: Items[Pin] = ()

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


class AckBody(Spec):
    """A person vouches for a cluster that failed: it counts again once it is seen healthy, or gone for good.

    A management cluster is named by its name alone.
    """

    cluster: ClusterKey | Name
    release: Digest
    text: Text


class ApproveBody(Spec):
    """A person agreed to one thing, once, until a moment: an SSH signature over exactly that."""

    verb: Verb
    subject: Digest
    expires: Moment
    principal: Text
    signature: Text


class HaltBody(Spec):
    """Nothing of this release starts any more, until resume, revoke or rollback."""

    release: Digest
    reason: Text


class ResumeBody(Spec):
    """A halted release may go on."""

    release: Digest
    reason: Text
    approvals: Items[Count] = ()


class RevokeBody(Spec):
    """A release is taken back here and goes nowhere else; its clusters return to `target`."""

    release: Digest
    reason: Text
    target: Digest
    verdict: Literal["full", "partial"]


class NoteBody(Spec):
    """A sentence for people, and what changed in a running rollout's population.

    `pins` is what new clusters started on, so that the completion of another
    release moves nobody.
    """

    text: Text
    changes: Mapping[ClusterKey, Change] = {}
    pins: Mapping[ClusterKey, Pin] = {}


Body = (
    GenesisBody
    | ObserveBody
    | PromoteBody
    | MoveBody
    | RemoveBody
    | AckBody
    | ApproveBody
    | HaltBody
    | ResumeBody
    | RevokeBody
    | NoteBody
)

_FORMS: Final[Mapping[Kind, type[Body]]] = {
    "genesis": GenesisBody,
    "observe": ObserveBody,
    "promote": PromoteBody,
    "move": MoveBody,
    "remove": RemoveBody,
    "ack": AckBody,
    "approve": ApproveBody,
    "halt": HaltBody,
    "resume": ResumeBody,
    "revoke": RevokeBody,
    "note": NoteBody,
}


def parse_body(kind: Kind, data: Mapping[str, Any]) -> Body:
    """Return the typed body; raises `InvalidValue`."""
    try:
        return _FORMS[kind].model_validate(data)
    except ValidationError as error:
        raise InvalidValue(_sentence(kind, error)) from None


def _sentence(kind: Kind, error: ValidationError) -> str:
    """Return the first thing that is wrong; what a value itself says of its form comes before pydantic's words."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = next((item for item in found if item["type"] == "value_error"), found[0])
    path = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
    return f"{path or kind}: {first['msg'].removeprefix('Value error, ')}"

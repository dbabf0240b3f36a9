"""What a rollout goes by, frozen when it starts: policy, members with what matters for waves, and the waves.

`promote` cites a plan by its digest, so a chain can be judged without the
fleet, and a policy or a fleet that changes later changes nothing that runs. A
plan has one spelling: canonical JSON and a line's end. Members are plain
values, not specs: a plan of five thousand is read at every step.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache, partial
from typing import Any, Final, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from schiff.errors import InvalidValue
from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment
from schiff.model.windows import WindowSpec
from schiff.values.digests import HEAD, Digest, canonical, digest_of_bytes
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment
from schiff.values.versions import KubernetesVersion

PLAN_VERSION: Final = 1
_FIELDS: Final = ("environment", "held", "managementClusters", "members", "policy", "release", "v", "waves")
_MEMBER: Final = frozenset({
    "customer", "hops", "machines", "managementCluster", "provider", "start", "variant", "windows", "zone",
})  # fmt: skip
_MEMBER_IN_GROUP: Final = _MEMBER | {"redundancyGroup"}
_MANAGEMENT_MEMBER: Final = frozenset({"hops", "machines", "name", "start"})
_PIN: Final = frozenset({"kubernetes", "release"})
_WAVE: Final = frozenset({"clusters", "name"})

T = TypeVar("T")

_DIGEST: Final[TypeAdapter[str]] = TypeAdapter(Digest)


@dataclass(frozen=True, slots=True)
class Member:
    """A tenant cluster that the rollout moves.

    `start` is what it runs before, and what a rollback returns it to. `hops` are
    the Kubernetes versions it is moved to in turn; the last is the target, and
    there is always one. `windows` are those that apply to it, wherever they were
    written; none means that it may start at any time.
    """

    key: ClusterKey
    customer: str
    management_cluster: str
    provider: str
    zone: str
    variant: str
    redundancy_group: str | None
    machines: int
    start: Assignment
    hops: tuple[KubernetesVersion, ...]
    windows: tuple[WindowSpec, ...] = ()

    @property
    def site(self) -> str:
        """Where it stands."""
        return self.key.site

    def as_document(self) -> dict[str, Any]:
        """Return it as the plan spells it; the key is the name it stands under."""
        group = {} if self.redundancy_group is None else {"redundancyGroup": self.redundancy_group}
        return {
            "customer": self.customer,
            "hops": [str(version) for version in self.hops],
            "machines": self.machines,
            "managementCluster": self.management_cluster,
            "provider": self.provider,
            "start": _pin_document(self.start),
            "variant": self.variant,
            "windows": [str(window) for window in self.windows],
            "zone": self.zone,
            **group,
        }


@dataclass(frozen=True, slots=True)
class ManagementMember:
    """A management cluster that moves before the tenants it serves."""

    name: str
    machines: int
    start: Assignment
    hops: tuple[KubernetesVersion, ...]

    def as_document(self) -> dict[str, Any]:
        """Return it as the plan spells it."""
        hops = [str(version) for version in self.hops]
        return {"hops": hops, "machines": self.machines, "name": self.name, "start": _pin_document(self.start)}


@dataclass(frozen=True, slots=True)
class Wave:
    """Clusters that move before those of the next wave, in the order in which they start."""

    name: str
    clusters: tuple[ClusterKey, ...]

    def as_document(self) -> dict[str, Any]:
        """Return it as the plan spells it."""
        return {"clusters": [str(key) for key in self.clusters], "name": self.name}


@dataclass(frozen=True)
class Plan:
    """How one release goes through one environment; management clusters stand in the order in which they move.

    `held` are the clusters that customers hold back, with what they run: they
    are in no wave and in no count, and stay exactly there.
    """

    environment: Environment
    release: str
    policy: PolicySpec
    members: Mapping[ClusterKey, Member]
    management_clusters: Mapping[str, ManagementMember]
    waves: tuple[Wave, ...]
    held: Mapping[ClusterKey, Assignment] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: bytes) -> Plan:
        """Read a plan; raises `InvalidValue`, also for another spelling of the same data."""
        fields = _read(content)
        members = {key: _member(key, data) for key, data in _keyed("members", fields["members"]).items()}
        managed = [_management_member(data) for data in _list("managementClusters", fields["managementClusters"])]
        policy, policy_digest = _policy(_canonical(fields["policy"]))
        plan = cls(
            environment=known_environment(fields["environment"]),
            release=_release(_text("release", fields["release"])),
            policy=policy,
            members=members,
            management_clusters={member.name: member for member in managed},
            waves=tuple(_wave(data) for data in _list("waves", fields["waves"])),
            held={key: _pin(data) for key, data in _keyed("held", fields["held"]).items()},
        )
        if len(plan.management_clusters) != len(managed):
            raise InvalidValue("managementClusters names one twice")
        plan.require_partition()
        plan.__dict__["policy_digest"] = policy_digest
        return plan

    @cached_property
    def digest(self) -> str:
        """The digest of its bytes: what `promote` cites."""
        return digest_of_bytes(self.to_bytes())

    @cached_property
    def policy_digest(self) -> str:
        """The digest of its policy, which `promote` cites too."""
        return self.policy.digest

    def to_bytes(self) -> bytes:
        """Return its one spelling."""
        data = {
            "environment": self.environment,
            "held": {str(key): _pin_document(pin) for key, pin in self.held.items()},
            "managementClusters": [member.as_document() for member in self.management_clusters.values()],
            "members": {str(key): member.as_document() for key, member in self.members.items()},
            "policy": self.policy.complete_document(),
            "release": self.release,
            "v": PLAN_VERSION,
            "waves": [wave.as_document() for wave in self.waves],
        }
        return canonical(data) + b"\n"

    def wave_of(self, key: ClusterKey) -> int:
        """Return the number of a member's wave, from 0; raises `KeyError` for a cluster that is no member."""
        return self._wave_numbers[key]

    @cached_property
    def _wave_numbers(self) -> Mapping[ClusterKey, int]:
        return {key: number for number, wave in enumerate(self.waves) for key in wave.clusters}

    @cached_property
    def places(self) -> Mapping[ClusterKey, int]:
        """Where each member stands in the line of all waves."""
        return {key: place for place, key in enumerate(key for wave in self.waves for key in wave.clusters)}

    @cached_property
    def sizes(self) -> Mapping[str, Mapping[str, int]]:
        """How many members each site, customer and management cluster has."""
        members = self.members.values()
        return {
            "site": Counter(member.site for member in members),
            "customer": Counter(member.customer for member in members),
            "managementCluster": Counter(member.management_cluster for member in members),
        }

    def require_partition(self) -> None:
        """Raise `InvalidValue` unless every member is in exactly one wave, and nobody else in any."""
        named = [key for wave in self.waves for key in wave.clusters]
        if len({wave.name for wave in self.waves}) != len(self.waves):
            raise InvalidValue("two waves have one name")
        if not all(wave.clusters for wave in self.waves):
            raise InvalidValue("a wave is empty")
        if twice := [key for key, times in Counter(named).items() if times > 1]:
            raise InvalidValue(f"waves name {min(twice)} twice")
        if strangers := set(named) - self.members.keys():
            raise InvalidValue(f"waves name {min(strangers)}, which is no member")
        if missing := self.members.keys() - set(named):
            raise InvalidValue(f"no wave names {min(missing)}")
        if both := self.held.keys() & self.members.keys():
            raise InvalidValue(f"{min(both)} is held, and a member as well")


def known_environment(data: Any) -> Environment:
    """Return the environment of that name; raises `InvalidValue`."""
    for environment in ENVIRONMENTS:
        if environment == data:
            return environment
    raise InvalidValue(f"environment is {data!r} (expected one of {', '.join(ENVIRONMENTS)})")


def _read(content: bytes) -> dict[str, Any]:
    """Return the fields of content that is spelled as a plan is; a fraction or a repeated key never is."""
    try:
        fields = json.loads(content.decode(), parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidValue("it is not JSON of texts, integers, booleans, lists and maps") from None
    if not isinstance(fields, dict) or sorted(fields) != list(_FIELDS):
        raise InvalidValue(f"its fields are not {', '.join(_FIELDS)}")
    if type(fields["v"]) is not int or fields["v"] != PLAN_VERSION:
        raise InvalidValue(f"its form is not {PLAN_VERSION}, the only one this program knows")
    if _canonical(fields) + b"\n" != content:
        raise InvalidValue("it is not spelled as a plan is written (key order, white space, repeated keys)")
    return fields


def _canonical(data: Any) -> bytes:
    """Return the canonical form of what JSON gave, fractions refused: nothing but plain data needs no look for more."""
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


@lru_cache(maxsize=64)
def _policy(content: bytes) -> tuple[PolicySpec, str]:
    """Return a policy and its digest; most plans of a ledger have that of the plan before."""
    data = json.loads(content)
    policy = _valid("policy", partial(PolicySpec.model_validate, by_name=False, by_alias=True), data)
    if policy.complete_document() != data:
        raise InvalidValue("policy is not spelled as a plan writes it: complete, with its defaults")
    return policy, digest_of_bytes(content)


def _valid(field: str, validate: Callable[[Any], T], data: Any) -> T:
    """Return what pydantic makes of it; the first thing that is wrong becomes an `InvalidValue`."""
    try:
        return validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(map(str, (field, *first["loc"])))
        raise InvalidValue(f"{path}: {first['msg'].removeprefix('Value error, ')}") from None


def _member(key: ClusterKey, data: Any) -> Member:
    if not isinstance(data, dict) or data.keys() not in (_MEMBER, _MEMBER_IN_GROUP):
        raise InvalidValue(f"the fields of member {key} are not {', '.join(sorted(_MEMBER))} (and redundancyGroup)")
    return Member(
        key=key,
        customer=_text("customer", data["customer"]),
        management_cluster=_text("managementCluster", data["managementCluster"]),
        provider=_text("provider", data["provider"]),
        zone=_text("zone", data["zone"]),
        variant=_text("variant", data["variant"]),
        redundancy_group=_text("redundancyGroup", data["redundancyGroup"]) if "redundancyGroup" in data else None,
        machines=_number("machines", data["machines"]),
        start=_pin(data["start"]),
        hops=_hops(data["hops"]),
        windows=tuple(_window(_text("windows", text)) for text in _list("windows", data["windows"])),
    )


def _management_member(data: Any) -> ManagementMember:
    if not isinstance(data, dict) or data.keys() != _MANAGEMENT_MEMBER:
        raise InvalidValue(f"the fields of a management cluster are not {', '.join(sorted(_MANAGEMENT_MEMBER))}")
    name, machines = _text("name", data["name"]), _number("machines", data["machines"])
    return ManagementMember(name, machines, _pin(data["start"]), _hops(data["hops"]))


def _wave(data: Any) -> Wave:
    if not isinstance(data, dict) or data.keys() != _WAVE:
        raise InvalidValue(f"the fields of a wave are not {', '.join(sorted(_WAVE))}")
    clusters = (ClusterKey.parse(_text("clusters", text)) for text in _list("clusters", data["clusters"]))
    return Wave(_text("name", data["name"]), tuple(clusters))


def _keyed(field_name: str, data: Any) -> dict[ClusterKey, Any]:
    if not isinstance(data, dict):
        raise InvalidValue(f"{field_name} is not a map")
    return {ClusterKey.parse(text): member for text, member in data.items()}


def _pin(data: Any) -> Assignment:
    if not isinstance(data, dict) or data.keys() != _PIN:
        raise InvalidValue(f"the fields of a pin are not {', '.join(sorted(_PIN))}")
    return _assignment(_text("release", data["release"]), _text("kubernetes", data["kubernetes"]))


def _pin_document(pin: Assignment) -> dict[str, str]:
    return {"kubernetes": str(pin.kubernetes), "release": pin.release}


def _hops(data: Any) -> tuple[KubernetesVersion, ...]:
    hops = tuple(KubernetesVersion.parse(_text("hops", text)) for text in _list("hops", data))
    if not hops:
        raise InvalidValue("hops is empty: a member is moved to one version at least")
    return hops


@cache
def _release(text: str, *others: str) -> str:
    return text if text in others else _valid("release", _DIGEST.validate_python, text)


@cache
def _window(text: str) -> WindowSpec:
    window = _valid("windows", WindowSpec.parse, text)
    if str(window) != text:
        raise InvalidValue(f"windows: {text!r} is spelled {window}")
    return window


@lru_cache(maxsize=4096)
def _assignment(release: str, kubernetes: str) -> Assignment:
    return Assignment(_release(release, HEAD), KubernetesVersion.parse(kubernetes))


def _list(field: str, data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise InvalidValue(f"{field} is not a list")
    return data


def _text(field: str, data: Any) -> str:
    if not isinstance(data, str) or not data:
        raise InvalidValue(f"{field} is {data!r} (expected a text that is not empty)")
    return data


def _number(field: str, data: Any) -> int:
    if type(data) is not int or data < 0:
        raise InvalidValue(f"{field} is {data!r} (expected a number from 0)")
    return data


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)

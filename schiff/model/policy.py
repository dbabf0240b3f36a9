"""`policy.yaml`: what a change must show before it travels on, how fast it may travel, and when.

Whatever is not written has the value of production. Each value is parsed; what
several of them must be together is `schiff.layers.policy`'s. All numbers are
whole, so every policy has a digest: the one `promote` cites is over the complete
policy, so that a default that changes in a later version is a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from schiff.errors import InvalidValue
from schiff.model.spec import Items, Spec
from schiff.model.windows import FreezeSpec, WindowSpec
from schiff.values.digests import digest
from schiff.values.durations import Duration, PositiveDuration
from schiff.values.names import ENVIRONMENTS, Environment
from schiff.values.shares import Allowance, Clusters, Percent, Share
from schiff.values.wall_time import WeeklyMoment

CANARY: Final = "canary"
"""The first wave, of one cluster, which may not fail."""

DEFAULT_BAKE: Final = "default"
"""Under `waves.bake`: every wave that is not named."""

Witness = Literal["required", "optional"]

_FORTNIGHT: Final = Duration.parse("14d")
_BAKE: Final[Mapping[str, Duration]] = {CANARY: Duration.parse("24h"), DEFAULT_BAKE: Duration.parse("4h")}


def _wave_name(name: str) -> str:
    if name != CANARY:
        Percent.parse(name)
    return name


def _rising(order: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse an order of waves that repeats itself, goes down, or leaves clusters out."""
    expected = "(expected e.g. [canary, 5%, 25%, 100%])"
    if not order:
        raise InvalidValue(f"no wave is named, so nothing would ever move {expected}")
    if CANARY in order[1:]:
        raise InvalidValue(f"{CANARY} is not the first wave {expected}")
    shares = [Percent.parse(name) for name in order if name != CANARY]
    if any(later <= earlier for earlier, later in pairwise(shares)):
        raise InvalidValue(f"the waves do not grow {expected}")
    if order[-1] != "100%":
        raise InvalidValue(f"the last wave is {order[-1]}, so some clusters would never move {expected}")
    return order


WaveName = Annotated[str, AfterValidator(_wave_name)]
"""`canary`, or the share of all clusters that has moved when the wave is through."""


def _baked(bake: Mapping[str, Duration]) -> Mapping[str, Duration]:
    return {**_BAKE, **bake}


class CandidatesPolicy(Spec):
    """Which `tst` clusters run candidates instead of head, and for how long before `ref` may have one."""

    selector: Mapping[str, str] = {"candidate": "true"}
    soak: PositiveDuration = _FORTNIGHT


class OrdersPolicy(Spec):
    """How much one delivery of orders may touch without an approval."""

    max_clusters: Annotated[int, Field(ge=1)]
    max_machines: Annotated[int, Field(ge=1)]


class EnvironmentPolicy(Spec):
    """The rules of one stage.

    `soak`, `min_clusters` and `sites` are the evidence it must give before a
    release may leave it; `approvals`, `orders` and `windows` are about entering.
    """

    candidates: CandidatesPolicy | None = None
    soak: PositiveDuration | None = None
    min_clusters: Annotated[int, Field(ge=1)] = 1
    sites: Annotated[int, Field(ge=1)] = 1
    approvals: Annotated[int, Field(ge=0)] = 0
    orders: OrdersPolicy | None = None
    windows: Items[WindowSpec] = ()
    witness: Witness = "optional"


STAGES: Final[Mapping[Environment, EnvironmentPolicy]] = {
    "tst": EnvironmentPolicy(candidates=CandidatesPolicy()),
    "ref": EnvironmentPolicy(soak=_FORTNIGHT, min_clusters=2),
    "prd": EnvironmentPolicy(soak=_FORTNIGHT, min_clusters=3, sites=2, approvals=1),
}
"""What holds in an environment for every field that nobody writes."""


def _staged(environments: Mapping[Environment, EnvironmentPolicy]) -> Mapping[Environment, EnvironmentPolicy]:
    """Return all three environments, each with its own defaults below what was written."""
    return {name: _below(STAGES[name], environments.get(name, EnvironmentPolicy())) for name in ENVIRONMENTS}


def _below(defaults: EnvironmentPolicy, written: EnvironmentPolicy) -> EnvironmentPolicy:
    values = {name: getattr(written, name) for name in written.model_fields_set}
    return EnvironmentPolicy.model_construct(_fields_set=written.model_fields_set, **{**dict(defaults), **values})


class SoakPolicy(Spec):
    """What counts as having run well: how densely it was observed, how many clusters, how short a trouble."""

    max_gap: PositiveDuration = Duration.parse("36h")
    coverage: Share = Percent(90)
    grace: PositiveDuration = Duration.parse("4h")
    max_skew: PositiveDuration = Duration.parse("120s")


class TrainsPolicy(Spec):
    """The earliest moments at which a release is cut from head."""

    every: PositiveDuration = _FORTNIGHT
    on: WeeklyMoment = WeeklyMoment.parse("tuesday 09:00 Europe/Berlin")


class CapsPolicy(Spec):
    """How many clusters of one site, customer or management cluster may be in motion at once."""

    site: Clusters = Allowance(1)
    customer: Clusters = Allowance(percent=34)
    management_cluster: Clusters = Allowance(5)


class WavesPolicy(Spec):
    """How a release moves through an environment, and when it stops by itself."""

    order: Annotated[Items[WaveName], AfterValidator(_rising)] = (CANARY, "1%", "5%", "25%", "50%", "100%")
    bake: Annotated[Mapping[str, PositiveDuration], AfterValidator(_baked)] = _BAKE
    deadline_per_machine: PositiveDuration = Duration.parse("45m")
    max_unavailable: Clusters = Allowance(10, 2)
    max_failures: Annotated[int, Field(ge=0)] = 1
    caps: CapsPolicy = CapsPolicy()

    def bake_of(self, wave: str) -> timedelta:
        """Return how far apart two good observations of a moved cluster must be at least."""
        return self.bake.get(wave, self.bake[DEFAULT_BAKE]).delta


class HotfixFloors(Spec):
    """What a hotfix may shorten waiting to, and not further."""

    tst: PositiveDuration = Duration.parse("1h")
    ref: PositiveDuration = Duration.parse("4h")
    canary: PositiveDuration = Duration.parse("30m")


class HotfixPolicy(Spec):
    """How fast a hotfix may be; it takes time away, never a check."""

    floors: HotfixFloors = HotfixFloors()

    def floor_of(self, environment: Environment) -> timedelta:
        """Return for how long a hotfix must have run well in an environment; the last one has a canary at least."""
        floors = {"tst": self.floors.tst, "ref": self.floors.ref}
        return floors.get(environment, self.floors.canary).delta


class PolicySpec(Spec):
    """The whole policy; after reading, `environments` holds all three, each field of them filled in."""

    environments: Annotated[Mapping[Environment, EnvironmentPolicy], AfterValidator(_staged)] = STAGES
    soak: SoakPolicy = SoakPolicy()
    complete: Share = Percent(98)
    trains: TrainsPolicy = TrainsPolicy()
    waves: WavesPolicy = WavesPolicy()
    freezes: Items[FreezeSpec] = ()
    hotfix: HotfixPolicy = HotfixPolicy()

    def is_candidate(self, labels: Mapping[str, str]) -> bool:
        """Return whether a `tst` cluster with these labels runs candidates."""
        selector = self.candidates.selector
        return all(labels.get(key) == value for key, value in selector.items())

    @property
    def candidates(self) -> CandidatesPolicy:
        """The rules of candidates in the first environment."""
        return self.environments["tst"].candidates or CandidatesPolicy()

    def environment(self, name: Environment) -> EnvironmentPolicy:
        """Return the rules of one environment."""
        return self.environments[name]

    def soak_of(self, environment: Environment) -> timedelta:
        """Return for how long a release must have run well before it may leave an environment."""
        first = environment == ENVIRONMENTS[0]
        soak = self.candidates.soak if first else self.environments[environment].soak
        return (soak or _FORTNIGHT).delta

    def bake_of(self, wave: str) -> timedelta:
        """Return how far apart two good observations of a cluster of this wave must be at least."""
        return self.waves.bake_of(wave)

    def complete_document(self) -> dict[str, Any]:
        """Return everything that holds, written or not, in one spelling: reading it gives an equal policy."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def digest(self) -> str:
        """The digest of what holds."""
        return digest(self.complete_document())

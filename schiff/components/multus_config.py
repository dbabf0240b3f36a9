"""The JSON inside a NetworkAttachmentDefinition, typed: ``spec.config`` is text that nobody else would look at.

What the plugins read (macvlan, ipvlan, vlan, sriov of the CNI project, and
whereabouts): a field that is not here cannot be written, and `read` refuses a
text that is not in this form. Text is canonical, so equal settings give equal bytes.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from schiff.errors import InvalidValue
from schiff.values.digests import canonical
from schiff.values.networks import Address, Network

CNI_VERSION: Final = "0.3.1"
"""What Multus and every plugin here speak."""


class _Json(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Route(_Json):
    """What lies behind a gateway; without one, on the link."""

    dst: Network
    gw: Address | None = None


class Range(_Json):
    """One range of whereabouts: CIDR, what to leave out, and where to begin and end."""

    range: Network
    range_start: Address | None = None
    range_end: Address | None = None
    exclude: Annotated[list[Network], Field(min_length=1)] | None = None


class Whereabouts(_Json):
    """Addresses for the whole cluster: one range is written as `range`, several (two families) as `ipRanges`."""

    type: Literal["whereabouts"] = "whereabouts"
    range: Network | None = None
    range_start: Address | None = None
    range_end: Address | None = None
    exclude: Annotated[list[Network], Field(min_length=1)] | None = None
    ipRanges: Annotated[list[Range], Field(min_length=2)] | None = None  # noqa: N815  # the plugin's own spelling
    routes: Annotated[list[Route], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.range is None) == (self.ipRanges is None):
            raise InvalidValue("whereabouts needs exactly one of range and ipRanges")
        return self

    @classmethod
    def of(cls, ranges: list[Range], routes: list[Route]) -> Self:
        """Return the form that this many ranges have."""
        ways = routes or None
        if len(ranges) == 1:
            return cls(**{name: getattr(ranges[0], name) for name in Range.model_fields}, routes=ways)
        return cls(ipRanges=ranges, routes=ways)


class Nothing(_Json):
    """No address management: the empty map."""


class _Network(_Json):
    cniVersion: Literal["0.3.1"] = CNI_VERSION  # noqa: N815  # the specification's spelling
    name: str
    ipam: Whereabouts | Nothing


class Macvlan(_Network):
    """A link of its own with its own MAC address."""

    type: Literal["macvlan"]
    master: str
    mode: Literal["bridge", "private", "vepa", "passthru"] = "bridge"
    mtu: int | None = None


class Ipvlan(_Network):
    """A link that shares the master's MAC address."""

    type: Literal["ipvlan"]
    master: str
    mode: Literal["l2", "l3", "l3s"] = "l2"
    mtu: int | None = None


class Vlan(_Network):
    """A VLAN of the master, made for the pod."""

    type: Literal["vlan"]
    master: str
    vlanId: Annotated[int, Field(ge=1, le=4094)]  # noqa: N815  # the plugin's own spelling
    mtu: int | None = None


class Sriov(_Network):
    """A virtual function, which the node's device plugin gives to the pod."""

    type: Literal["sriov"]
    vlan: Annotated[int, Field(ge=0, le=4094)] = 0


Config: TypeAlias = Macvlan | Ipvlan | Vlan | Sriov

_CONFIG: TypeAdapter[Config] = TypeAdapter(Annotated[Config, Field(discriminator="type")])


def config(**fields: Any) -> Config:
    """Return a configuration of these fields; what is None is left to the plugin."""
    return _CONFIG.validate_python({name: value for name, value in fields.items() if value is not None})


def text(one: Config) -> str:
    """Return a configuration as ``spec.config`` has it."""
    return canonical(one.model_dump(mode="json", exclude_none=True)).decode()


def read(said: str) -> Config:
    """Read ``spec.config``; raises `InvalidValue` for text that a plugin would refuse or read otherwise."""
    try:
        return _CONFIG.validate_python(json.loads(said))
    except (ValidationError, json.JSONDecodeError) as error:
        raise InvalidValue(f"the configuration of a network is not readable: {error}") from error

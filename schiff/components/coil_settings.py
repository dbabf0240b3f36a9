"""What layers may set of coil: addresses that pods leave by, and where to.

Rules of one entry, in the order of the code:

1. A subnet of a pool holds at least one block, and no block is larger than Calico writes them.
2. A pool has one family, because a block has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import OneOrMore, Spec
from schiff.values.names import Name
from schiff.values.networks import Network

LARGEST_BLOCK: Final = 12
"""Calico's blocks end at 2^12 addresses."""


class EgressPoolSpec(Spec):
    """Addresses that the outside knows. `subnets` may grow at the end; none is ever edited or taken away.

    A node takes a whole block of 2^`blockSizeBits` addresses, so with 0 none is lost to a node that needs one.
    """

    subnets: Annotated[OneOrMore[Network], Field(min_length=1)]
    block_size_bits: Annotated[int, Field(ge=0, le=LARGEST_BLOCK)] = 0

    @model_validator(mode="after")
    def _each_holds_a_block(self) -> Self:
        for subnet in self.subnets:
            if subnet.prefix > self.block_prefix(subnet):
                raise InvalidValue(
                    f"{subnet} is smaller than a block of {2**self.block_size_bits} addresses (blockSizeBits"
                    f" {self.block_size_bits}): take a wider subnet or fewer bits"
                )
        if len({subnet.value.version for subnet in self.subnets}) > 1:
            raise InvalidValue("subnets of both families: write a pool for each")
        return self

    def block_prefix(self, subnet: Network) -> int:
        """Return the prefix length of a block of this subnet."""
        return subnet.value.max_prefixlen - self.block_size_bits

    @property
    def blocks(self) -> int:
        """How many blocks there are: as many nodes may run pods of an egress."""
        return sum(2 ** (self.block_prefix(subnet) - subnet.prefix) for subnet in self.subnets)


class EgressSpec(Spec):
    """A way out: pods that carry its annotation reach `destinations` by an address of `pool`.

    With `clients` only pods of these namespaces do; without a pool they leave by
    an address of the pods' network.
    """

    destinations: Annotated[OneOrMore[Network], Field(min_length=1)]
    pool: Name | None = None
    clients: OneOrMore[Name] = ()
    replicas: Annotated[int, Field(ge=1)] = 2
    session_seconds: Annotated[int, Field(ge=1, le=86400)] = 10800


class CoilSettings(Spec):
    """Ways out by name, and pools of addresses by name."""

    pools: Mapping[Name, EgressPoolSpec] = {}
    egresses: Mapping[Name, EgressSpec] = {}

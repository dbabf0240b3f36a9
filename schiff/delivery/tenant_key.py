"""The age key of one tenant cluster: it reads what is encrypted for the tenant, and stands encrypted in the fleet.

Its private half exists in clear inside this process alone. It leaves as a SOPS
document for the management cluster, which brings it into the tenant (domain
reference 11); its public half stands in the order, where `.sops.yaml` is made
from, so that everything else about the key can be computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyrage import x25519

from schiff.delivery.sops import encrypt
from schiff.manifests.flux import DECRYPTION_KEY, FLUX_NAMESPACE
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.values.names import ClusterKey


@dataclass(frozen=True, slots=True)
class TenantKey:
    """A key that was made just now; nothing prints its private half."""

    cluster: ClusterKey
    recipient: str
    _private: str = field(repr=False)

    @classmethod
    def make(cls, cluster: ClusterKey) -> TenantKey:
        """Return a new key."""
        identity = x25519.Identity.generate()
        return cls(cluster, str(identity.to_public()), str(identity))

    def document(self, readers: Sequence[str], search_path: str | None = None) -> bytes:
        """Return the Secret that Flux in the tenant decrypts with, encrypted for those who bring it there."""
        secret = Manifest(
            api_version="v1",
            kind="Secret",
            name=DECRYPTION_KEY,
            namespace=FLUX_NAMESPACE,
            body={"type": "Opaque", "stringData": {f"{self.cluster.name}.agekey": self._private}},
        )
        return encrypt(to_yaml([secret]).encode(), readers, search_path)

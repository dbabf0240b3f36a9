"""The API address by keepalived, which is part of the machines' image: one machine of the segment holds it.

The virtual router's number is recorded with the order, because it must be
unique on the segment; a machine whose API server does not answer gives up.
"""

from __future__ import annotations

from schiff.manifests.node_setup import Endpoint, MachineFile
from schiff.model.resolved import ResolvedCluster

_CONFIGURATION = """\
global_defs {{
  enable_script_security
  script_user root
}}
vrrp_script api {{
  script "/usr/bin/curl -sfk -m 3 https://127.0.0.1:6443/healthz"
  interval 5
  fall 3
  rise 3
}}
vrrp_instance VI_1 {{
  state BACKUP
  nopreempt
  interface {interface}
  virtual_router_id {router}
  priority 100
  virtual_ipaddress {{
    {address}
  }}
  track_script {{
    api
  }}
}}
"""


def by_vrrp(cluster: ResolvedCluster, interface: str) -> Endpoint:
    """Return the address held by VRRP on an interface."""
    plane = cluster.spec.control_plane
    text = _CONFIGURATION.format(interface=interface, router=plane.virtual_router_id, address=plane.endpoint)
    return Endpoint(
        files=(MachineFile("/etc/keepalived/keepalived.conf", text),),
        commands=("systemctl enable --now keepalived",),
    )

"""The API server's audit log: what is recorded, where it lies, how long it is kept.

Nothing a request or an answer says about a secret is ever recorded.
"""

from __future__ import annotations

from schiff.manifests.node_setup import MachineFile
from schiff.manifests.yaml import to_yaml
from schiff.model.tenant_cluster import AuditSpec

_POLICY_PATH = "/etc/kubernetes/audit-policy.yaml"
_LOG_FOLDER = "/var/log/kubernetes/audit"

_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/metrics"]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}, {"group": "events.k8s.io"}]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None", "userGroups": ["system:nodes"], "verbs": ["get", "list", "watch"]},
        {
            "level": "Metadata",
            "resources": [
                {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
            ],
        },
        {"level": "Request", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "Metadata"},
    ],
}

POLICY_FILE = MachineFile(_POLICY_PATH, to_yaml([_POLICY]), "0600")
"""The policy as it lies on every control plane machine."""

VOLUMES: tuple[dict[str, object], ...] = (
    {
        "name": "audit-policy",
        "hostPath": _POLICY_PATH,
        "mountPath": _POLICY_PATH,
        "readOnly": True,
        "pathType": "File",
    },
    {"name": "audit-log", "hostPath": _LOG_FOLDER, "mountPath": _LOG_FOLDER, "pathType": "DirectoryOrCreate"},
)
"""What the API server mounts to read its policy and write its log."""


def audit_args(audit: AuditSpec) -> dict[str, str]:
    """Return the API server's flags."""
    return {
        "audit-policy-file": _POLICY_PATH,
        "audit-log-path": f"{_LOG_FOLDER}/audit.log",
        "audit-log-maxage": str(audit.max_age_days),
        "audit-log-maxbackup": str(audit.max_backups),
        "audit-log-maxsize": str(audit.max_size_mib),
    }

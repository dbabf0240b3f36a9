"""The Pod Security Standards as CEL, for the family of policies that has no word for them (domain reference 19).

Each control is true for a pod that keeps it. `variables.containers` are all containers of the pod: ordinary ones,
those that run before, and those that somebody attached for a look.
"""

from __future__ import annotations

from typing import Final, NamedTuple

CONTAINERS: Final = (
    "object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])"
)


class Control(NamedTuple):
    """One control of a standard, called as everybody calls it."""

    name: str
    expression: str
    message: str


def _every(condition: str) -> str:
    return f"variables.containers.all(c, {condition})"


def _everywhere(condition: str) -> str:
    """Return that a security context keeps `condition`, the pod's and every container's; `s` is the context."""
    pod = f"[object.spec.?securityContext.orValue({{}})].all(s, {condition})"
    containers = f"[c.?securityContext.orValue({{}})].all(s, {condition})"
    return f"{pod} && {_every(containers)}"


def _texts(*values: str) -> str:
    return f"[{', '.join(repr(value) for value in values)}]"


_CAPABILITIES = _texts(
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip
_SYSCTLS = _texts(
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
)  # fmt: skip
_SELINUX = _texts("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_PROFILES = _texts("RuntimeDefault", "Localhost")
_VOLUMES = (
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
)  # fmt: skip
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_ANNOTATIONS = "object.metadata.?annotations.orValue({})"

BASELINE: Final = (
    Control(
        "disallow-capabilities",
        _every(f"c.?securityContext.?capabilities.?add.orValue([]).all(a, a in {_CAPABILITIES})"),
        "capabilities beyond the container runtime's own are not allowed",
    ),
    Control(
        "disallow-host-namespaces",
        " && ".join(f"object.spec.?{field}.orValue(false) == false" for field in ("hostNetwork", "hostPID", "hostIPC")),
        "hostNetwork, hostPID and hostIPC are not allowed",
    ),
    Control(
        "disallow-host-path",
        "object.spec.?volumes.orValue([]).all(v, !has(v.hostPath))",
        "hostPath volumes are not allowed",
    ),
    Control(
        "disallow-host-ports",
        _every("c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)"),
        "ports of the host are not allowed",
    ),
    Control(
        "disallow-host-process",
        _everywhere("s.?windowsOptions.?hostProcess.orValue(false) == false"),
        "processes of the host are not allowed",
    ),
    Control(
        "disallow-privileged-containers",
        _every("c.?securityContext.?privileged.orValue(false) == false"),
        "privileged containers are not allowed",
    ),
    Control(
        "disallow-proc-mount",
        _every("c.?securityContext.?procMount.orValue('Default') == 'Default'"),
        "/proc is mounted in the usual way only",
    ),
    Control(
        "disallow-selinux",
        _everywhere(
            f"s.?seLinuxOptions.?type.orValue('') in {_SELINUX} && s.?seLinuxOptions.?user.orValue('') == ''"
            " && s.?seLinuxOptions.?role.orValue('') == ''"
        ),
        "SELinux users, roles and types of one's own are not allowed",
    ),
    Control(
        "restrict-apparmor-profiles",
        _everywhere(f"s.?appArmorProfile.?type.orValue('RuntimeDefault') in {_PROFILES}")
        + f" && {_ANNOTATIONS}.all(k, !k.startsWith('{_APPARMOR}') || {_ANNOTATIONS}[k] in ['', 'runtime/default']"
        f" || {_ANNOTATIONS}[k].startsWith('localhost/'))",
        "AppArmor stays on",
    ),
    Control(
        "restrict-seccomp",
        _everywhere(f"s.?seccompProfile.?type.orValue('RuntimeDefault') in {_PROFILES}"),
        "seccomp stays on",
    ),
    Control(
        "restrict-sysctls",
        f"object.spec.?securityContext.?sysctls.orValue([]).all(s, s.name in {_SYSCTLS})",
        "only sysctls that are safe for other pods are allowed",
    ),
)

RESTRICTED: Final = (
    Control(
        "disallow-capabilities-strict",
        _every(
            "'ALL' in c.?securityContext.?capabilities.?drop.orValue([])"
            " && c.?securityContext.?capabilities.?add.orValue([]).all(a, a == 'NET_BIND_SERVICE')"
        ),
        "containers drop ALL capabilities, and add back NET_BIND_SERVICE at most",
    ),
    Control(
        "disallow-privilege-escalation",
        _every("c.?securityContext.?allowPrivilegeEscalation.orValue(true) == false"),
        "containers say allowPrivilegeEscalation: false",
    ),
    Control(
        "require-run-as-non-root-user",
        _everywhere("s.?runAsUser.orValue(1) != 0"),
        "nothing runs as user 0",
    ),
    Control(
        "require-run-as-nonroot",
        _every("c.?securityContext.?runAsNonRoot.orValue(object.spec.?securityContext.?runAsNonRoot.orValue(false))"),
        "the pod, or each of its containers, says runAsNonRoot: true",
    ),
    Control(
        "restrict-seccomp-strict",
        _every(
            "c.?securityContext.?seccompProfile.?type.orValue("
            f"object.spec.?securityContext.?seccompProfile.?type.orValue('Unconfined')) in {_PROFILES}"
        ),
        "the pod, or each of its containers, names a seccomp profile",
    ),
    Control(
        "restrict-volume-types",
        f"object.spec.?volumes.orValue([]).all(v, {' || '.join(f'has(v.{kind})' for kind in _VOLUMES)})",
        f"volumes are one of {', '.join(_VOLUMES)}",
    ),
)

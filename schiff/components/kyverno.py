"""Kyverno: what pods, and other objects, must not be (domain reference 19).

Rules, in the order of the code:

1. The platform's own namespaces are left alone twice: the webhook is not called for them, and no policy looks at them.
   Those of bootstrap components are there before anybody could label them, so they are named; all others carry the
   label of their owner.
2. What a policy says is kept apart from how a family of policies writes it: both write the same policies.
   `validationFailureAction`, which upstream dropped, is written by neither.
3. While Kyverno is down, a webhook that fails closed lets nothing in: that needs more than one replica, and nothing
   that machines or Flux need to come up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.kyverno_policies import Policy, cel_policy, cluster_policy
from schiff.components.kyverno_settings import Action, KyvernoSettings, PolicySpec, StandardSpec
from schiff.components.kyverno_standards import BASELINE, CONTAINERS, RESTRICTED, Control
from schiff.components.platform_namespaces import other_namespaces, platform_namespaces
from schiff.components.protocol import OrdinaryComponent, SettingProblem
from schiff.manifests.helm_values import chart_values
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster

NAMESPACE: Final = "kyverno"
_FEWEST_TO_FAIL_CLOSED: Final = 2
_STANDARDS: Final = (("baseline", BASELINE), ("restricted", RESTRICTED))


class Kyverno(OrdinaryComponent):
    """The chart, and the policies."""

    name = "kyverno"
    settings = KyvernoSettings
    requires = ("calico",)
    after = ("metallb", "vsphere-csi", "trident", "portworx", "snapshot-controller", "prometheus-operator")
    namespaces = (NAMESPACE,)
    rules: Mapping[str, str] = {
        "matches-platform": "No policy looks at a namespace of the platform: not at the CNI's, not at Flux's.",
        "blocks-bootstrap": "A webhook that fails closed has two replicas, and is asked about nothing cluster-wide.",
        "name-taken": "A policy of one's own is not called like a control of the Pod Security Standards.",
    }
    example = """\
action: Enforce            # all of it, but for what says otherwise
restricted: {action: Audit}
exempt: [ci-runners]
failurePolicy: Fail
policies:
  requests-memory:
    resources: [{kind: Pod, resource: pods}]
    require:
    - expression: object.spec.containers.all(c, has(c.resources.requests.memory))
      message: every container requests memory
"""

    def inputs(self, cluster: ResolvedCluster, settings: KyvernoSettings) -> Sequence[Manifest]:
        """Return the chart's values."""
        values = _values(cluster, settings)
        return (chart_values("kyverno", NAMESPACE, cluster.identity.labels, values),)

    def objects(self, cluster: ResolvedCluster, settings: KyvernoSettings) -> Sequence[Manifest]:
        """Return the policies in the family that the settings ask for, by name."""
        write = cluster_policy if settings.family == "ClusterPolicy" else cel_policy
        policies = sorted(_policies(settings), key=lambda policy: policy.name)
        return tuple(
            write(policy, other_namespaces(cluster, _spared(settings), policy.namespaces)) for policy in policies
        )

    def problems(self, cluster: ResolvedCluster, settings: KyvernoSettings) -> Iterator[SettingProblem]:
        """Give policies that would stop the platform, or the cluster's next start."""
        yield from _scope_problems(cluster, settings)
        if settings.failure_policy == "Fail":
            yield from _bootstrap_problems(settings)
        taken = {control.name for _, controls in _STANDARDS for control in controls}
        for name in sorted(taken & set(settings.policies)):
            message = f"{name} is a control of the Pod Security Standards"
            yield SettingProblem(("policies", name), message, "take another name", "name-taken")


# --- whom policies leave alone


def _spared(settings: KyvernoSettings) -> tuple[str, ...]:
    return (NAMESPACE, *settings.exempt)


def _values(cluster: ResolvedCluster, settings: KyvernoSettings) -> dict[str, Any]:
    """Return values of the chart: images of the cluster's registry, and a webhook that spares the platform."""
    others = ("background", "cleanup", "reports")
    webhook = {"namespaceSelector": other_namespaces(cluster, _spared(settings))}
    return {
        "global": {"image": {"registry": cluster.spec.registry}, "priorityClassName": "system-cluster-critical"},
        "config": {"webhooks": webhook},
        "features": {
            "excludeBootstrapResources": {"enabled": True},
            "forceFailurePolicyIgnore": {"enabled": settings.failure_policy == "Ignore"},
        },
        "admissionController": {"replicas": settings.replicas},
        **{f"{name}Controller": {"replicas": min(settings.replicas, 2)} for name in others},
    }


def _scope_problems(cluster: ResolvedCluster, settings: KyvernoSettings) -> Iterator[SettingProblem]:
    ours = {*platform_namespaces(cluster), *_spared(settings)}
    for name, policy in sorted(settings.policies.items()):
        for index, namespace in enumerate(policy.namespaces):
            if namespace in ours:
                message = f"{namespace} belongs to the platform or is exempt: the policy would never hold, or stop it"
                cure = "leave it out"
                yield SettingProblem(("policies", name, "namespaces", index), message, cure, "matches-platform")


# --- the policies


def _policies(settings: KyvernoSettings) -> Iterator[Policy]:
    for level, controls in _STANDARDS:
        standard: StandardSpec = getattr(settings, level)
        if standard.enabled:
            yield from _standard(level, controls, standard.action or settings.action, settings)
    for name, spec in settings.policies.items():
        yield _own(name, spec, settings)


def _standard(level: str, controls: Sequence[Control], action: Action, settings: KyvernoSettings) -> Iterator[Policy]:
    category = f"Pod Security Standards ({level.capitalize()})"
    if settings.family == "ClusterPolicy":
        yield Policy(f"schiff-podsecurity-{level}", category, action, settings.failure_policy, level=level)
        return
    for control in controls:
        requirement = (control.expression, control.message)
        yield Policy(
            control.name,
            category,
            action,
            settings.failure_policy,
            require=(requirement,),
            variables={"containers": CONTAINERS} if "variables.containers" in control.expression else {},
        )


def _own(name: str, spec: PolicySpec, settings: KyvernoSettings) -> Policy:
    return Policy(
        name,
        "Platform",
        spec.action or settings.action,
        settings.failure_policy,
        resources=spec.resources,
        require=tuple((each.expression, each.message) for each in spec.require),
        namespaces=spec.namespaces,
    )


# --- failing closed


def _bootstrap_problems(settings: KyvernoSettings) -> Iterator[SettingProblem]:
    if settings.replicas < _FEWEST_TO_FAIL_CLOSED:
        message = f"with failurePolicy Fail and {settings.replicas} replica, one lost pod stops every change"
        yield SettingProblem(("replicas",), message, "write at least 2, or failurePolicy: Ignore", "blocks-bootstrap")
    for name, policy in sorted(settings.policies.items()):
        for index, resource in enumerate(policy.resources):
            if resource.cluster_wide:
                message = f"{resource.kind} is in no namespace, so with failurePolicy Fail a cluster cannot start over"
                cure = "write failurePolicy: Ignore, or look at objects of namespaces"
                yield SettingProblem(("policies", name, "resources", index), message, cure, "blocks-bootstrap")


COMPONENT = Kyverno()

"""Grafana: what people look at (domain reference 16).

The instance and its data sources are the cluster's; the dashboards of the platform are in the versioned folder, so
that they change with a release. Nothing is kept in Grafana itself. Rules, in the order of the code:

1. Every value of its configuration is a text: the operator writes no other, and `true` means nothing to it.
2. No secret stands in it. Grafana takes the environment's by `$__env{NAME}`, which neither layers nor Flux take for a
   template.
3. Somebody can log in.
4. A data source's `uid` and everybody's `instanceSelector` never change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from schiff.components.prometheus import runs_thanos
from schiff.components.prometheus_operator import NAMESPACE
from schiff.components.prometheus_settings import Cpu, Memory, ResourcesSpec
from schiff.components.protocol import Identifier, Never, OrdinaryComponent, SettingProblem
from schiff.components.secret_documents import secret_problems
from schiff.errors import InvalidValue
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import SecretTarget
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.names import Domain, Name

_API: Final = "grafana.integreatly.org/v1beta1"
_NAME: Final = "grafana"
_LABELS: Final = {"dashboards": "schiff"}
_SELECTOR: Final = {"matchLabels": _LABELS}
_OIDC_SECRET: Final = "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET"  # noqa: S105  # a variable's name
_OIDC_KEY: Final = "clientSecret"
_SECRET_KEY: Final = re.compile(r"password|secret|token|private_key|credential", re.IGNORECASE)
_ENVIRONMENT: Final = re.compile(r"\$__env\{[A-Z0-9_]+\}")
_EXAMPLE: Final = """\
host: grafana.customer-a-1.schiff.example
ingress: {className: nginx, tlsSecret: grafana-tls}
oidc:
  clientId: grafana
  authUrl: https://login.schiff.example/authorize
  tokenUrl: https://login.schiff.example/token
  apiUrl: https://login.schiff.example/userinfo
  secret: grafana-oidc
config:
  auth: {disable_login_form: "true"}
  users: {viewers_can_edit: "false"}
"""
_WAY_OUT: Final = "the server refuses it: make another object under a new name, then remove this one"


def _text(value: object) -> object:
    if isinstance(value, (bool, int, float)):
        written = str(value).lower()
        raise InvalidValue(f'{value!r} is no text, and Grafana\'s configuration holds texts: write "{written}"')
    return value


Text = Annotated[str, BeforeValidator(_text)]
Url = Annotated[str, Field(pattern=r"^https://\S+$")]


class IngressSpec(Spec):
    """How Grafana is reached from outside; the certificate is a secret that lies in the namespace of monitoring."""

    class_name: Name
    tls_secret: Name | None = None


class OidcSpec(Spec):
    """Who knows the people; the client's secret is the key `clientSecret` of a Secret."""

    client_id: str
    auth_url: Url
    token_url: Url
    api_url: Url
    secret: Name
    scopes: str = "openid profile email groups"
    role_path: str = "'Viewer'"


class GrafanaResourcesSpec(ResourcesSpec):
    """What Grafana is sure to get."""

    cpu: Cpu = "100m"
    memory: Memory = "256Mi"
    memory_limit: Memory = "1Gi"


class GrafanaSettings(Spec):
    """Where Grafana is found, who may look, and what of its own configuration differs, section by section."""

    host: Domain | None = None
    ingress: IngressSpec | None = None
    oidc: OidcSpec | None = None
    config: Mapping[str, Mapping[str, Text]] = {}
    resources: GrafanaResourcesSpec = GrafanaResourcesSpec()


class Grafana(OrdinaryComponent):
    """One Grafana for each cluster, and the platform's dashboards in it."""

    name = _NAME
    settings = GrafanaSettings
    requires = ("calico", "grafana-operator", "prometheus")
    after = ("thanos",)
    rules: Mapping[str, str] = {
        "clear-secret": "No secret stands in the configuration.",
        "own-setting": "What the platform derives is not said twice.",
        "no-login": "Somebody can log in: by the form, or by a way that has what it needs.",
    }
    never = (
        Never("GrafanaDatasource", ("spec", "instanceSelector"), _WAY_OUT),
        Never("GrafanaDatasource", ("spec", "uid"), _WAY_OUT),
        Never("GrafanaDashboard", ("spec", "instanceSelector"), _WAY_OUT),
        Never("GrafanaFolder", ("spec", "instanceSelector"), _WAY_OUT),
        Never("GrafanaFolder", ("spec", "uid"), _WAY_OUT),
    )
    example = _EXAMPLE

    def objects(self, cluster: ResolvedCluster, settings: GrafanaSettings) -> Sequence[Manifest]:
        """Return the instance and what it reads from: all samples where Thanos runs, and those of the last days."""
        spec: dict[str, Any] = {**_image(cluster), "config": _config(cluster, settings), **_pod(settings)}
        if settings.ingress is not None:
            spec["ingress"] = _ingress(settings.ingress, _host(cluster, settings))
        instance = Manifest(_API, "Grafana", _NAME, NAMESPACE, labels=_LABELS, body={"spec": spec})
        local = _source("prometheus", "Prometheus", "prometheus", default=not runs_thanos(cluster))
        if not runs_thanos(cluster):
            return (instance, local)
        return (instance, local, _source("thanos", "Thanos", "thanos-query-frontend", default=True))

    def identifiers(self, cluster: ResolvedCluster, settings: GrafanaSettings) -> Iterator[Identifier]:
        """Give its name in DNS, where the world can ask for it."""
        if settings.ingress is not None:
            yield Identifier("dns", "name", "", _host(cluster, settings))

    def problems(self, cluster: ResolvedCluster, settings: GrafanaSettings) -> Iterator[SettingProblem]:
        """Give values that are secret, or replaced on their way, and a Grafana that nobody can enter."""
        for section, values in sorted(settings.config.items()):
            for key, value in sorted(values.items()):
                yield from _value_problems(section, key, value)
        form = settings.config.get("auth", {}).get("disable_login_form") == "true"
        others = [name for name, values in settings.config.items() if name != "auth" and _lets_in(name, values)]
        if form and settings.oidc is None and not others:
            message = "nobody can log in: the form is off, and there is no other way"
            yield SettingProblem(("config", "auth", "disable_login_form"), message, "write oidc too", "no-login")
        if settings.oidc is not None:
            target = SecretTarget(settings.oidc.secret, NAMESPACE)
            yield from secret_problems(cluster, target, (_OIDC_KEY,), ("oidc", "secret"), "no-login")


def _lets_in(section: str, values: Mapping[str, str]) -> bool:
    return section.startswith("auth.") and values.get("enabled") == "true"


def _value_problems(section: str, key: str, value: str) -> Iterator[SettingProblem]:
    path = ("config", section, key)
    if _SECRET_KEY.search(key) and not _ENVIRONMENT.fullmatch(value):
        cure = "name a Secret, by oidc, or the environment's: $__env{NAME}"
        yield SettingProblem(path, f"{key} would stand here for everybody to read", cure, "clear-secret")
    if (section, key) == ("server", "root_url"):
        yield SettingProblem(path, "follows from the host", "write host", "own-setting")


# --- the instance


def _host(cluster: ResolvedCluster, settings: GrafanaSettings) -> str:
    return settings.host or f"grafana.{cluster.identity.fqdn}"


def _image(cluster: ResolvedCluster) -> dict[str, str]:
    pinned = cluster.layers.release.components.get(_NAME)
    if pinned is None:
        return {}
    tag = "{}.{}.{}".format(*pinned.version.triple)
    return {"version": f"{cluster.spec.registry}/grafana/grafana:{tag}"}


def _config(cluster: ResolvedCluster, settings: GrafanaSettings) -> dict[str, dict[str, str]]:
    """Return the configuration: what the platform derives, and over it what is said; sections in order."""
    config: dict[str, dict[str, str]] = {
        "analytics": {"reporting_enabled": "false", "check_for_updates": "false", "check_for_plugin_updates": "false"},
        "server": {"root_url": f"https://{_host(cluster, settings)}"},
        "users": {"default_theme": "system"},
    }
    if settings.ingress is not None:
        config["security"] = {"cookie_secure": "true"}
    if settings.oidc is not None:
        config["auth.generic_oauth"] = _oidc(settings.oidc)
    for section, values in settings.config.items():
        config[section] = {**config.get(section, {}), **values}
    return {section: dict(sorted(values.items())) for section, values in sorted(config.items())}


def _oidc(oidc: OidcSpec) -> dict[str, str]:
    return {
        "enabled": "true",
        "name": "OIDC",
        "client_id": oidc.client_id,
        "scopes": oidc.scopes,
        "auth_url": oidc.auth_url,
        "token_url": oidc.token_url,
        "api_url": oidc.api_url,
        "role_attribute_path": oidc.role_path,
        "use_pkce": "true",
    }


def _pod(settings: GrafanaSettings) -> dict[str, Any]:
    """Return what the operator merges into the deployment: resources, and the client's secret as a variable."""
    container: dict[str, Any] = {"name": _NAME, "resources": settings.resources.requirements()}
    if settings.oidc is not None:
        reference = {"secretKeyRef": {"name": settings.oidc.secret, "key": _OIDC_KEY}}
        container["env"] = [{"name": _OIDC_SECRET, "valueFrom": reference}]
    return {"deployment": {"spec": {"template": {"spec": {"containers": [container]}}}}}


def _ingress(ingress: IngressSpec, host: str) -> dict[str, Any]:
    backend = {"service": {"name": "grafana-service", "port": {"number": 3000}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: dict[str, Any] = {
        "ingressClassName": ingress.class_name,
        "rules": [{"host": host, "http": {"paths": [path]}}],
    }
    if ingress.tls_secret is not None:
        spec["tls"] = [{"hosts": [host], "secretName": ingress.tls_secret}]
    return {"spec": spec}


def _source(uid: str, title: str, service: str, *, default: bool) -> Manifest:
    datasource = {
        "name": title,
        "type": "prometheus",
        "access": "proxy",
        "url": f"http://{service}.{NAMESPACE}.svc:9090",
        "isDefault": default,
        "jsonData": {"timeInterval": "30s", "httpMethod": "POST"},
    }
    body = {"spec": {"instanceSelector": _SELECTOR, "uid": uid, "datasource": datasource}}
    return Manifest(_API, "GrafanaDatasource", uid, NAMESPACE, body=body)


COMPONENT = Grafana()

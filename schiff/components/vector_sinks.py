"""Destinations as Vector's sinks; credentials are variables of the pod, filled from Secrets.

Three readers stand between a text and Vector: Helm renders the configuration as a template, Vector's own reader fills
in `$NAME`, and only then a template such as `{{ field }}` is one. `literal` brings a text through the first two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from schiff.components.vector_settings import (
    DestinationSpec,
    ElasticsearchSpec,
    KafkaSpec,
    LokiSpec,
    S3Spec,
    SocketSpec,
    SplunkSpec,
    Way,
)
from schiff.model.resolved import ResolvedCluster

_USER: Final = {"username": "USERNAME", "password": "PASSWORD"}
CREDENTIALS: Final[Mapping[str, Mapping[str, str]]] = {
    "kafka": _USER,
    "elasticsearch": _USER,
    "loki": _USER,
    "s3": {"accessKey": "ACCESS_KEY", "secretKey": "SECRET_KEY"},
    "splunk": {"token": "TOKEN"},
    "socket": {},
}
"""Keys of a destination's Secret by its kind, and how their variables end."""

_TEMPLATE: Final = re.compile(r"\{\{[^{}`]*\}\}|\{\{")
_JSON: Final = {"codec": "json"}
_TYPES: Final = {"s3": "aws_s3", "splunk": "splunk_hec_logs"}


def literal(value: Any) -> Any:
    """Return a configuration whose texts reach Vector as they are: neither Helm nor Vector's reader fills them in."""
    if isinstance(value, str):
        return helm_literal(value.replace("$", "$$"))
    if isinstance(value, Mapping):
        return {key: literal(item) for key, item in value.items()}
    return [literal(item) for item in value] if isinstance(value, (list, tuple)) else value


def helm_literal(text: str) -> str:
    """Return a text whose braces Helm prints instead of running them."""
    return _TEMPLATE.sub(lambda found: "{{ `" + found[0] + "` }}", text)


def variable(name: str, suffix: str) -> str:
    """Return the variable of one key of a destination's Secret."""
    return f"{name.replace('-', '_').upper()}_{suffix}"


def environment(destinations: Mapping[str, DestinationSpec]) -> list[dict[str, Any]]:
    """Return the pod's variables: references to Secrets, never values."""
    return [
        {
            "name": variable(name, suffix),
            "valueFrom": {"secretKeyRef": {"name": destination.secret, "key": key}},
        }
        for name, destination in sorted(destinations.items())
        if destination.secret is not None
        for key, suffix in CREDENTIALS[destination.kind].items()
    ]


def sink(name: str, destination: DestinationSpec, inputs: list[str], cluster: ResolvedCluster) -> dict[str, Any]:
    """Return a destination as Vector's sink; it tells the agents what has arrived."""
    buffer = destination.buffer
    return {
        "type": _TYPES.get(destination.kind, destination.kind),
        "inputs": inputs,
        **literal(_BODIES[type(destination.way)](destination.way, cluster)),
        **_credentials(name, destination),
        "buffer": {"type": "disk", "max_size": buffer.mebibytes * 1024**2, "when_full": buffer.when_full},
        "acknowledgements": {"enabled": True},
    }


def bucket(way: S3Spec, cluster: ResolvedCluster) -> tuple[str, str]:
    """Return bucket and prefix: a bucket of the site, below the cluster's FQDN (domain reference 3.4)."""
    return way.bucket or f"logs-{cluster.identity.site}", way.prefix or cluster.identity.fqdn


def _credentials(name: str, destination: DestinationSpec) -> dict[str, Any]:
    if destination.secret is None:
        return {}
    filled = {key: f"${{{variable(name, suffix)}}}" for key, suffix in CREDENTIALS[destination.kind].items()}
    match destination.way:
        case KafkaSpec() as kafka:
            return {"sasl": {"enabled": True, "mechanism": kafka.mechanism, **filled}}
        case S3Spec():
            return {"auth": {"access_key_id": filled["accessKey"], "secret_access_key": filled["secretKey"]}}
        case SplunkSpec():
            return {"default_token": filled["token"]}
        case SocketSpec():
            return {}
        case _:
            return {"auth": {"strategy": "basic", "user": filled["username"], "password": filled["password"]}}


# --- kinds


def _kafka(way: KafkaSpec, _: ResolvedCluster) -> dict[str, Any]:
    return {
        "bootstrap_servers": ",".join(way.servers),
        "topic": way.topic,
        "compression": "zstd",
        "encoding": _JSON,
        "tls": {"enabled": way.tls},
    }


def _elasticsearch(way: ElasticsearchSpec, _: ResolvedCluster) -> dict[str, Any]:
    return {
        "endpoints": list(way.endpoints),
        "mode": "bulk",
        "bulk": {"action": "create", "index": way.index},
        "compression": "gzip",
    }


def _loki(way: LokiSpec, _: ResolvedCluster) -> dict[str, Any]:
    body: dict[str, Any] = {"endpoint": way.endpoint, "encoding": _JSON, "labels": dict(sorted(way.labels.items()))}
    return body if way.tenant is None else {**body, "tenant_id": way.tenant}


def _s3(way: S3Spec, cluster: ResolvedCluster) -> dict[str, Any]:
    identity = cluster.identity
    name, prefix = bucket(way, cluster)
    return {
        "endpoint": way.endpoint or f"https://s3.{identity.site}.{identity.base_domain}",
        "region": way.region,
        "force_path_style": True,
        "bucket": name,
        "key_prefix": f"{prefix}/%Y/%m/%d/",
        "compression": "gzip",
        "encoding": _JSON,
        "framing": {"method": "newline_delimited"},
    }


def _splunk(way: SplunkSpec, _: ResolvedCluster) -> dict[str, Any]:
    body = {"endpoint": way.endpoint, "sourcetype": way.source_type, "compression": "gzip", "encoding": _JSON}
    return body if way.index is None else {**body, "index": way.index}


def _socket(way: SocketSpec, _: ResolvedCluster) -> dict[str, Any]:
    body: dict[str, Any] = {"address": way.address, "mode": way.mode, "encoding": {"codec": way.codec}}
    return {**body, "tls": {"enabled": way.tls}} if way.mode == "tcp" else body


_BODIES: Final[Mapping[type[Way], Callable[[Any, ResolvedCluster], dict[str, Any]]]] = {
    KafkaSpec: _kafka,
    ElasticsearchSpec: _elasticsearch,
    LokiSpec: _loki,
    S3Spec: _s3,
    SplunkSpec: _splunk,
    SocketSpec: _socket,
}

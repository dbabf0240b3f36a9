"""YAML as Kubernetes means it, read by PyYAML: the second opinion beside the server's own reader."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe reading without two types that JSON, and so Kubernetes, does not have.

    A plain ``=`` is a string (upstream schemas hold one), and a date is a string.
    """


def _text(_loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> object:
    return node.value


_Loader.add_constructor("tag:yaml.org,2002:value", _text)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str | bytes) -> Any:
    """Return the value of one document."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - it derives from a safe loader


def read_documents(text: str | bytes) -> list[Any]:
    """Return the values of all documents; an empty one is none."""
    loaded = yaml.load_all(text, Loader=_Loader)
    return [value for value in loaded if value is not None]

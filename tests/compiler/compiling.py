"""What tests of the compiler share: the parts that come with schiff, and folders read back as objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from schiff.compiler.file_tree import FileTree
from schiff.model.resolved import ResolvedCluster
from schiff.sources.plugins import load_parts
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, Documents, a_resolved_cluster, changed

PARTS = load_parts()


def ordered(order: str, values: Mapping[str, Any], documents: Documents | None = None) -> Documents:
    """Return documents in which an order has other values, by dotted path."""
    for field, value in values.items():
        documents = changed(order, field, value, documents)
    return changed(order, "zone", "intranet", documents)


def on_vsphere(values: Mapping[str, Any] | None = None) -> ResolvedCluster:
    """Return the cluster of virtual machines, ordered with other values."""
    return a_resolved_cluster("vsphere", documents=ordered(VSPHERE_ORDER, values or {}))


def on_metal3(values: Mapping[str, Any] | None = None) -> ResolvedCluster:
    """Return the cluster of servers, ordered with other values."""
    return a_resolved_cluster("metal3", documents=ordered(METAL3_ORDER, values or {}))


def as_text(tree: FileTree, *, without: str = "kustomizations/") -> str:
    """Return a whole folder as one text; the bootstrap has its own golden files."""
    parts = [(path, content) for path, content in tree.items() if not path.startswith(without)]
    return "".join(
        f"#### {path}\n{content if isinstance(content, str) else content.decode()}" for path, content in parts
    )


def objects(tree: FileTree, path: str | None = None) -> list[dict[str, Any]]:
    """Return the objects of a folder, or of one file, as a reader of YAML sees them."""
    texts = [content for name, content in tree.items() if path in {None, name} and isinstance(content, str)]
    return [each for text in texts for each in yaml.safe_load_all(text)]


def of_kind(tree: FileTree, kind: str) -> list[dict[str, Any]]:
    """Return the objects of one kind in a folder."""
    return [each for each in objects(tree) if each["kind"] == kind]


def listed(tree: FileTree) -> list[str]:
    """Return what the folder's list names."""
    [kustomization] = objects(tree, "kustomization.yaml")
    resources: list[str] = kustomization["resources"]
    return resources

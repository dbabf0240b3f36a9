"""The example fleet's versioned folders: what was vendored, and what the components make of it."""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path

import pytest
import yaml

from tests.components.offered import COMPONENTS, compiled, recorded, vendored, versions

_IMAGE = re.compile(rb"^\s*(?:- )?image: [\"']?([^\s\"':@]+(?::[0-9]+/[^\s\"':@]+)?)", re.MULTILINE)

every_version = pytest.mark.parametrize(("name", "version"), list(versions()))


@every_version
def test_every_vendored_file_is_recorded_with_its_digest_and_origin(name: str, version: str) -> None:
    found = {path: hashlib.sha256(content).hexdigest() for path, content in vendored(name, version).items()}
    assert found == {path: file.sha256 for path, file in recorded(name, version).items()}
    assert found
    for file in recorded(name, version).values():
        assert re.match(r"(copied from )?[a-z0-9.]+\.[a-z]+/.+@v|written for this fleet", file.origin), file.origin


@every_version
def test_every_vendored_file_reaches_the_versioned_folder_byte_for_byte(name: str, version: str) -> None:
    contents = {content for content in compiled(name, version).values() if isinstance(content, bytes)}
    assert contents == set(vendored(name, version).values())


@every_version
def test_every_resource_of_every_kustomization_is_there(name: str, version: str) -> None:
    files = compiled(name, version)
    for path, content in files.items():
        if not path.endswith("kustomization.yaml"):
            continue
        for resource in yaml.safe_load(content)["resources"]:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), resource))
            assert target in files or f"{target}/kustomization.yaml" in files, f"{path} lists {resource}"


@every_version
def test_every_file_belongs_to_exactly_one_kustomization(name: str, version: str) -> None:
    files = compiled(name, version)
    listed = [
        posixpath.normpath(posixpath.join(posixpath.dirname(path), resource))
        for path, content in files.items()
        if path.endswith("kustomization.yaml")
        for resource in yaml.safe_load(content)["resources"]
        if resource.endswith(".yaml")
    ]
    assert sorted(listed) == sorted(path for path in files if not path.endswith("kustomization.yaml"))


@every_version
def test_every_image_is_one_that_clusters_pull_from_their_own_registry(name: str, version: str) -> None:
    assert _images(name, version) <= set(COMPONENTS[name].images)


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_no_image_is_named_that_no_version_has(name: str) -> None:
    used = {image for other, version in versions() if other == name for image in _images(name, version)}
    assert used == set(COMPONENTS[name].images)


def _images(name: str, version: str) -> set[str]:
    return {match.decode() for content in vendored(name, version).values() for match in _IMAGE.findall(content)}


@every_version
def test_namespaces_that_the_tenant_owns_are_in_no_folder(name: str, version: str) -> None:
    files = compiled(name, version)
    for namespace in COMPONENTS[name].namespaces:
        made = [path for path, content in files.items() if makes_namespace(content, namespace)]
        for path in made:
            kustomization = yaml.safe_load(files[f"{posixpath.dirname(path)}/kustomization.yaml"])
            patches = [yaml.safe_load(patch["patch"]) for patch in kustomization["patches"]]
            deleted = [patch["metadata"]["name"] for patch in patches if patch.get("$patch") == "delete"]
            assert namespace in deleted


def makes_namespace(content: str | bytes, namespace: str) -> bool:
    documents = list(yaml.load_all(content, Loader=yaml.CSafeLoader))
    return any(item and item.get("kind") == "Namespace" and item["metadata"]["name"] == namespace for item in documents)


def test_everything_vendored_stays_below_twenty_five_megabytes() -> None:
    size = sum(len(content) for name, version in versions() for content in vendored(name, version).values())
    assert size < 25_000_000


def test_every_module_a_file_came_from_is_pinned_with_its_checksum() -> None:
    pinned = Path("tools/vendor/go.sum").read_text(encoding="utf-8").splitlines()
    sums = {"@".join(line.split()[:2]) for line in pinned}
    required = Path("tools/vendor/go.mod").read_text(encoding="utf-8")
    for name, version in versions():
        for file in recorded(name, version).values():
            module = re.match(r"(\S+)@(v[0-9.]+)/", file.origin)
            if module is not None:
                assert f"{module[1]} {module[2]}" in required
                assert f"{module[1]}@{module[2]}" in sums

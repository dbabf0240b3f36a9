"""Whole compiled environments, judged as what would lie in the two delivered repositories."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from schiff.checks.documents import KubernetesObject, read_objects
from schiff.checks.immutability import home_problems, immutability_problems
from schiff.checks.objects import object_problems
from schiff.checks.schemas import SchemaSet, schema_problems
from schiff.compiler.environment import CompiledEnvironment
from schiff.compiler.file_tree import Content
from schiff.components.protocol import Never
from schiff.errors import Place, Problem
from schiff.values.names import Environment

_MANIFEST = (".yaml", ".yml")
_RULES_OF_GIT = ".sops.yaml"
_OBJECT = re.compile(rb"^apiVersion: *(?!kustomize\.config\.k8s\.io/)\S", re.MULTILINE)
"""The first line of an object, wherever it lies in its file."""

_KIND = re.compile(rb"^kind: *[\"']?(\w+)", re.MULTILINE)
_DEFINITION = b"CustomResourceDefinition"


def compiled_files(environment: CompiledEnvironment) -> dict[str, Content]:
    """Return every file an environment delivers, by ``<repository>/<path>``."""
    files: dict[str, Content] = {}
    for folder in environment.folders:
        for path, content in folder.files.items():
            files[f"cluster-{folder.repository}/{folder.path}/{path}"] = content
    for place, tree in environment.shared.items():
        files.update({f"cluster-components/{place}/{path}": content for path, content in tree.items()})
    return files


def file_problems(files: Mapping[str, Content], schemas: SchemaSet, *, whole: bool) -> Iterator[Problem]:
    """Yield everything that is wrong with files: not readable, not fitting a schema, breaking a rule.

    `whole` says that they are a delivered tree, so that what is missing is a problem too. Vendored files of nothing
    but definitions are passed through: their digests hold, no rule speaks of them, and they are most of the bytes.
    """
    objects: list[KubernetesObject] = []
    for file in sorted(files):
        if is_manifest(file) and not _defines_only(files[file]):
            text = _text(files[file])
            if text is None:
                yield Problem(Place(file), "", "is not UTF-8", "write text in UTF-8", rule="not-yaml")
                continue
            found, unreadable = read_objects(file, text)
            objects += found
            yield from unreadable
    yield from schema_problems(objects, schemas)
    yield from object_problems(objects, schemas, files, whole=whole)


def change_problems(
    before: Mapping[Environment, Mapping[str, Content]],
    after: Mapping[Environment, Mapping[str, Content]],
    never: Sequence[Never] = (),
) -> Iterator[Problem]:
    """Yield every change from delivered files to others that must not happen; both mappings are by environment."""
    was = {str(name): _texts(files) for name, files in before.items()}
    now = {str(name): _texts(files) for name, files in after.items()}
    yield from home_problems(was, now)
    for name, files in was.items():
        yield from immutability_problems(files, now.get(name, {}), never)


def is_manifest(file: str) -> bool:
    """Return whether a file holds objects: the encryption rules of a repository are YAML, but none."""
    return file.endswith(_MANIFEST) and file.rpartition("/")[2] != _RULES_OF_GIT


def object_count(contents: Iterable[Content]) -> int:
    """Return how many Kubernetes objects files hold; a kustomization.yaml is an instruction and no object."""
    texts = (content.encode() if isinstance(content, str) else content for content in contents)
    return sum(len(_OBJECT.findall(text)) for text in texts)


def _texts(files: Mapping[str, Content]) -> dict[str, str]:
    judged = {file: content for file, content in files.items() if not _defines_only(content)}
    return {file: text for file, content in judged.items() if (text := _text(content)) is not None}


def _defines_only(content: Content) -> bool:
    """Return whether a file that was taken byte for byte holds definitions of kinds, and nothing else."""
    return isinstance(content, bytes) and {match[1] for match in _KIND.finditer(content)} == {_DEFINITION}


def _text(content: Content) -> str | None:
    if isinstance(content, str):
        return content
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None

"""What a component can see of the documents people encrypt for it: that one is there, and its keys.

SOPS encrypts values and leaves keys clear, so a document that lacks one is
found before a driver looks for it in vain. A document that is not there is no
problem here: its component waits, and an operator may bring it another way.
No setting holds a secret in clear text, be it in a map of any names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import yaml

from schiff.components.protocol import SettingProblem
from schiff.manifests.sops import SecretTarget, secret_target
from schiff.model.resolved import ResolvedCluster

_DATA: Final = ("data", "stringData")
_LOOKS_SECRET: Final = re.compile(r"(?i)passw|secret|token|api_?key|private_?key|username")


def secret_problems(
    cluster: ResolvedCluster, target: SecretTarget, keys: tuple[str, ...], path: tuple[str, ...], rule: str
) -> Iterator[SettingProblem]:
    """Give what is wrong with the documents of one name: none in the right namespace, or one without a key.

    One that shows no keys at all is not judged: its values come from elsewhere.
    """
    named = {file: content for file, content in cluster.secrets.items() if secret_target(content).name == target.name}
    right = {file: content for file, content in named.items() if secret_target(content) == target}
    for file in sorted(named.keys() - right.keys()) if not right else ():
        message = f"document {file} is in namespace {secret_target(named[file]).namespace!r}, where nobody reads it"
        yield SettingProblem(path, message, f"write it for namespace {target.namespace}", rule)
    for file, content in sorted(right.items()):
        found = _keys(content)
        if missing := [key for key in keys if found and key not in found]:
            message = f"document {file} has no key {', '.join(missing)}"
            yield SettingProblem(path, message, f"it needs {', '.join(keys)}", rule)


def _keys(content: bytes) -> set[str]:
    data = yaml.safe_load(content)
    maps = [data.get(field) for field in _DATA]
    return {str(key) for found in maps if isinstance(found, Mapping) for key in found}


def clear_secret(names: Iterable[str]) -> str | None:
    """Return the first name of a free-form map under which a secret would stand in clear text, if there is one."""
    return next((name for name in sorted(names) if _LOOKS_SECRET.search(name)), None)

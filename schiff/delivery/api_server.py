"""Reading a management cluster's API server: what stands there, before anything is sent.

Reading only: what is written goes through Pulumi's Kubernetes provider, which
gets the same file and the same context. The file itself stays where it is, and
nothing of it is repeated in a message.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx2
import yaml
from lightkube.config.client_adapter import Client, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.exceptions import ConfigError, LoadResourceError

from schiff.delivery.direct_objects import ObjectKey
from schiff.errors import Failed, Refused

Kind = tuple[str, str]
"""API version and kind."""
_PAGE = "500"
_PATIENCE = 60.0
_PROGRAMS = "client.authentication.k8s.io/v1"


def kubeconfig_file(setting: str, root: Path) -> Path:
    """Return the file that a setting names: below the project's folder, or the one file of a variable."""
    text = os.environ.get(setting[1:], "") if setting.startswith("$") else setting
    if not text:
        raise Refused(f"{setting} is not set; name the kubeconfig by schiff:kubeconfig", "no-kubeconfig")
    if os.pathsep in text:
        raise Refused(f"{setting} lists several files; name one by schiff:kubeconfig", "no-kubeconfig")
    return root / Path(text).expanduser()


def read_context(path: Path, context: str) -> SingleConfig:
    """Return one context of a kubeconfig file, whatever else the file holds."""
    try:
        found = KubeConfig.from_dict(yaml.safe_load(path.read_text(encoding="utf-8")), path).get(context)
    except OSError as error:
        raise Refused(f"the kubeconfig {path} cannot be read: {error.strerror}", "no-kubeconfig") from None
    except (yaml.YAMLError, AttributeError, KeyError, LoadResourceError, TypeError, ValueError):
        raise Refused(f"{path} is not a kubeconfig; name one by schiff:kubeconfig", "no-kubeconfig") from None
    except ConfigError:
        found = None
    if found is None or found.user is None:
        raise Refused(
            f"the kubeconfig {path} has no context {context!r} with a user; add it, or correct facts.apiContext",
            "no-context",
        )
    program = found.user.exec
    if program is not None and program.apiVersion == _PROGRAMS:
        program.apiVersion = f"{_PROGRAMS}beta1"  # lightkube knows the older name only, of the same answer
    return found


class ApiServer:
    """One management cluster's API server, by one context of a kubeconfig."""

    def __init__(self, name: str, config: SingleConfig) -> None:
        self._name = name
        with self._in_sentences():
            params = ConnectionParams(timeout=httpx2.Timeout(_PATIENCE), trust_env=False)
            self._http = Client(config, params)
        self._groups: dict[str, Mapping[str, tuple[str, bool]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._http.close()

    def unknown(self, kinds: Iterable[Kind]) -> list[Kind]:
        """Return the kinds that the server does not serve."""
        return [kind for kind in sorted(set(kinds)) if kind[1] not in self._group(kind[0])]

    def objects(self, kinds: Iterable[Kind]) -> dict[ObjectKey, Mapping[str, Any]]:
        """Return every live object of some kinds, in all namespaces."""
        found: dict[ObjectKey, Mapping[str, Any]] = {}
        for api_version, kind in sorted(set(kinds)):
            plural, _ = self._group(api_version)[kind]
            for item in self._items(f"{_root(api_version)}/{plural}"):
                metadata = item["metadata"]
                group = api_version.rpartition("/")[0]
                key = ObjectKey(group, kind, metadata.get("namespace", ""), metadata["name"])
                found[key] = {"apiVersion": api_version, "kind": kind, **item}
        return found

    def _group(self, api_version: str) -> Mapping[str, tuple[str, bool]]:
        """Return plural and scope of every kind of one API version; none where the server has no such version."""
        if api_version not in self._groups:
            answer = self._get(_root(api_version), {}, missing_ok=True)
            self._groups[api_version] = {
                item["kind"]: (item["name"], item["namespaced"])
                for item in answer.get("resources", ())
                if "/" not in item["name"]
            }
        return self._groups[api_version]

    def _items(self, path: str) -> Iterator[Mapping[str, Any]]:
        start = ""
        while True:
            page = self._get(path, {"limit": _PAGE, "continue": start})
            yield from page.get("items", ())
            start = page.get("metadata", {}).get("continue", "")
            if not start:
                return

    def _get(self, path: str, query: Mapping[str, str], *, missing_ok: bool = False) -> Mapping[str, Any]:
        with self._in_sentences():
            answer = self._http.get(path, params=query)
            if missing_ok and answer.status_code == httpx2.codes.NOT_FOUND:
                return {}
            if answer.status_code != httpx2.codes.OK:
                raise Failed(
                    f"the API server of {self._name} answered {answer.status_code} to {path};"
                    " direct delivery reads every kind it sends",
                    "unreachable",
                )
            data = answer.json()
        if not isinstance(data, dict):
            raise Failed(f"the API server of {self._name} answered {path} with something else than an object")
        return data

    @contextmanager
    def _in_sentences(self) -> Iterator[None]:
        """Turn whatever keeps a server from answering into one sentence, without a word of the credentials."""
        try:
            yield
        except (httpx2.HTTPError, ConfigError, OSError, ValueError, KeyError) as error:
            kind = type(error).__name__
            raise Failed(
                f"the API server of {self._name} cannot be reached: {_said(error)} ({kind})", "unreachable"
            ) from None


def _said(error: Exception) -> str:
    """Return what a connection says of itself; other errors may quote a file that holds credentials."""
    return str(error) if isinstance(error, httpx2.HTTPError) else "its context in the kubeconfig cannot be used"


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"

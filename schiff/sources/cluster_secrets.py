"""Reading secrets from a management cluster, and nothing else there.

What the API server answers may hold a private key even when it is broken, so a
sentence about trouble is made here and never of the answer's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import httpx2
from lightkube import Client
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Secret

from schiff.errors import Failed

_TIMEOUT = httpx2.Timeout(10)
_ABSENT = 404
_AT_ONCE = 16

SecretName = tuple[str, str]
"""Namespace and name."""

Answer = Mapping[str, Any] | Failed | None
"""A secret as the server holds it, why it could not be read, or None: there is none."""


class Unreachable(Failed):
    """The API server cannot be asked at all; asking for the next secret would take as long and end the same."""


class ClusterSecrets:
    """The secrets of one cluster, by namespace and name; connections are closed when the `with` block ends."""

    def __init__(self, config: SingleConfig) -> None:
        self._context = config.context_name
        try:
            self._client = Client(config, timeout=_TIMEOUT)
        except Exception:  # noqa: BLE001  # what a reader says about somebody's credentials may quote them
            raise Unreachable(f"the credentials of context {self._context} cannot be used; renew them") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def read(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """Return a secret as the server holds it; None when there is none. Raises `Unreachable`, else `Failed`."""
        try:
            found: dict[str, Any] = self._client.get(Secret, name=name, namespace=namespace).to_dict()
        except httpx2.HTTPStatusError as error:
            status = error.response.status_code
            if status == _ABSENT:
                return None
            message = f"{self._context}: the API server answers {status} for the secret {namespace}/{name}"
            raise Failed(message) from None
        except (httpx2.HTTPError, ConfigError, OSError) as error:
            reason = type(error).__name__
            raise Unreachable(f"the API server of context {self._context} cannot be reached ({reason})") from None
        except Exception as error:  # noqa: BLE001  # whatever a decoder makes of half an answer, its text may quote it
            reason = type(error).__name__
            raise Failed(f"{self._context}: the answer for {namespace}/{name} is no secret ({reason})") from None
        return found

    def read_all(self, names: Iterable[SecretName]) -> dict[SecretName, Answer]:
        """Read many secrets at once; once the server cannot be asked, nothing more is asked of it."""
        lost: list[Unreachable] = []

        def one(asked: SecretName) -> Answer:
            if lost:
                return lost[0]
            try:
                return self.read(*asked)
            except Unreachable as error:
                lost.append(error)
                return error
            except Failed as error:
                return error

        wanted = tuple(names)
        with ThreadPoolExecutor(_AT_ONCE) as workers:
            return dict(zip(wanted, workers.map(one, wanted), strict=True))

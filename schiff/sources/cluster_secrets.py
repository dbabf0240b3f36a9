"""Reading many secrets of one management cluster, and nothing else there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from lightkube.config.kubeconfig import SingleConfig

from schiff.errors import Failed
from schiff.sources.api_connection import ApiConnection, NotReadable
from schiff.sources.status_kinds import SECRET

_SECONDS: Final = 600.0
_AT_ONCE: Final = 16
_OF_ONE_SECRET: Final = frozenset({"Forbidden", "ServerError", "AnswerBroken", "AnswerTooLarge"})
"""Trouble that the next secret may not have; after any other the server is not asked again."""

SecretName = tuple[str, str]
"""Namespace and name."""

Answer = Mapping[str, Any] | Failed | None
"""A secret as the server holds it, why it could not be read, or None: there is none."""


def read_secrets(config: SingleConfig, cluster: str, names: Iterable[SecretName]) -> dict[SecretName, Answer]:
    """Ask for each secret by its name, so that no right to list any is needed; raises `NotReadable` before asking."""
    lost: list[NotReadable] = []

    def one(asked: SecretName) -> Answer:
        if lost:
            return lost[0]
        try:
            return connection.get(SECRET, *asked)
        except NotReadable as error:
            if error.reason not in _OF_ONE_SECRET:
                lost.append(error)
            return error

    wanted = tuple(names)
    with ApiConnection(config, cluster, _SECONDS) as connection, ThreadPoolExecutor(_AT_ONCE) as workers:
        return dict(zip(wanted, workers.map(one, wanted), strict=True))

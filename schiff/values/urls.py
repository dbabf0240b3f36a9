"""Addresses that people write down and everybody may read: of Git repositories, and of who is told something."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from schiff.errors import InvalidValue

_USER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/@:]*)(:(?P<password>[^/@]*))?@")

_LOOPBACK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/@]*@)?(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?(/|$)")


def without_password(url: str) -> str:
    """Return `url`; raises `InvalidValue`, which does not repeat it, when a password or token stands in it.

    A user alone is an address (``ssh://git@host``); over HTTP it is a token as often as not.
    """
    match = _USER.match(url)
    if match and (match["password"] is not None or match["scheme"] in ("http", "https")):
        raise InvalidValue("the URL holds credentials; leave them to Git: a credential helper, or a key for SSH")
    return url


def is_loopback(url: str) -> bool:
    """Return whether a URL leads to a server that this machine alone reaches."""
    return _LOOPBACK.match(url) is not None


RepositoryUrl = Annotated[str, AfterValidator(without_password)]

_ENDPOINT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#@\s]+(/[^?#@\s]*)?")


def endpoint_url(url: str) -> str:
    """Return `url`; raises `InvalidValue`, which does not repeat it, for one that could hold a secret or is none.

    A user or a query is a token as often as not, so neither may stand in it.
    """
    if not _ENDPOINT.fullmatch(url):
        raise InvalidValue(
            "is no URL without user and query (expected e.g. https://alerts.schiff.example/hook);"
            " write one that holds credentials into a secret, and name that"
        )
    return url


EndpointUrl = Annotated[str, AfterValidator(endpoint_url)]

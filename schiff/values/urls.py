"""Addresses of Git repositories, which people write down and everybody may read."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from schiff.errors import InvalidValue

_USER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/@:]*)(:(?P<password>[^/@]*))?@")


def without_password(url: str) -> str:
    """Return `url`; raises `InvalidValue`, which does not repeat it, when a password or token stands in it.

    A user alone is an address (``ssh://git@host``); over HTTP it is a token as often as not.
    """
    match = _USER.match(url)
    if match and (match["password"] is not None or match["scheme"] in ("http", "https")):
        raise InvalidValue("the URL holds credentials; leave them to Git: a credential helper, or a key for SSH")
    return url


RepositoryUrl = Annotated[str, AfterValidator(without_password)]

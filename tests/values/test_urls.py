from __future__ import annotations

import pytest

from schiff.errors import InvalidValue
from schiff.values.urls import without_password

CANARY = "canary-token-91"


@pytest.mark.parametrize(
    "url",
    [
        f"https://bot:{CANARY}@git.example/a.git",
        f"https://{CANARY}@git.example/a.git",
        f"ssh://git:{CANARY}@git.example/a",
    ],
)
def test_credentials_in_a_url_are_refused_without_being_said(url: str) -> None:
    with pytest.raises(InvalidValue, match="leave them to Git") as caught:
        without_password(url)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["https://git.example/a.git", "ssh://git@git.example/a", "git@git.example:a.git", ".schiff/a.git", "/srv/a.git"],
)
def test_an_address_is_taken_as_it_is(url: str) -> None:
    assert without_password(url) == url

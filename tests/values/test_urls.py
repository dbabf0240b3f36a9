from __future__ import annotations

import pytest

from schiff.errors import InvalidValue
from schiff.values.urls import endpoint_url, is_loopback, without_password

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


@pytest.mark.parametrize(
    "url",
    [
        f"https://bot:{CANARY}@alerts.example/hook",
        f"https://{CANARY}@alerts.example",
        f"https://alerts.example/hook?token={CANARY}",
        f"https://alerts.example/hook#{CANARY}",
        f"alerts.example/{CANARY}",
        f"https://alerts.example/a {CANARY}",
        "",
    ],
)
def test_an_endpoint_that_could_hold_a_secret_is_refused_without_being_said(url: str) -> None:
    with pytest.raises(InvalidValue, match="write one that holds credentials into a secret") as caught:
        endpoint_url(url)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://alerts.example", "https://alerts.example:8443/hook", "nats://[2001:db8::1]:4222"]
)
def test_an_endpoint_is_taken_as_it_is(url: str) -> None:
    assert endpoint_url(url) == url


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8080/a.git", True),
        ("http://user@localhost/a.git", True),
        ("https://[::1]:6443", True),
        ("https://127.0.0.1.example/a.git", False),
        ("https://localhost.example/a.git", False),
        ("https://git.example/127.0.0.1/a.git", False),
        ("git@localhost:a.git", False),
        ("/srv/a.git", False),
    ],
)
def test_only_loopback_is_of_this_machine_alone(url: str, here: bool) -> None:
    assert is_loopback(url) is here

"""Reading secrets: what is missing is None, what is wrong is a sentence that holds nothing of an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from lightkube import KubeConfig
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster, Context, User

from schiff.errors import Failed
from schiff.sources.cluster_secrets import ClusterSecrets, Unreachable
from tests.bed.process import free_port

CANARY = "canary-4711"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "data": {"key": CANARY}}
GONE = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": f"{CANARY} is not there", "code": 404}
NAME = ("b", "a")


@contextmanager
def serving(status: int, body: str, content: str = "application/json") -> Iterator[str]:
    """Serve one answer to everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is Python's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def secrets(url: str) -> ClusterSecrets:
    config = {
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {"token": CANARY}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    found = KubeConfig.from_dict(config).get("x")
    assert found is not None
    return ClusterSecrets(found)


def read(url: str) -> Mapping[str, Any] | None:
    with secrets(url) as asked:
        return asked.read(*NAME)


def test_a_secret_is_what_the_server_holds() -> None:
    with serving(200, json.dumps(SECRET)) as url:
        found = read(url)
    assert found is not None
    assert found["data"] == {"key": CANARY}


def test_one_that_is_not_there_is_none() -> None:
    with serving(404, json.dumps(GONE)) as url:
        assert read(url) is None


@pytest.mark.parametrize(
    ("status", "body", "content", "says"),
    [
        (
            403,
            json.dumps({**GONE, "code": 403}),
            "application/json",
            "x: the API server answers 403 for the secret b/a",
        ),
        (500, CANARY, "text/plain", "x: the API server answers 500 for the secret b/a"),
        (500, f'{{"message": "{CANARY}', "application/json", "x: the answer for b/a is no secret"),
        (200, json.dumps(SECRET)[:-20], "application/json", "x: the answer for b/a is no secret"),
        (200, f'"{CANARY}"', "application/json", "x: the answer for b/a is no secret"),
        (200, CANARY, "text/html", "x: the answer for b/a is no secret"),
    ],
)
def test_trouble_is_a_sentence_without_a_word_of_the_answer(status: int, body: str, content: str, says: str) -> None:
    with serving(status, body, content) as url, pytest.raises(Failed) as caught:
        read(url)
    assert str(caught.value).startswith(says)
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_server_that_is_gone_is_asked_once() -> None:
    with secrets(f"http://127.0.0.1:{free_port()}") as asked:
        found = asked.read_all([NAME, ("b", "c")])
    assert all(isinstance(answer, Unreachable) for answer in found.values())
    assert {str(answer) for answer in found.values()} == {
        "the API server of context x cannot be reached (ConnectError)"
    }


def test_trouble_with_one_secret_does_not_stop_the_others() -> None:
    with serving(403, json.dumps(GONE)) as url, secrets(url) as asked:
        found = asked.read_all([NAME, ("b", "c")])
    assert [str(answer)[-3:] for answer in found.values()] == ["b/a", "b/c"]


def test_credentials_that_cannot_be_used_are_not_quoted() -> None:
    user = User(client_cert_data=CANARY, client_key_data=CANARY)
    config = SingleConfig(
        context_name="x", context=Context(cluster="x"), cluster=Cluster(server="https://x"), user=user
    )
    with pytest.raises(Unreachable, match=r"^the credentials of context x cannot be used; renew them$"):
        ClusterSecrets(config)

"""Reading secrets: what is missing is None, what is wrong is a sentence that holds nothing of an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from lightkube import KubeConfig

from schiff.errors import Failed
from schiff.sources.cluster_secrets import Answer, SecretName, read_secrets
from tests.bed.process import free_port

CANARY = "canary-4711"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "data": {"key": CANARY}}
GONE = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": f"{CANARY} is not there", "code": 404}
NAME = ("b", "a")
MANY = [("b", str(number)) for number in range(200)]


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


def read(url: str, *names: SecretName) -> list[Answer]:
    config = {
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {"token": CANARY}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    found = KubeConfig.from_dict(config).get("x")
    assert found is not None
    return [*read_secrets(found, "mgmt", names or [NAME]).values()]


def test_a_secret_is_what_the_server_holds() -> None:
    with serving(200, json.dumps(SECRET)) as url:
        assert read(url) == [SECRET]


def test_one_that_is_not_there_is_none() -> None:
    with serving(404, json.dumps(GONE)) as url:
        assert read(url) == [None]


@pytest.mark.parametrize(
    ("status", "body", "content", "says"),
    [
        (403, json.dumps({**GONE, "code": 403}), "application/json", "keeps secrets b/a from this account"),
        (500, CANARY, "text/plain", "answers 500"),
        (500, f'{{"message": "{CANARY}', "application/json", "gives an answer that is not one of Kubernetes"),
        (200, json.dumps(SECRET)[:-20], "application/json", "gives an answer that is not one of Kubernetes"),
        (200, CANARY, "text/html", "gives an answer that is not one of Kubernetes"),
    ],
)
def test_trouble_is_a_sentence_without_a_word_of_the_answer(status: int, body: str, content: str, says: str) -> None:
    with serving(status, body, content) as url:
        (answer,) = read(url)
    assert isinstance(answer, Failed)
    assert str(answer).startswith(f"the API server of mgmt {says}")
    assert CANARY not in str(answer)


def test_a_server_that_is_gone_is_asked_once() -> None:
    answers = read(f"http://127.0.0.1:{free_port()}", *MANY)
    assert {str(answer) for answer in answers} == {"the API server of mgmt cannot be reached"}
    assert len(set(map(id, answers))) < len(MANY)


def test_trouble_with_one_secret_does_not_stop_the_others() -> None:
    with serving(403, json.dumps({**GONE, "code": 403})) as url:
        assert [str(answer).split()[7] for answer in read(url, *MANY[:2])] == ["b/0", "b/1"]

"""One API server asked: what is read is whole, packed or in parts, and an answer without an end is given up."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import yaml
from lightkube import KubeConfig

from schiff.sources import limited_transport
from schiff.sources.api_connection import ApiConnection, NotReadable
from schiff.sources.status_kinds import CLUSTERS, CONFIG_MAP, NODE
from tests.bed.kubeconfig import kubeconfig
from tests.sources.fake_api_server import CANARY, FakeApiServer, Handler

MACHINE = CLUSTERS[2]
NODES = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{number}"}} for number in range(3)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeApiServer]:
    with FakeApiServer(tmp_path_factory.mktemp("pki") / "x") as server:
        yield server


@pytest.fixture
def server(running: FakeApiServer) -> FakeApiServer:
    running.hold(NODES)
    return running


def connected(server: FakeApiServer, seconds: float = 20) -> ApiConnection:
    config = KubeConfig.from_dict(yaml.safe_load(kubeconfig({"x": server.access}))).get()
    assert config is not None
    return ApiConnection(config, "x", seconds)


def names(found: list[dict[str, Any]]) -> list[str]:
    return [item["metadata"]["name"] for item in found]


def test_items_of_a_list_say_what_they_are_although_servers_leave_it_out(server: FakeApiServer) -> None:
    server.hold([{**node, "kind": "Node"} for node in NODES])
    with connected(server) as asked:
        found = asked.list(NODE)
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("v1", "Node")}
    assert names(found) == ["node-0", "node-1", "node-2"]


def test_every_answer_says_how_far_the_clock_of_its_server_is_ahead(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(server) as asked:
        assert asked.ahead is None
        asked.list(NODE)
        assert asked.ahead is not None
        assert abs(asked.ahead) <= timedelta(seconds=2)
        later = format_datetime(datetime.now(UTC) + timedelta(days=14), usegmt=True)
        monkeypatch.setattr(Handler, "date_time_string", lambda _: later)
        asked.list(NODE)
        assert abs(asked.ahead - timedelta(days=14)) <= timedelta(seconds=2)


def test_what_is_no_date_leaves_the_clock_unknown(server: FakeApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "date_time_string", lambda _: "tomorrow")
    with connected(server) as asked:
        asked.list(NODE)
        assert asked.ahead is None


def test_a_packed_answer_is_read(server: FakeApiServer) -> None:
    def packs(handler: Handler) -> None:
        body = gzip.compress(json.dumps({"items": NODES}).encode())
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    server.misbehave(packs)
    with connected(server) as asked:
        assert names(asked.list(NODE)) == ["node-0", "node-1", "node-2"]


def test_a_list_in_parts_is_read_to_its_end(server: FakeApiServer) -> None:
    def in_parts(handler: Handler) -> None:
        last = "continue=more" in handler.path
        handler.answer(
            200, {"metadata": {} if last else {"continue": "more"}, "items": NODES[2:] if last else NODES[:2]}
        )

    server.misbehave(in_parts)
    with connected(server) as asked:
        assert names(asked.list(NODE)) == ["node-0", "node-1", "node-2"]


def test_a_list_that_always_goes_on_ends_with_its_time(server: FakeApiServer) -> None:
    server.misbehave(lambda handler: handler.answer(200, {"metadata": {"continue": "more"}, "items": NODES}))
    with connected(server, seconds=0.5) as asked, pytest.raises(NotReadable) as caught:
        asked.list(NODE)
    assert caught.value.reason == "TimedOut"


def test_an_answer_without_an_end_is_given_up(server: FakeApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_transport, "_LARGEST", 100)
    with connected(server) as asked, pytest.raises(NotReadable) as caught:
        asked.list(NODE)
    assert caught.value.reason == "AnswerTooLarge"


def test_a_kind_that_is_not_served_in_any_version_has_no_objects(server: FakeApiServer) -> None:
    server.misbehave(lambda handler: handler.answer(404, {"kind": "Status", "message": CANARY, "code": 404}))
    with connected(server) as asked:
        assert asked.list(MACHINE) == []
        assert asked.get(CONFIG_MAP, "a", "b") is None
    assert [line.partition("?")[0].split("/")[3] for line in server.requests[:2]] == ["v1beta2", "v1beta1"]


def test_nothing_is_asked_once_the_time_is_over(server: FakeApiServer) -> None:
    with connected(server) as asked:
        asked.cut()
        with pytest.raises(NotReadable) as caught:
            asked.list(NODE)
    assert caught.value.reason == "TimedOut"
    assert server.requests == []


def test_the_proxy_of_the_environment_is_used_unless_it_says_otherwise(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with connected(server) as asked, pytest.raises(NotReadable) as caught:
        asked.list(NODE)
    assert caught.value.reason == "Unreachable"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with connected(server) as asked:
        assert len(asked.list(NODE)) == 3


_DECODING = """
import sys
import schiff.sources.api_connection
from lightkube.config.kubeconfig import KubeConfig
from lightkube.models.meta_v1 import Status

called = set()
sys.setprofile(lambda frame, event, _: called.add(frame.f_code.co_name))
Status.from_dict({"code": 404, "details": {"causes": [{"field": "x"}]}, "metadata": {}})
parts = {"cluster": {"server": "https://x"}, "user": {"exec": {"apiVersion": "v1", "command": "x"}}}
parts["context"] = {"cluster": "x", "user": "x"}
KubeConfig.from_dict({f"{name}s": [{"name": "x", name: value}] for name, value in parts.items()})
sys.setprofile(None)
assert "from_dict" in called
print("get_class_annotations" in called)
"""


def test_types_are_learnt_before_threads_use_them() -> None:
    """Two threads that decode a type for the first time at once crash msgspec, and so the interpreter."""
    ended = subprocess.run([sys.executable, "-c", _DECODING], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"

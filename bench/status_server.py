"""API servers of a delivered environment that is content, each answering 20 ms late.

    python -m bench.status_server WORK

One process plays all of them, over TLS, each below a path of its own: what is
measured is who asks. It writes the kubeconfig that leads to them, prints a line
when it is ready, and ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schiff.delivery.expected_clusters import ExpectedCluster, expected_clusters
from schiff.delivery.snapshot import Snapshot, look
from schiff.git.clone import CachedClone
from tests.bed.certificates import Certificates
from tests.bed.kubeconfig import bearer, kubeconfig
from tests.bed.process import free_port
from tests.cli.living_clusters import on_management, settled
from tests.rollout.test_health_expected import reported
from tests.sources.fake_api_server import CANARY, a_secret, collection_of, path_of

LATE = 0.02
_ABSENT = b'{"kind":"Status","code":404,"message":"not found"}'


class Answers:
    """What all servers say, by path: an object, or the list of a collection."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    def add(self, start: str, objects: Iterable[Mapping[str, Any]]) -> None:
        """Take the objects of the server below a path."""
        lists: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for item in objects:
            path = path_of(item)
            self._bodies[start + path] = json.dumps(item).encode()
            lists[collection_of(path)].append(item)
        for path, items in lists.items():
            self._bodies[start + path] = json.dumps({"kind": "List", "metadata": {}, "items": items}).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(LATE)
                body = self._bodies.get(request.split(b" ", 2)[1].decode().partition("?")[0])
                status = b"200 OK" if body is not None else b"404 Not Found"
                body = _ABSENT if body is None else body
                head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                writer.write(head % (status, len(body)) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def _answers(work: Path, access: Mapping[str, Any]) -> tuple[Answers, dict[str, Any]]:
    """Return what everything delivered in `work` says, and the contexts of the management clusters."""
    repositories = ("definitions", "components")
    clones = {name: CachedClone(str(work / f"{name}.git"), "main", work / "server-cache") for name in repositories}
    snapshots = {name: _snapshot(clone) for name, clone in clones.items()}
    commits = {f"cluster-{name}": snapshot.head or "" for name, snapshot in snapshots.items()}
    found = expected_clusters(snapshots["definitions"], snapshots["components"], "tst")
    answers = Answers()
    held: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in found:
        expected = one.expected
        held[one.management] += settled(on_management(expected), commits)
        own = settled(map(reported, expected.tenant), commits)
        if one.is_management:
            held[one.management] += own
        else:
            answers.add(f"/{expected.namespace}", own)
            held[one.management].append(_secret(one, access))
    for name, objects in held.items():
        answers.add(f"/{name}", {path_of(item): item for item in objects}.values())
    return answers, {name: _below(access, name) for name in held}


def _snapshot(clone: CachedClone) -> Snapshot:
    clone.refresh()
    return look(clone, "tst")


def _secret(one: ExpectedCluster, access: Mapping[str, Any]) -> dict[str, Any]:
    namespace, name = one.expected.namespace, one.expected.cluster.partition("/")[2]
    return a_secret(namespace, f"{name}-status", kubeconfig({"tenant": _below(access, namespace)}))


def _below(access: Mapping[str, Any], path: str) -> dict[str, Any]:
    cluster = access["cluster"]
    return {**access, "cluster": {**cluster, "server": f"{cluster['server']}/{path}"}}


async def _run(work: Path) -> None:
    certificates = Certificates(work / "pki")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.path("server.crt"), certificates.path("server.key"))
    port = free_port()
    answers, contexts = _answers(work, bearer(f"https://127.0.0.1:{port}", certificates, CANARY))
    server = await asyncio.start_server(answers.serve, "127.0.0.1", port, ssl=context, backlog=1024)
    (work / "kubeconfig").write_text(kubeconfig(contexts), encoding="utf-8")
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    asyncio.run(_run(parser.parse_args().work))


if __name__ == "__main__":
    main()

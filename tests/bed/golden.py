"""A golden etcd folder: the definitions are loaded once and copied for every run.

Loading and establishing 308 definitions takes 25 to 75 seconds, starting on a
copy of the folder four. The folder is keyed by the digest of the definitions and
of the programs; two runs that need it take turns.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.bed.api_server import ApiServer
from tests.bed.crds import CrdSet
from tests.bed.etcd import Etcd
from tests.bed.kubernetes_client import CONNECTIONS, DEFINITIONS, KubernetesClient
from tests.bed.process import BedFailed
from tools.build import build_folder


def copy_golden_etcd(bin_dir: Path, crds: CrdSet, target: Path) -> None:
    """Copy an etcd data folder in which every definition is established, making the original if it is not there."""
    root = build_folder() / "golden"
    golden = root / _key(crds)
    with _alone(root):
        if not golden.exists():
            _remove_others(root)
            _make(bin_dir, crds, golden)
        shutil.copytree(golden, target.with_name("copying"), dirs_exist_ok=True)
        target.with_name("copying").rename(target)


def wait_served(client: KubernetesClient, crds: CrdSet) -> None:
    """Wait until discovery lists every loaded definition: a server that just started learns them one by one."""
    wanted = {crd.resource for crd in crds.texts}
    deadline = time.monotonic() + 60
    while True:
        served = {f"{r.plural}.{r.api_version.split('/')[0]}" for r in client.resources().values()}
        if wanted <= served:
            return
        if time.monotonic() > deadline:
            raise BedFailed(f"the server does not serve {', '.join(sorted(wanted - served))}")
        time.sleep(0.2)


def _key(crds: CrdSet) -> str:
    stamps = build_folder() / "stamps"
    programs = "".join((stamps / name).read_text(encoding="utf-8")[:8] for name in ("etcd", "kube-apiserver"))
    return f"{crds.digest[:16]}-{programs}"


def _make(bin_dir: Path, crds: CrdSet, golden: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="making-", dir=golden.parent) as scratch:
        folder = Path(scratch)
        data = folder / "data"
        with (
            Etcd(bin_dir, folder, data) as etcd,
            ApiServer(bin_dir, folder, etcd.url) as server,
            server.client() as client,
        ):
            _load(client, crds.objects())
        data.rename(golden)


def _load(client: KubernetesClient, definitions: Iterable[dict[str, Any]]) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        names = list(pool.map(lambda definition: _create(client, definition), definitions))
        waiting, deadline = names, time.monotonic() + 180
        while waiting:
            if time.monotonic() > deadline:
                raise BedFailed(f"not established after three minutes: {', '.join(waiting)}")
            established = pool.map(lambda name: _is_established(client, name), waiting)
            waiting = [name for name, done in zip(waiting, list(established), strict=True) if not done]
            time.sleep(0.5 if waiting else 0)


def _create(client: KubernetesClient, definition: dict[str, Any]) -> str:
    name: str = definition["metadata"]["name"]
    answer = client.create(DEFINITIONS, definition)
    if answer.status_code != httpx.codes.CREATED:
        raise BedFailed(f"the server refuses the definition {name}: {answer.text[:500]}")
    return name


def _is_established(client: KubernetesClient, name: str) -> bool:
    status = client.get(f"{DEFINITIONS}/{name}").json().get("status") or {}
    conditions = status.get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _remove_others(root: Path) -> None:
    for path in root.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

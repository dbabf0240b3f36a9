"""The test bed's fixtures, loaded by the root conftest as ``pytest_plugins = ["tests.bed.fixtures"]``.

Every test that asks for `api_server` runs in the same worker, so one server
serves them all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.api_server import ApiServer
from tests.bed.crds import CrdSet, find_crds, missing_text
from tests.bed.etcd import Etcd
from tests.bed.git_server import GitServer
from tests.bed.golden import copy_golden_etcd, wait_served
from tests.bed.kubernetes_client import KubernetesClient
from tools.build import build_folder
from tools.parts import PARTS

_MISSING = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def bin_dir() -> Path:
    """Return the folder of the built programs."""
    folder = build_folder() / "bin"
    missing = [name for name in PARTS if not (folder / name).exists()]
    if missing:
        pytest.fail(f"{', '.join(missing)} missing in {folder}: run  make parts", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def crds(pytestconfig: pytest.Config) -> CrdSet:
    """Return the upstream definitions; what is missing is said again at the end of the run."""
    found = find_crds()
    if found.missing:
        pytestconfig.stash[_MISSING] = missing_text(found.missing)
    return found


@pytest.fixture(scope="session")
def api_server(
    bin_dir: Path, crds: CrdSet, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[KubernetesClient]:
    """Return a client of an API server that knows every upstream kind; its logs are kept when a test failed."""
    folder = tmp_path_factory.mktemp("api-server")
    copy_golden_etcd(bin_dir, crds, folder / "data")
    try:
        with (
            Etcd(bin_dir, folder, folder / "data") as etcd,
            ApiServer(bin_dir, folder, etcd.url) as server,
            server.client() as client,
        ):
            wait_served(client, crds)
            yield client
    finally:
        if request.session.testsfailed:
            _keep_logs(folder)


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[GitServer]:
    """Return a Git server over HTTP with both delivered repositories, empty; each test has its own."""
    with GitServer(tmp_path / "git") as server:
        server.create("cluster-definitions")
        server.create("cluster-components")
        yield server


def _keep_logs(folder: Path) -> None:
    kept = build_folder() / "logs"
    kept.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, kept / f"bed-{log.name}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Send all users of the API server to one worker, and all users of the loop to one."""
    for item in items:
        for fixture in ("api_server", "loop"):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(fixture))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly which kinds were not checked against upstream."""
    if _MISSING in config.stash:
        terminalreporter.section("not checked against upstream", red=True, bold=True)
        terminalreporter.line(config.stash[_MISSING])

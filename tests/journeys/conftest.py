"""Projects for journeys through the real engine: made once, copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.crds import CrdSet
from tests.journeys.loop import Loop
from tests.journeys.pulumi_project import PulumiProject


@pytest.fixture(scope="session")
def _undelivered(tmp_path_factory: pytest.TempPathFactory, bin_dir: Path) -> PulumiProject:
    assert (bin_dir / "pulumi").exists()
    return PulumiProject.made(tmp_path_factory.mktemp("undelivered") / "project")


@pytest.fixture(scope="session")
def _delivered(_undelivered: PulumiProject, tmp_path_factory: pytest.TempPathFactory) -> PulumiProject:
    project = PulumiProject.copied(_undelivered, tmp_path_factory.mktemp("delivered") / "project")
    project.schiff("up", "-e", "tst")
    return project


@pytest.fixture
def undelivered(_undelivered: PulumiProject, tmp_path: Path) -> PulumiProject:
    """Return a project with ledgers, from which nothing was delivered yet."""
    return PulumiProject.copied(_undelivered, tmp_path / "project")


@pytest.fixture
def project(_delivered: PulumiProject, tmp_path: Path) -> PulumiProject:
    """Return a project whose `tst` was delivered once."""
    return PulumiProject.copied(_delivered, tmp_path / "project")


@pytest.fixture(scope="session")
def loop(bin_dir: Path, crds: CrdSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """Return the running loop: the example fleet delivered, its management cluster's Flux pointed at it.

    Its tests share it, so each works on tenants of its own.
    """
    with Loop(bin_dir, tmp_path_factory.mktemp("loop"), crds) as running:
        running.up()
        running.install()
        yield running

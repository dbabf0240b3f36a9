"""Projects for journeys through the real engine: made once, copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

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

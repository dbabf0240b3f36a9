"""What tests of commands that read clusters share: an environment whose servers live."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.living_clusters import Living, living_clusters


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """Return the environment with its servers; each test settles what the one before did to it."""
    with living_clusters(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("pki")) as living:
        yield living

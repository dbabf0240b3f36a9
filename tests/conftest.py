"""What every test may use: golden files, a served repository, and a line in the run's summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bed.git_server import GitServer
from tests.git.repositories import a_repository, git

pytest_plugins = ["tests.bed.fixtures"]

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``: rewrite expected texts instead of comparing; review the difference like code."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden instead of comparing with it")


@pytest.fixture
def assert_golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a function that compares a text with ``tests/golden/<name>``."""
    update = bool(request.config.getoption("--update-golden"))

    def check(name: str, text: str) -> None:
        expected = GOLDEN / name
        if update:
            expected.parent.mkdir(parents=True, exist_ok=True)
            expected.write_text(text, encoding="utf-8")
        assert expected.is_file(), f"{expected} does not exist; run pytest with --update-golden and review it"
        assert text == expected.read_text(encoding="utf-8"), f"{name} changed; if on purpose: --update-golden"

    return check


@pytest.fixture(params=["path", "http", "http without filters"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Give a bare repository and the URL under which it is served."""
    if request.param == "path":
        bare = a_repository(tmp_path)
        yield bare, str(bare)
        return
    with GitServer(tmp_path / "served") as server:
        bare = server.create("definitions")
        git(bare, "config", "uploadpack.allowFilter", str(request.param == "http").lower())
        yield bare, server.url("definitions")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests counted; workers have no screen of their own."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "summary":
                terminalreporter.line(str(value))

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import pytest

from schiff.sources import program
from schiff.sources.program import program_version


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path, origin: str | None) -> None:
    """Make it look as if schiff 1.4.0 was installed from `origin`."""
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: schiff\nVersion: 1.4.0\n", encoding="utf-8")
    if origin is not None:
        (folder / "direct_url.json").write_text(origin, encoding="utf-8")
    monkeypatch.setattr(program, "distribution", lambda _: Distribution.at(folder))


@pytest.mark.parametrize(
    ("origin", "version"),
    [
        (None, "1.4.0"),
        ('{"url":"file:///x/schiff.whl","archive_info":{}}', "1.4.0"),
        ('{"url":"file:///x","dir_info":{"editable":true}}', "source"),
        ('{"url":"file:///x","dir_info":{}}', "source"),
        ('{"url":"file:///x","vcs_info":{"vcs":"git"}}', "source"),
    ],
)
def test_only_a_wheel_has_a_version_that_stays_what_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, origin: str | None, version: str
) -> None:
    installed(monkeypatch, tmp_path, origin)
    assert program_version() == version


def test_a_program_that_was_never_installed_is_a_source_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Distribution:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(program, "distribution", absent)
    assert program_version() == "source"

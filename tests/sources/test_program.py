from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distributions
from pathlib import Path

import pytest

from schiff.errors import Failed
from schiff.sources import program
from schiff.sources.program import Program, digest_of_installed, program_version, running_program
from tests.other_schiff import pose_as


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


def test_the_running_program_has_the_digest_of_what_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pose_as(tmp_path, "1.4.0")
    [packages] = tmp_path.glob("1.4.0/lib/*/site-packages")
    [found] = distributions(name="schiff", path=[str(packages)])
    monkeypatch.setattr(program, "distribution", lambda _: found)
    running_program.cache_clear()
    try:
        assert running_program() == Program("1.4.0", digest_of_installed(found))
    finally:
        running_program.cache_clear()


def test_a_source_checkout_has_no_digest() -> None:
    assert running_program() == Program("source")
    assert running_program().is_source


def test_an_installer_s_notes_and_compiled_caches_do_not_count(tmp_path: Path) -> None:
    before = pose_as(tmp_path, "1.4.0")
    [packages] = tmp_path.glob("1.4.0/lib/*/site-packages")
    info = packages / "schiff-1.4.0.dist-info"
    (packages / "schiff" / "__pycache__").mkdir(parents=True)
    for path in (info / "INSTALLER", info / "direct_url.json", packages / "schiff" / "__pycache__" / "a.pyc"):
        path.write_text("{}")
        with (info / "RECORD").open("a") as record:
            record.write(f"{path.relative_to(packages)},,\n")
    [found] = distributions(name="schiff", path=[str(packages)])
    assert digest_of_installed(found) == before


def test_an_installation_that_lacks_a_file_is_named(tmp_path: Path) -> None:
    pose_as(tmp_path, "1.4.0")
    [packages] = tmp_path.glob("1.4.0/lib/*/site-packages")
    with (packages / "schiff-1.4.0.dist-info" / "RECORD").open("a") as record:
        record.write("schiff/gone.py,,\n")
    [found] = distributions(name="schiff", path=[str(packages)])
    with pytest.raises(Failed, match=r"schiff is not installed whole: .*gone\.py cannot be read"):
        digest_of_installed(found)

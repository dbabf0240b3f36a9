"""The pins of the real parts, and what makes a built one out of date."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import subprocess
from pathlib import Path

import pytest

from tools import build, golang, progress
from tools.parts import PARTS, ROOT, Part


def a_go(version: str = "1.26.6") -> golang.Go:
    return golang.Go(Path("/bin/true"), version)


def test_the_engine_is_the_very_version_of_its_sdk() -> None:
    assert PARTS["pulumi"].version == f"v{importlib.metadata.version('pulumi')}"


@pytest.mark.parametrize("part", PARTS.values(), ids=lambda part: part.name)
def test_a_part_is_pinned_and_stamped_with_its_release(part: Part) -> None:
    assert f"{part.module} {part.version}/go.mod" in (part.folder / "go.sum").read_text(encoding="utf-8")
    stamped = [flag for flag in part.flags() if flag.startswith("-ldflags=")]
    assert all(part.version in flag for flag in stamped if part.stamps)
    assert "{" not in " ".join(part.flags())


@pytest.mark.parametrize(
    "change", [{"package": "other"}, {"tags": "other"}, {"stamps": ("a.b=c",)}, {"wrapper": "pulumi"}]
)
def test_whatever_changes_a_build_changes_its_digest(change: dict[str, object]) -> None:
    part = PARTS["etcd"]
    changed = dataclasses.replace(part, **change)  # type: ignore[arg-type]
    if "wrapper" in change:
        changed = dataclasses.replace(changed, module=PARTS["pulumi"].module)
    assert changed.digest("1.26.6") != part.digest("1.26.6")
    assert part.digest("1.26.7") != part.digest("1.26.6")


def test_a_part_that_is_up_to_date_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = PARTS["etcd"]
    for folder, text in (("bin", "program"), ("stamps", part.digest("1.26.6"))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "etcd").write_text(text)
    monkeypatch.setattr(golang, "go_at_hand", lambda _minimum, _build: a_go())
    build.build_parts(["etcd"], tmp_path)
    assert (tmp_path / "bin" / "etcd").read_text() == "program"
    assert not (tmp_path / "logs").exists()


def test_a_part_is_built_again_by_another_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = PARTS["etcd"]
    for folder, text in (("bin", "program"), ("stamps", part.digest("1.26.6"))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "etcd").write_text(text)
    monkeypatch.setattr(golang, "go_at_hand", lambda _minimum, _build: a_go("1.26.7"))
    build.build_parts(["etcd"], tmp_path)
    assert (tmp_path / "stamps" / "etcd").read_text() == part.digest("1.26.7")
    assert (tmp_path / "times.json").exists()


@pytest.mark.parametrize(
    ("log", "cure"),
    [
        ("write x: no space left on device", "the disk is full"),
        ("dial tcp: lookup proxy: no such host", "set GOPROXY"),
        ("compile: signal: killed", "lack of memory"),
        ("undefined: x", "run the same command again"),
    ],
)
def test_a_failed_build_shows_its_log_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str, cure: str
) -> None:
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\necho '{log}' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setattr(golang, "go_at_hand", lambda _minimum, _build: golang.Go(go, "1.26.6"))
    with pytest.raises(progress.StepFailed) as failure:
        build.build_parts(["etcd"], tmp_path / "build")
    assert log in str(failure.value)
    assert cure in str(failure.value)


def test_an_old_go_on_the_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert golang.go_at_hand("1.26.0", tmp_path) is None
    assert golang.go_at_hand("1.19", tmp_path) == golang.Go(go, "1.19.8")


def test_the_make_targets_and_the_ci_script_exist() -> None:
    listed = subprocess.run(["make", "-C", ROOT, "--no-print-directory"], capture_output=True, text=True, check=True)
    assert {"make up", "make test", "make lint"} <= {" ".join(line.split()[:2]) for line in listed.stdout.splitlines()}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111

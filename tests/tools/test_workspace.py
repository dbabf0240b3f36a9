"""The workspace `.schiff/`: what `make up` prepares before schiff runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from schiff.cli.project import PASSPHRASE
from tools import pulumi_cli
from tools.parts import PARTS
from tools.pulumi_cli import prepare_home, provide
from tools.up import prepare, settings


def a_program(path: Path, answer: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {answer}\n")
    path.chmod(0o755)


def test_the_passphrase_opens_the_committed_salts_and_somebodys_own_stays(tmp_path: Path) -> None:
    prepare(tmp_path / "one", tmp_path / "build")
    passphrase = tmp_path / "one" / "passphrase"
    assert passphrase.read_text() == f"{PASSPHRASE}\n"
    assert passphrase.stat().st_mode & 0o777 == 0o600
    passphrase.write_text("my own\n")
    prepare(tmp_path / "one", tmp_path / "build")
    assert passphrase.read_text() == "my own\n"


def test_a_shell_reads_the_settings_and_twice_is_as_once(tmp_path: Path) -> None:
    workspace = tmp_path / "a folder with 'quotes'"
    prepare(workspace, tmp_path / "build")
    script = '. "$0"; . "$0"; env'
    shell = subprocess.run(["sh", "-c", script, workspace / "env"], capture_output=True, text=True, check=True)
    lines = shell.stdout.splitlines()
    assert {f"{name}={value}" for name, value in settings(workspace).items()} <= set(lines)
    path = next(line for line in lines if line.startswith("PATH="))
    assert path.split(os.pathsep).count(str(tmp_path / "build" / "bin")) == 1


def test_an_engine_of_the_right_version_on_the_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(tmp_path / "path" / "pulumi", PARTS["pulumi"].version)
    monkeypatch.setenv("PATH", str(tmp_path / "path"), prepend=os.pathsep)
    build = tmp_path / "build"
    provide(build, lambda: pytest.fail("it must not be built"))
    assert (build / "bin" / "pulumi").resolve() == tmp_path / "path" / "pulumi"
    prepare_home(tmp_path / "home", build)
    assert not list((tmp_path / "home").glob("plugins/language-*"))


def test_an_engine_that_moved_on_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, build = tmp_path / "path" / "pulumi", tmp_path / "build"
    a_program(theirs, "v9.9.9")
    monkeypatch.setenv("PATH", str(tmp_path / "path"), prepend=os.pathsep)
    monkeypatch.setattr(pulumi_cli, "_installed", lambda _build: None)
    (build / "bin").mkdir(parents=True)
    (build / "bin" / "pulumi").symlink_to(theirs)
    pulumi_cli.provide(build, lambda: a_program(build / "bin" / "pulumi", PARTS["pulumi"].version))
    assert "v9.9.9" in theirs.read_text()
    assert PARTS["pulumi"].version in (build / "bin" / "pulumi").read_text()


def test_an_engine_built_from_source_gets_the_stand_in(tmp_path: Path) -> None:
    build = tmp_path / "build"
    (build / "bin").mkdir(parents=True)
    (build / "bin" / "pulumi.built-from-source").touch()
    prepare_home(tmp_path / "home", build)
    [host] = (tmp_path / "home").glob("plugins/language-python-*/pulumi-language-python")
    assert os.access(host, os.X_OK)


def test_the_engine_writes_no_debug_logs(tmp_path: Path) -> None:
    prepare_home(tmp_path / "home", tmp_path / "build")
    assert (tmp_path / "home" / "logs").is_file()

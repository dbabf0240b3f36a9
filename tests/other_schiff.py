"""Another version of this project as a wheel, and an environment that holds it, made without any index.

The dependencies are this environment's own: a `.pth` file, which is read after
the environment's own packages, stands in for what pip would have installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pydantic

from schiff.sources.program import digest_of_installed
from tools.parts import ROOT

VERSION = "0.0.9"
EARLIER, NOW = '"hold": "never",', '"hold": "false",'
"""The byte that tells versions apart: what a tenant's `schiff-release` says of a cluster that nobody holds."""

_PARTS = ("pyproject.toml", "README.md", "LICENSE")
NO_INDEX = {"PIPNO_INDEX": "1", "PIP_NO_DEPS": "1"}


def built_wheel(folder: Path, version: str = VERSION) -> Path:
    """Build the wheel of a copy of this project with another version, which emits another byte."""
    source = folder / "source"
    shutil.copytree(ROOT / "schiff", source / "schiff", ignore=shutil.ignore_patterns("__pycache__"))
    for name in _PARTS:
        shutil.copy(ROOT / name, source / name)
    _replace(source / "pyproject.toml", 'version = "0.1.0"', f'version = "{version}"')
    _replace(source / "schiff" / "compiler" / "components.py", NOW, EARLIER)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "wheels")]
    subprocess.run(build, cwd=source, capture_output=True, text=True, check=True)
    [wheel] = (folder / "wheels").glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Schiff:
    """An installed schiff of another version."""

    environment: Path

    def run(self, *args: str, folder: Path | None = None) -> str:
        """Run it, and return what it said; any other status than 0 fails the test."""
        command = [str(self.environment / "bin" / "schiff"), *args]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    @staticmethod
    def lend(environment: Path) -> None:
        """Let an environment find this one's packages, after its own."""
        [packages] = environment.glob("lib/python3*/site-packages")
        (packages / "dependencies.pth").write_text(f"{Path(pydantic.__file__).parent.parent}\n", encoding="utf-8")


def made_environment(folder: Path, wheel: Path) -> Schiff:
    """Install a wheel as its users had it."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(pip, env={**os.environ, **NO_INDEX}, check=True)
    Schiff.lend(folder)
    return Schiff(folder)


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, (file, old)
    file.write_text(text.replace(old, new), encoding="utf-8")


def pose_as(versions: Path, version: str, program: str = "") -> str:
    """Install a stand-in for another version: this very program under another name. Return its digest."""
    packages = versions / version / "lib" / "python3.99" / "site-packages"
    metadata = packages / f"schiff-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: schiff\nVersion: {version}\n", encoding="utf-8")
    (metadata / "RECORD").write_text(f"{metadata.name}/METADATA,,\n{metadata.name}/RECORD,,\n", encoding="utf-8")
    script = versions / version / "bin" / "schiff"
    script.parent.mkdir()
    ours = f"exec {sys.executable} -c 'from schiff.cli.app import main; main()' \"$@\""
    script.write_text(f"#!/bin/sh\n{program or ours}\n", encoding="utf-8")
    script.chmod(0o755)
    [installed] = distributions(name="schiff", path=[str(packages)])
    return digest_of_installed(installed)

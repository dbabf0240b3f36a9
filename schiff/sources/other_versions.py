"""Other versions of schiff, each in an environment of its own below ``.schiff/versions/``.

1. An environment is made once, by pip, from the wheels of the setting ``schiff:versions`` and pip's own indexes.
2. A program runs only when its files have the digest that the release names: a wheel is looked at before it is
   installed, an environment each time before it runs.
3. It is called as ``schiff render --fleet DIR --release NAME --out DIR``, in a folder of its own, with nothing of
   this program's settings.
4. What it gave is kept by the digest of everything it was given; what was kept is read only if its trees still hold.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from schiff.compiler.handover import Handover
from schiff.errors import Failed, InvalidInput, Place, Problem, Tampered
from schiff.git.locks import file_lock
from schiff.git.process import redacted
from schiff.sources.program import Program, digest_of_installed, digest_of_wheel
from schiff.sources.rendered import Rendered, read_rendered
from schiff.values.digests import digest

_SHOWN = 3
_OURS = ("SCHIFF_", "PULUMI_", "PYTHON")


@dataclass(frozen=True, slots=True)
class OtherVersions:
    """Where other versions are installed, where their wheels lie, and where what they compiled is kept."""

    environments: Path
    wheels: Path
    cache: Path

    def compile_(self, handover: Handover, program: Program) -> Rendered:
        """Return what another version makes of a handover."""
        key = digest([program.version, program.wheel or "", handover.identity]).removeprefix("sha256:")
        kept = self.cache / f"rendered-{key}"
        with file_lock(self.cache / f"rendered-{key}.lock").held():
            if (found := read_rendered(kept, handover)) is not None:
                return found
            shutil.rmtree(kept, ignore_errors=True)
            self._render(handover, program, kept)
        found = read_rendered(kept, handover)
        if found is None:
            raise Failed(f"schiff {program.version} wrote files and trees.json that do not agree", "other-version")
        return found

    def _render(self, handover: Handover, program: Program, out: Path) -> None:
        """Let the other version write its files, and move them to their place when they are whole."""
        environment = self._environment(handover.layers.release.name, program)
        with tempfile.TemporaryDirectory(prefix="rendering-", dir=self.cache) as scratch:
            folder = Path(scratch)
            _write(folder / "fleet", handover.files)
            name = handover.layers.release.name
            words = ("--fleet", str(folder / "fleet"), "--release", name, "--out", str(folder / "out"))
            ended = _run([str(environment / "bin" / "schiff"), "render", *words], folder)
            if ended.returncode:
                raise _refused(ended, name, program.version)
            (folder / "out").rename(out)

    def _environment(self, release: str, program: Program) -> Path:
        """Return the environment of a program, made when it is not there; its files have the digest asked for."""
        folder = self.environments / program.version
        with file_lock(self.environments / f"{program.version}.lock").held():
            installed = _installed(folder)
            if installed is None:
                self._install(release, program, folder)
                installed = _installed(folder)
        if installed is None:
            raise Failed(f"{folder} holds no schiff after its installation; remove it and try again", "no-version")
        if digest_of_installed(installed) != program.wheel:
            raise Tampered(
                f"release {release} is compiled by schiff {program.version} of digest {program.wheel}; what is"
                f" installed in {folder} is another one; remove that folder, and put the wheel into {self.wheels}"
            )
        return folder

    def _install(self, release: str, program: Program, folder: Path) -> None:
        self._require_wheels(release, program)
        shutil.rmtree(folder, ignore_errors=True)
        found = ["--find-links", str(self.wheels)] if self.wheels.is_dir() else []
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
        wanted = ["--only-binary", "schiff", *found, f"schiff=={program.version}"]
        steps = ([sys.executable, "-m", "venv", str(folder)], [str(folder / "bin" / "python"), *pip, *wanted])
        for command in steps:
            ended = _run(command, self.environments)
            if ended.returncode:
                shutil.rmtree(folder, ignore_errors=True)
                raise Failed(
                    f"release {release} is compiled by schiff {program.version}, which could not be installed"
                    f" ({_last(ended.stderr)}); put schiff-{program.version}-py3-none-any.whl into {self.wheels}"
                    " (setting schiff:versions), and the wheels it needs where pip has no index",
                    "no-version",
                )

    def _require_wheels(self, release: str, program: Program) -> None:
        """Refuse a wheel of that version that is not the one the release names, before any of it is installed."""
        for wheel in sorted(self.wheels.glob(f"schiff-{program.version}-*.whl")):
            found = digest_of_wheel(wheel)
            if program.wheel != found:
                raise Tampered(
                    f"release {release} is compiled by schiff {program.version} of digest {program.wheel}; {wheel} has"
                    f" {found}; put the wheel there that the release was cut by"
                )


def _installed(folder: Path) -> Distribution | None:
    """Return the schiff of an environment; pip installs it last, so one that is there can run."""
    packages = [str(path) for path in folder.glob("lib/python3*/site-packages")]
    return next(iter(distributions(name="schiff", path=packages)), None) if packages else None


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of another environment, which must see nothing of this one's."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    try:
        return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)
    except OSError as error:
        cure = "remove the environment it lies in, and it is made anew"
        raise Failed(f"{command[0]} cannot be run: {error.strerror}; {cure}", "no-version") from error


def _refused(ended: subprocess.CompletedProcess[str], release: str, version: str) -> Failed | InvalidInput:
    """Return what the other version said, as this one's: bad input stays bad input."""
    if ended.returncode == InvalidInput.status:
        lines = [line for line in ended.stderr.splitlines() if line.strip()]
        place = Place(f"releases/{release}")
        return InvalidInput(Problem(place, "", f"schiff {version}, which compiles it, says: {it}") for it in lines)
    said = f"release {release} is compiled by schiff {version}, which says: {_last(ended.stderr)}"
    return Failed(said, "other-version")


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return redacted("; ".join(lines[-_SHOWN:])) or "nothing"

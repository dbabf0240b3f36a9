"""The real engine runs Python programs, through the stand-in where it was built from source."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tools.build import build_folder
from tools.up import prepare, search_path, settings

PROGRAM = """\
import pulumi, sys, time
config = pulumi.Config()
mode = config.require("mode")
print("mode", mode, "of", pulumi.get_stack(), flush=True)
if mode == "raise": raise ValueError("deep trouble")
if mode == "refuse": raise pulumi.RunError("fleet.yaml:3: unknown field")
if mode == "exit": sys.exit(3)
if mode == "slow": time.sleep(60)
pulumi.ComponentResource("schiff:index:Site", "a", {})
pulumi.export("mode", mode)
pulumi.export("token", config.get_secret("token"))
"""


@pytest.fixture
def project(bin_dir: Path, tmp_path: Path) -> tuple[Path, Mapping[str, str]]:
    """Return a project with one stack, and the environment its commands run in."""
    assert (bin_dir / "pulumi").exists()
    folder = tmp_path / "project"
    (folder / "stacks").mkdir(parents=True)
    virtualenv = Path(sys.executable).parent.parent
    (folder / "Pulumi.yaml").write_text(
        f"name: example\nmain: stacks/\nruntime: {{name: python, options: {{virtualenv: {virtualenv}}}}}\n"
    )
    (folder / "stacks" / "__main__.py").write_text(PROGRAM)
    prepare(tmp_path / "workspace", build_folder())
    env = {**os.environ, **settings(tmp_path / "workspace"), "PATH": search_path(build_folder())}
    pulumi(folder, env, "stack", "init", "lab")
    return folder, env


def pulumi(folder: Path, env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)


def up(project: tuple[Path, Mapping[str, str]], mode: str) -> subprocess.CompletedProcess[str]:
    folder, env = project
    pulumi(folder, env, "config", "set", "mode", mode)
    return pulumi(folder, env, "up", "--yes", "--skip-preview")


def test_a_program_registers_resources_and_outputs(project: tuple[Path, Mapping[str, str]]) -> None:
    folder, env = project
    pulumi(folder, env, "config", "set", "--secret", "token", "not-to-be-seen")
    run = up(project, "plain")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "mode plain of lab" in run.stdout
    assert "+ 2 created" in run.stdout
    assert "not-to-be-seen" not in run.stdout
    outputs = pulumi(folder, env, "stack", "output", "token", "--show-secrets")
    assert outputs.stdout.strip() == "not-to-be-seen"


def test_an_exception_shows_its_own_lines_alone(project: tuple[Path, Mapping[str, str]]) -> None:
    run = up(project, "raise")
    assert run.returncode != 0
    assert "ValueError: deep trouble" in run.stdout
    assert "__main__.py" in run.stdout
    assert "language_host.py" not in run.stdout


def test_a_refusal_is_a_sentence(project: tuple[Path, Mapping[str, str]]) -> None:
    run = up(project, "refuse")
    assert run.returncode != 0
    assert "error: fleet.yaml:3: unknown field" in run.stdout
    assert "Traceback" not in run.stdout


def test_a_status_of_the_program_fails_the_update(project: tuple[Path, Mapping[str, str]]) -> None:
    run = up(project, "exit")
    assert run.returncode != 0
    assert "3" in run.stdout.partition("exited with")[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_an_engine_that_ends_leaves_no_process_behind(
    project: tuple[Path, Mapping[str, str]], number: signal.Signals
) -> None:
    folder, env = project
    pulumi(folder, env, "config", "set", "mode", "slow")
    argv = ["pulumi", "preview", "--non-interactive"]
    with subprocess.Popen(
        argv, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as engine:
        wait_until(lambda: len(processes_in(folder)) > 1)
        engine.send_signal(number)
        engine.wait(10)
    wait_until(lambda: not processes_in(folder))


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def processes_in(folder: Path) -> list[str]:
    """Return the processes that work below a folder, from the kernel's own list."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(process.name)
        except OSError:
            continue
    return found

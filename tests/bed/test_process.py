"""Programs of the test bed start, fail and end visibly."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bed.process import BedFailed, Process, free_port, kept_port

PARENT = """\
import sys, time
from pathlib import Path
from tests.bed.process import Process
child = Process(["sleep", "60"], Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_program_that_dies_is_reported_with_its_log(tmp_path: Path) -> None:
    process = Process(["sh", "-c", "echo no such flag; exit 3"], tmp_path / "log")
    with pytest.raises(BedFailed, match=r"ended with status 3\nno such flag"):
        process.wait_ready(f"http://127.0.0.1:{free_port()}", None, 10)
    process.stop()


def test_a_program_that_never_answers_is_reported(tmp_path: Path) -> None:
    process = Process(["sleep", "60"], tmp_path / "log")
    with pytest.raises(BedFailed, match="sleep was not ready"):
        process.wait_ready(f"http://127.0.0.1:{free_port()}", None, 0.3)
    process.stop()


def test_a_killed_test_run_leaves_no_program_behind(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = Path("/proc", parent.stdout.readline().strip())
        assert child.exists()
        time.sleep(0.2)  # until setpriv has become the program
        parent.kill()
    deadline = time.monotonic() + 5
    while child.exists() and " Z " not in (child / "stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_port_stays_the_same_until_somebody_else_takes_it(tmp_path: Path) -> None:
    port = kept_port(tmp_path / "port")
    assert kept_port(tmp_path / "port") == port
    with socket.create_server(("127.0.0.1", port)):
        other = kept_port(tmp_path / "port")
    assert other != port
    assert kept_port(tmp_path / "port") == other

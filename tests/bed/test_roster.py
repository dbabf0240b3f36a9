"""Only processes that were written down are ended, however numbers are given again."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.roster import Roster, Running, end, read_roster
from tests.bed.waiting import wait_for


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as started:
        yield started
        started.kill()


def now(pid: int) -> Running:
    found = Running.now(pid)
    assert found is not None
    return found


def test_a_roster_names_its_writer_first_and_then_the_children(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    with Roster(tmp_path / "roster.json"):
        written = read_roster(tmp_path / "roster.json")
    assert written[0] == now(os.getpid())
    assert now(child.pid) in written[1:]
    assert read_roster(tmp_path / "roster.json") == []


def test_a_roster_learns_of_children_that_come_later(tmp_path: Path) -> None:
    file = tmp_path / "roster.json"
    with Roster(file), subprocess.Popen(["sleep", "60"]) as child:
        wait_for(lambda: now(child.pid) in read_roster(file), "the child in the roster", 10)
        child.kill()


def test_who_got_the_number_later_is_left_alone(child: subprocess.Popen[bytes]) -> None:
    earlier = dataclasses.replace(now(child.pid), started="another boot 1")
    assert not earlier.is_alive
    end([earlier], 1)
    assert now(child.pid).is_alive


def test_who_does_not_listen_is_ended_all_the_same(child: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen(["sh", "-c", "trap '' TERM; echo ready; exec sleep 60"], stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        end([now(deaf.pid), now(child.pid)], 0.5)
        assert deaf.wait() == -signal.SIGKILL
    assert child.wait() == -signal.SIGTERM

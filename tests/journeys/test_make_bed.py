"""`make bed`, as people type it: the loop comes up beside their own work, and goes without a trace of a process."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bed import checkout
from tests.bed.bed_folder import BedFolder
from tests.bed.process import BedFailed
from tests.bed.roster import read_roster
from tests.bed.waiting import wait_for
from tests.git.repositories import git

pytestmark = pytest.mark.xdist_group("make-bed")

TENANT = "vsphere-site-1/customer-a-1"
Record = Callable[[str, object], None]


class People:
    """Somebody with a clean clone and a terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bed = BedFolder(folder / ".schiff" / "bed")

    def type(self, *command: str, statuses: Collection[int] = (0,)) -> str:
        """Type a command that must work, and return what it says."""
        given = {name: os.environ[name] for name in ("SCHIFF_CRDS",) if name in os.environ}
        ended = checkout.run(*command, folder=self.folder, **given)
        assert ended.returncode in statuses, f"{command}\n{ended.stdout[-3000:]}\n{ended.stderr}\n{self._log()}"
        return ended.stdout

    def took(self, *command: str) -> float:
        """Type a command, and return how many seconds it took."""
        started = time.monotonic()
        self.type(*command)
        return time.monotonic() - started

    def status(self) -> dict[str, Any]:
        """Return what `schiff status` says of the tenant."""
        said = self.type(".venv/bin/schiff", "status", "-e", "tst", "--json", statuses=(0, 10))
        answer = json.loads(said)
        found: dict[str, Any] = next(each for each in answer["clusters"] if each["name"] == TENANT)
        return found

    def wait_pulled(self) -> dict[str, Any]:
        """Wait until the tenant has pulled what was delivered."""

        def pulled() -> dict[str, Any] | None:
            found = self.status()
            layers = {name: layer["verdict"] for name, layer in found["layers"].items()}
            return found if (layers["flux"], layers["tenant"]) == ("Healthy", "Healthy") else None

        try:
            return wait_for(pulled, "a tenant that pulled its own configuration", 400, 2)
        except BedFailed as error:
            raise BedFailed(f"{error}\n{self._log()}\n{json.dumps(self.status(), indent=1)}") from None

    def processes(self) -> list[str]:
        """Return the command lines of all that runs in or for the clone."""
        return [line for entry in Path("/proc").iterdir() if entry.name.isdigit() and (line := self._line(entry))]

    def _line(self, entry: Path) -> str:
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            at = (entry / "cwd").readlink()
        except OSError:  # it has ended, or is somebody else's
            return ""
        return line if str(self.folder) in line or at.is_relative_to(self.folder) else ""

    def _log(self) -> str:
        return self.bed.log.read_text() if self.bed.log.exists() else "no bed was started"


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory, bin_dir: Path) -> Iterator[People]:
    """Return somebody with a clean clone; what runs there is ended afterwards."""
    assert (bin_dir / "kube-apiserver").exists()
    people = People(checkout.clone(tmp_path_factory.mktemp("make-bed") / "schiff"))
    yield people
    people.type("make", "bed-down")
    assert people.processes() == []


@pytest.fixture
def people(visitor: People) -> People:
    """Return somebody whose bed runs."""
    visitor.type("make", "bed")
    return visitor


def test_make_up_against_make_bed_ends_with_a_tenant_that_pulled_its_own_configuration(
    people: People, record_property: Record
) -> None:
    started = time.monotonic()
    people.type("make", "up")
    found = people.wait_pulled()
    record_property("summary", f"make up against make bed: pulled after {time.monotonic() - started:.0f} s")
    assert found["layers"]["capi"]["verdict"] == "Unknown"
    assert found["verdict"] == "Unknown"
    for said in (found, *found["layers"].values()):
        assert all(said[name] for name in ("verdict", "reason", "message", "object"))

    assert not (people.folder / ".schiff" / "state").exists()
    assert not (people.folder / ".schiff" / "ledger.git").exists()
    assert people.type("git", "status", "--porcelain") == ""


def test_an_edit_of_the_beds_fleet_arrives_in_the_cluster(people: People) -> None:
    order = people.bed.fleet / "sites" / "vsphere-site-1" / "customer-a" / "customer-a-1.yaml"
    people.type("make", "up")
    people.wait_pulled()
    before = people.bed.head("cluster-definitions")
    order.write_text(order.read_text().replace("replicas: 3", "replicas: 4"))
    git(people.bed.fleet, "commit", "-q", "-a", "-m", "One more machine")
    people.type("make", "up")
    assert people.bed.head("cluster-definitions") != before
    people.wait_pulled()


def test_a_second_make_bed_says_how_to_reach_the_first(people: People) -> None:
    before = read_roster(people.bed.processes)[0]
    said = people.type("make", "bed")
    assert "it ran already" in said
    assert f"export KUBECONFIG={people.bed.kubeconfig}" in said
    assert read_roster(people.bed.processes)[0] == before


def test_what_was_kept_starts_again_as_it_was(people: People, record_property: Record) -> None:
    people.type("make", "up")
    people.wait_pulled()
    commits = [people.bed.head(name) for name in ("cluster-definitions", "cluster-components")]
    down = people.took("make", "bed-down")
    assert people.processes() == []
    assert "no test bed runs here" in people.type("make", "bed-down")
    again = people.took("make", "bed")
    record_property("summary", f"make bed-down: {down:.0f} s; make bed from kept data: {again:.0f} s")
    people.wait_pulled()
    assert [people.bed.head(name) for name in ("cluster-definitions", "cluster-components")] == commits


def test_a_killed_supervisor_takes_everything_with_it_and_the_bed_starts_again(people: People) -> None:
    os.kill(read_roster(people.bed.processes)[0].pid, signal.SIGKILL)
    people.type("make", "bed-down")
    assert people.processes() == []
    assert "in .schiff/bed" not in checkout.run(".venv/bin/schiff", "check", folder=people.folder).stderr
    assert "it ran already" not in people.type("make", "bed")


def test_a_tenant_that_is_none_is_a_sentence(visitor: People) -> None:
    visitor.type("make", "bed-down")
    ended = checkout.run("make", "bed", "TENANTS=vsphere-site-1/nobody", folder=visitor.folder)
    assert ended.returncode != 0
    assert "'vsphere-site-1/nobody' is no tenant of schiff-mgmt-x; TENANTS may name " in ended.stdout
    assert visitor.processes() == []

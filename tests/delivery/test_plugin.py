"""The provider: records that only compare, a commit that delivers, and a process that ends when it should."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from schiff.compiler.file_tree import EMPTY_TREE, tree_id
from schiff.delivery.delivered import LedgerHead, Line
from schiff.delivery.plan import Plan, save_plan
from schiff.delivery.plugin_repositories import ProviderSettings, Repositories
from schiff.delivery.plugin_resources import SHOWN, Commit, Record
from schiff.delivery.workspace import Workspace
from schiff.errors import Conflict, Refused
from schiff.git.fast_import import store_objects
from tests.delivery.world import a_tree
from tests.git.repositories import commit, files, git, head

PATH = "m/sites/s/c/one"
PLUGIN = Path(sys.executable).with_name("pulumi-resource-schiff")


class World:
    """A stack's provider on one machine, with the state that the engine would keep for it."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.repositories = self._fresh()
        self.state: dict[str, Any] = {}

    def inputs(self, text: str = "1", *, more: int = 0) -> dict[str, Any]:
        """Write a plan and its objects as the program does, and return the inputs of the commit."""
        trees = {PATH: a_tree(text), **{f"m/sites/s/c/more-{number}": a_tree("more") for number in range(more)}}
        lines = tuple(Line(path, tree_id(tree), "cluster", path, "head", "v1.35.4") for path, tree in trees.items())
        plan = Plan("tst", "main", "definitions", "f" * 40, "0.1.0", LedgerHead(0, "sha256:" + "a" * 64), lines, lines)
        clone = self.repositories.clone("definitions")
        clone.refresh()
        store_objects(clone, trees)
        digest = save_plan(plan, self.workspace.cache)
        return {"stack": "tst", "repository": "definitions", "content": plan.content, "plan": digest}

    def commit(self) -> Commit:
        """Return the handler, which looks at the branch anew as in every run."""
        self.repositories = self._fresh()
        return Commit(self.repositories)

    def record(self) -> Record:
        """Return the handler of records."""
        self.repositories = self._fresh()
        return Record(self.repositories)

    def up(self, text: str = "1") -> None:
        """Deliver, and keep the state."""
        inputs = self.inputs(text)
        self.state = dict(self.commit().apply(self.state, inputs))

    @property
    def bare(self) -> Path:
        return self.workspace.root / "definitions.git"

    def _fresh(self) -> Repositories:
        urls = {"definitions": "definitions.git", "components": "components.git"}
        return Repositories(ProviderSettings("tst", urls, "main", proposal=False), self.workspace)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in ("SCHIFF_TAKE_BACK", "SCHIFF_ADOPT", "SCHIFF_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path)


def a_folder(text: str = "1") -> dict[str, Any]:
    return {"repository": "definitions", "path": PATH, "tree": tree_id(a_tree(text)), "release": "head"}


# Records


def test_a_record_that_agrees_with_state_and_branch_has_nothing_to_say(world: World) -> None:
    world.up()
    finding = world.record().find(a_folder(), a_folder())
    assert (finding.changed, finding.said) == (frozenset(), ())


def test_a_record_names_the_files_that_change(world: World) -> None:
    world.up()
    world.inputs("2")
    finding = world.record().find(a_folder("1"), a_folder("2"))
    assert finding.changed == {"tree"}
    assert finding.said == (f"~ {PATH}/cluster.yaml", f"~ {PATH}/sub/kustomization.yaml")


def test_a_record_sees_drift_that_the_state_does_not_know(world: World) -> None:
    world.up()
    commit(world.bare, {f"{PATH}/cluster.yaml": "edited\n"})
    assert world.record().find(a_folder(), a_folder()).changed == {"tree"}


def test_recording_and_forgetting_touch_no_repository(world: World) -> None:
    world.up()
    before = head(world.bare)
    record = world.record()
    assert record.apply({}, a_folder("2")) == a_folder("2")
    record.delete(a_folder())
    assert head(world.bare) == before


def test_reading_a_record_gives_the_tree_at_the_branch(world: World) -> None:
    world.up()
    commit(world.bare, {f"{PATH}/cluster.yaml": "edited\n"})
    read = world.record().read(a_folder())
    assert read is not None
    assert read["tree"] not in {a_folder()["tree"], EMPTY_TREE}


def test_a_record_whose_folder_is_gone_is_gone(world: World) -> None:
    world.up()
    commit(world.bare, {}, gone=[PATH])
    assert world.record().read(a_folder()) is None


# The commit


def test_a_commit_tells_what_it_would_do_before_anything_is_there(world: World) -> None:
    inputs = world.inputs()
    finding = world.commit().find({}, inputs)
    assert finding.said == (f"orders: + {PATH}",)
    assert head(world.bare) == ""


def test_a_commit_delivers_and_remembers_where_the_branch_stands(world: World) -> None:
    world.up()
    assert world.state["commit"] == head(world.bare)
    assert world.state["serial"] == 1
    assert files(world.bare)[f"{PATH}/cluster.yaml"] == "1\n"
    assert world.commit().find(world.state, world.inputs()).changed == frozenset()


def test_a_plan_that_another_fleet_commit_made_is_no_change(world: World) -> None:
    world.up()
    inputs = {**world.inputs(), "plan": world.state["plan"]}
    assert world.commit().find({**world.state, "plan": "0" * 64}, inputs).changed == frozenset()


def test_a_missing_plan_says_to_run_up(world: World) -> None:
    inputs = {**world.inputs(), "plan": "0" * 64}
    with pytest.raises(Refused, match="run up, not refresh"):
        world.commit().apply({}, inputs)


def test_long_news_are_cut(world: World) -> None:
    inputs = world.inputs(more=SHOWN + 5)
    said = world.commit().find({}, inputs).said
    assert len(said) == SHOWN
    assert said[-1].startswith("... and ")


def test_what_others_changed_is_warned_of_and_stops_an_update(world: World) -> None:
    world.up()
    commit(world.bare, {f"{PATH}/cluster.yaml": "edited\n"})
    warned = world.commit().find(world.state, world.inputs()).warned
    assert warned[0] == f"changed by somebody else: {PATH}"
    with pytest.raises(Conflict):
        world.commit().apply(world.state, world.inputs())


def test_a_branch_that_was_set_back_is_foreign(world: World) -> None:
    world.up("1")
    first = head(world.bare)
    world.up("2")
    git(world.bare, "update-ref", "refs/heads/main", first)
    read = world.commit().read(world.state)
    assert read is not None
    assert read["content"] == "changed outside schiff"
    assert world.commit().find(world.state, world.inputs("2")).warned[0] == "changed by somebody else: .schiff/tst.json"


def test_the_wish_to_take_back_overwrites(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.up()
    commit(world.bare, {f"{PATH}/cluster.yaml": "edited\n"})
    monkeypatch.setenv("SCHIFF_TAKE_BACK", "1")
    world.up()
    assert files(world.bare)[f"{PATH}/cluster.yaml"] == "1\n"


def test_a_serial_counts_for_the_url_it_was_made_at(world: World) -> None:
    world.up()
    moved = {**world.state, "url": "elsewhere.git", "serial": 99}
    assert world.commit().find(moved, world.inputs()).warned == ()


def test_deleting_a_commit_removes_all_that_the_stack_owns(world: World) -> None:
    world.up()
    world.commit().delete(world.state)
    assert files(world.bare) == {}


def test_settings_without_a_url_are_refused() -> None:
    with pytest.raises(Refused, match="made through Delivery"):
        ProviderSettings.from_inputs({"stack": "tst"})


# The process


@pytest.fixture
def plugin() -> subprocess.Popen[str]:
    process = subprocess.Popen([PLUGIN, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()
    return process


def test_the_plugin_ends_on_an_interrupt(plugin: subprocess.Popen[str]) -> None:
    with plugin:
        plugin.send_signal(signal.SIGINT)
        assert plugin.wait(timeout=5) == 0


def test_the_plugin_ends_when_its_parent_dies() -> None:
    program = f"import subprocess; print(subprocess.Popen([{str(PLUGIN)!r}, '127.0.0.1:1']).pid, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid, _ = int(parent.stdout.readline()), parent.stdout.readline()
        parent.kill()
        parent.communicate()
    deadline = time.monotonic() + 5
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _lives(pid)


def test_started_by_hand_the_plugin_says_what_it_is() -> None:
    ended = subprocess.run([PLUGIN], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "started by the Pulumi engine" in ended.stderr


def _lives(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False

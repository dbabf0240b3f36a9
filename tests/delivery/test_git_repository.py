"""Delivering to Git: what arrives, what is refused, and that races, kills and lost state heal by themselves."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from schiff.compiler.file_tree import EMPTY_TREE, FileTree, tree_id
from schiff.delivery.comparison import compare
from schiff.delivery.delivered import LedgerHead, Line
from schiff.delivery.git_repository import deliver, proposal_branch
from schiff.delivery.snapshot import Change, drift, foreign, look
from schiff.errors import Conflict, Failed, Refused, Tampered
from schiff.git.fast_import import store_objects
from schiff.git.repository import push
from tests.delivery.world import WHEN, Stack, a_tree, content, written
from tests.git.repositories import a_repository, commit, files, git, head, hook

PUSH = "schiff.delivery.git_repository.push"
WANTED = {"m/sites/s/c/one": "1", "m/sites/s/c/two": "2", "m/flux/tst": "list"}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return a_repository(tmp_path)


@pytest.fixture
def stack(bare: Path, tmp_path: Path) -> Stack:
    return Stack(bare, tmp_path / "cache")


def elsewhere(bare: Path, tmp_path: Path, name: str = "tst") -> Stack:
    """Another machine: no cache, no state."""
    return Stack(bare, tmp_path / f"elsewhere-{len(list(tmp_path.iterdir()))}", name)


def commits(bare: Path) -> int:
    return int(git(bare, "rev-list", "--count", "--all").strip())


# What arrives


def test_a_first_delivery_is_one_commit_with_a_manifest(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    stack = Stack(url, tmp_path / "cache")
    delivered = stack.up(WANTED)
    assert content(bare) == written(WANTED)
    assert (delivered.head, delivered.serial, len(delivered.commits)) == (head(bare), 1, 1)
    assert [change.path for change in delivered.orders] == sorted(WANTED)
    assert [line.path for line in stack.manifest(bare).lines] == sorted(WANTED)
    git(bare, "fsck", "--strict")


def test_a_change_touches_one_folder_and_a_second_run_nothing(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    stack = Stack(url, tmp_path / "cache")
    stack.up(WANTED)
    commit(bare, {"README.md": "of others\n"})
    changed = {**WANTED, "m/sites/s/c/one": "1b"}
    delivered = stack.up(changed)
    assert delivered.orders == (Change("m/sites/s/c/one", tree_id(a_tree("1")), tree_id(a_tree("1b"))),)
    assert content(bare) == {**written(changed), "README.md": "of others\n"}
    before = head(bare)
    again = stack.up(changed)
    assert (again.commits, again.serial, again.head, head(bare)) == ((), 2, before, before)


def test_orders_and_wave_are_two_commits_of_one_push(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    hook(bare, "post-receive", f"echo push >> {bare}/pushes")
    orders = {**WANTED, "m/sites/s/c/one": "ordered"}
    wave = {**orders, "m/sites/s/c/two": "moved", "m/sites/s/c/new": "3"}
    delivered = stack.up(orders, wave)
    assert len(delivered.commits) == 2
    assert [change.path for change in delivered.orders] == ["m/sites/s/c/one"]
    assert [change.path for change in delivered.wave] == ["m/sites/s/c/new", "m/sites/s/c/two"]
    assert content(bare) == written(wave)
    assert (bare / "pushes").read_text() == "push\n"
    touched = [git(bare, "diff", "--name-only", f"{each}^", each) for each in delivered.commits]
    assert [
        (".schiff/tst.json" in paths, "c/one" in paths, "c/two" in paths, "c/new" in paths) for paths in touched
    ] == [
        (True, True, False, False),
        (True, False, True, True),
    ]
    assert stack.manifest(bare).serial == delivered.serial == 3


def test_a_wave_alone_is_one_commit(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    delivered = stack.up(WANTED, {**WANTED, "m/sites/s/c/two": "moved"})
    assert (len(delivered.commits), delivered.orders, len(delivered.wave)) == (1, (), 1)
    assert git(bare, "log", "-1", "--format=%s").strip() == "tst: wave, 1 changed"


def test_a_folder_may_leave_with_the_orders_and_come_back_with_the_wave(bare: Path, stack: Stack) -> None:
    stack.up({"m/flux/a": "1", "m/flux/b": "2"})
    stack.up({"m/flux/a": "1"}, {"m/flux/a": "1", "m/flux/b": "2"})
    assert content(bare) == written({"m/flux/a": "1", "m/flux/b": "2"})


def test_a_changed_release_is_delivered_even_when_no_file_differs(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    delivered = stack.up(WANTED, release="sha256:" + "c" * 64)
    assert (len(delivered.commits), delivered.orders) == (1, ())
    assert {line.release for line in stack.manifest(bare).lines} == {"sha256:" + "c" * 64}


def test_a_header_that_differs_alone_makes_no_commit(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    before = head(bare)
    plan = replace(stack.plan(WANTED), ledger=LedgerHead(9, "sha256:" + "d" * 64), fleet="e" * 40, schiff="0.2.0")
    assert deliver(plan, stack.clone, serial=1).commits == ()
    assert head(bare) == before


def test_the_commit_says_what_changes_and_where_it_came_from(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    message = git(bare, "log", "-1", "--format=%B").strip()
    assert message == (
        "tst: orders, 3 created\n\n+ m/flux/tst\n+ m/sites/s/c/one\n+ m/sites/s/c/two\n\n"
        f"Schiff-Fleet: {'f' * 40}\nSchiff-Version: 0.1.0\nSchiff-Ledger: 3 sha256:{'b' * 64}"
    )
    assert "Schiff-Ledger" in git(bare, "log", "-1", "--format=%(trailers:only)")
    assert git(bare, "log", "-1", "--format=%ct").strip() == str(int(WHEN.timestamp()))


def test_a_long_list_of_changes_is_cut(bare: Path, stack: Stack) -> None:
    stack.up({f"m/flux/{number:02}": "x" for number in range(30)})
    lines = git(bare, "log", "-1", "--format=%b").splitlines()
    assert lines[20] == "... and 10 more"


def test_equal_deliveries_at_one_time_are_equal_commits(tmp_path: Path) -> None:
    heads = set()
    for name in ("a", "b"):
        repository = a_repository(tmp_path, name)
        Stack(repository, tmp_path / f"cache-{name}").up(dict(sorted(WANTED.items(), reverse=name == "b")))
        heads.add(head(repository))
    assert len(heads) == 1


# Removal


def test_a_folder_that_is_no_longer_wanted_goes(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    less = {path: text for path, text in WANTED.items() if "flux" not in path}
    delivered = stack.up(less)
    assert content(bare) == written(less)
    assert delivered.orders == (Change("m/flux/tst", tree_id(a_tree("list")), EMPTY_TREE),)


@pytest.mark.parametrize("removal", ["", "a", "b", "c"])
def test_a_cluster_whose_machines_may_stand_does_not_leave(bare: Path, stack: Stack, removal: str) -> None:
    stack.up(WANTED, removal=removal)
    before = head(bare)
    with pytest.raises(Refused, match="not in the fleet: m/sites/s/c/two; decommission") as caught:
        stack.up({"m/sites/s/c/one": "1", "m/flux/tst": "list"})
    assert caught.value.code == "cluster-not-removed"
    assert head(bare) == before


def test_a_cluster_leaves_after_its_last_state(bare: Path, stack: Stack) -> None:
    stack.up({"m/sites/s/c/one": "1"}, removal="d")
    stack.up({"m/sites/s/c/one": ""}, removal="e")
    assert content(bare) == {}
    assert [(line.path, line.tree) for line in stack.manifest(bare).lines] == [("m/sites/s/c/one", EMPTY_TREE)]
    assert stack.up({"m/sites/s/c/one": ""}, removal="e").commits == ()
    stack.up({})
    assert stack.manifest(bare).lines == ()


# Foreign changes


@pytest.mark.parametrize(
    "edit",
    [
        {"m/sites/s/c/one/cluster.yaml": "edited\n"},
        {"m/sites/s/c/one/new.yaml": "added\n"},
        {},
    ],
)
def test_a_foreign_edit_stops_and_is_taken_back_on_demand(bare: Path, stack: Stack, edit: dict[str, str]) -> None:
    stack.up(WANTED)
    edited = commit(bare, edit, gone=() if edit else ["m/sites/s/c/one"])
    with pytest.raises(Conflict, match=r"changed what tst owns: m/sites/s/c/one; .*--take-back") as caught:
        stack.up(WANTED)
    assert caught.value.status == 17
    assert head(bare) == edited
    delivered = stack.up(WANTED, take_back=True)
    assert [change.path for change in delivered.orders] == ["m/sites/s/c/one"]
    assert content(bare) == written(WANTED)


def test_a_foreign_edit_is_seen_without_writing(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    commit(bare, {"m/sites/s/c/one/cluster.yaml": "edited\n"})
    stack.clone.refresh()
    snapshot = look(stack.clone, "tst")
    (change,) = drift(snapshot, stack.plan(WANTED).wave)
    assert change == Change("m/sites/s/c/one", snapshot.tree("m/sites/s/c/one"), tree_id(a_tree("1")))
    assert stack.clone.changed_files(change.old, change.new) == ("~ cluster.yaml",)
    comparison = compare(stack.plan(WANTED), snapshot, serial=1)
    assert (comparison.foreign, comparison.orders, bool(comparison)) == ((change,), (change,), True)


def test_a_branch_that_was_set_back_is_foreign(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    old = head(bare)
    changed = {**WANTED, "m/flux/tst": "other"}
    stack.up(changed)
    git(bare, "update-ref", "refs/heads/main", old)
    with pytest.raises(Conflict, match=r"\.schiff/tst\.json"):
        stack.up(changed)
    delivered = stack.up(changed, take_back=True)
    assert content(bare) == written(changed)
    assert delivered.serial == stack.manifest(bare).serial == 3


def test_a_repository_that_was_deleted_is_foreign(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    git(bare, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(Conflict):
        stack.up(WANTED)
    stack.up(WANTED, take_back=True)
    assert content(bare) == written(WANTED)


@pytest.mark.parametrize(
    "text", ["<<<<<<< HEAD\n", '{"v":1,"stack":"prd","serial":1,"ledger":{"seq":0,"digest":""}}\n']
)
def test_a_broken_manifest_stops_with_the_way_on(bare: Path, stack: Stack, text: str) -> None:
    stack.up(WANTED)
    commit(bare, {".schiff/tst.json": text})
    with pytest.raises(Conflict, match=r"\.schiff/tst\.json .*restore it from the last commit that schiff made"):
        stack.up(WANTED, take_back=True)


def test_edits_beside_the_owned_folders_are_nobodys_business(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    commit(bare, {"m/sites/s/c/README.md": "hello\n"})
    assert stack.up(WANTED).commits == ()


# Ownership


def test_two_stacks_share_a_repository(bare: Path, stack: Stack, tmp_path: Path) -> None:
    other = elsewhere(bare, tmp_path, "prd")
    stack.up(WANTED)
    other.up({"p/sites/s/c/one": "9"})
    assert content(bare) == written({**WANTED, "p/sites/s/c/one": "9"})
    stack.up({"m/sites/s/c/one": "1b", "m/sites/s/c/two": "2"})
    assert content(bare) == written({"m/sites/s/c/one": "1b", "m/sites/s/c/two": "2", "p/sites/s/c/one": "9"})
    assert other.up({"p/sites/s/c/one": "9"}).commits == ()


@pytest.mark.parametrize("path", ["m/sites/s/c/one", "m/sites/s/c/one/below", "m/sites/s"])
def test_a_path_of_another_stack_is_refused(bare: Path, stack: Stack, tmp_path: Path, path: str) -> None:
    stack.up(WANTED)
    before = head(bare)
    refused: list[dict[str, Any]] = [{}, {"adopt": True}, {"take_back": True}]
    for options in refused:
        with pytest.raises(Refused, match=rf"another stack owns .*{path} \(tst\)") as caught:
            elsewhere(bare, tmp_path, "prd").up({path: "x"}, **options)
        assert caught.value.code == "owned-by-another"
    assert head(bare) == before


def test_a_folder_that_nobody_owns_is_only_taken_on_demand(bare: Path, stack: Stack) -> None:
    commit(bare, {"m/sites/s/c/one/old.yaml": "by hand\n"})
    refused: list[dict[str, Any]] = [{}, {"take_back": True}]
    for options in refused:
        with pytest.raises(Refused, match=r"nobody owns what is there already: m/sites/s/c/one; .*--adopt"):
            stack.up(WANTED, **options)
    stack.up(WANTED, adopt=True)
    assert content(bare) == written(WANTED)


def test_adopting_does_not_take_back(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    commit(bare, {"m/sites/s/c/one/cluster.yaml": "edited\n"})
    with pytest.raises(Conflict):
        stack.up(WANTED, adopt=True)


# Shared folders

SHARED = {"components/calico/v1": "calico", "components/flux/v2": "flux"}


def test_shared_folders_are_added_and_never_removed(bare: Path, stack: Stack) -> None:
    delivered = stack.up({"locations/a/one": "1"}, shared=SHARED)
    assert (len(delivered.commits), delivered.shared) == (1, tuple(SHARED))
    assert content(bare) == written({"locations/a/one": "1", **SHARED})
    assert stack.up({"locations/a/one": "1"}).commits == ()
    stack.down(embedded=True)
    assert content(bare) == written(SHARED)


def test_a_shared_folder_that_is_missing_makes_a_commit_of_its_own(bare: Path, stack: Stack) -> None:
    stack.up({"locations/a/one": "1"}, shared={"components/calico/v1": "calico"})
    assert len(stack.up({"locations/a/one": "1"}, shared=SHARED).commits) == 1
    assert content(bare) == written({"locations/a/one": "1", **SHARED})


def test_shared_folders_travel_with_the_wave_when_there_are_no_orders(bare: Path, stack: Stack) -> None:
    stack.up({"locations/a/one": "1"})
    delivered = stack.up({"locations/a/one": "1"}, {"locations/a/one": "2"}, SHARED)
    assert (len(delivered.commits), delivered.shared) == (1, tuple(SHARED))
    assert content(bare) == written({"locations/a/one": "2", **SHARED})


def test_other_bytes_under_a_version_are_refused(bare: Path, stack: Stack, tmp_path: Path) -> None:
    stack.up({}, shared=SHARED)
    before = head(bare)
    with pytest.raises(Tampered, match="components/calico/v1; give it a new version"):
        elsewhere(bare, tmp_path, "prd").up({}, shared={"components/calico/v1": "other"}, take_back=True)
    assert head(bare) == before


# Races, refusals, kills, lost state


def test_a_lost_race_is_replayed_on_the_new_head(
    bare: Path, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.up(WANTED)
    other = elsewhere(bare, tmp_path, "prd")
    raced: list[int] = []

    def slow(*args: object, **options: object) -> bool:
        if len(raced) < 3:
            raced.append(1)
            monkeypatch.setattr(PUSH, push)
            other.up({"p/one": str(len(raced))})
            monkeypatch.setattr(PUSH, slow)
        return push(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(PUSH, slow)
    changed = {**WANTED, "m/flux/tst": "other"}
    delivered = stack.up(changed)
    assert content(bare) == written({**changed, "p/one": "3"})
    assert (len(delivered.commits), commits(bare)) == (1, 5)


def test_a_race_that_is_always_lost_ends_with_a_conflict(
    bare: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:

    def slow(*args: object, **options: object) -> bool:
        commit(bare, {"noise": str(commits(bare))})
        return push(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(PUSH, slow)
    with pytest.raises(Conflict, match="moved 5 times"):
        stack.up(WANTED)
    assert commits(bare) == 5


def test_a_foreign_edit_that_arrives_during_the_race_is_not_overwritten(
    bare: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.up(WANTED)

    def slow(*args: object, **options: object) -> bool:
        commit(bare, {"m/sites/s/c/one/cluster.yaml": "edited\n"})
        return push(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(PUSH, slow)
    with pytest.raises(Conflict, match="changed what tst owns"):
        stack.up({**WANTED, "m/flux/tst": "other"})
    assert files(bare)["m/sites/s/c/one/cluster.yaml"] == "edited\n"


def test_a_refused_push_changes_nothing_and_says_why(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    stack = Stack(url, tmp_path / "cache")
    stack.up(WANTED)
    before = head(bare)
    hook(bare, "pre-receive", "echo 'the branch is frozen until Monday' >&2; exit 1")
    with pytest.raises(Refused, match="the branch is frozen until Monday"):
        stack.up({**WANTED, "m/flux/tst": "other"})
    assert head(bare) == before
    hook(bare, "pre-receive", "exit 0")
    assert len(stack.up({**WANTED, "m/flux/tst": "other"}).commits) == 1


def test_a_server_that_is_gone_loses_nothing(bare: Path, stack: Stack, tmp_path: Path) -> None:
    stack.up(WANTED)
    bare.rename(tmp_path / "away.git")
    with pytest.raises(Failed, match="cannot be read"):
        stack.up(WANTED)
    (tmp_path / "away.git").rename(bare)
    assert stack.up(WANTED).commits == ()


def test_lost_state_and_lost_cache_make_no_commit(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    Stack(url, tmp_path / "cache").up(WANTED)
    before = head(bare)
    delivered = Stack(url, tmp_path / "other").up(WANTED)
    assert (delivered.commits, delivered.serial, head(bare)) == ((), 1, before)


def test_a_commit_after_a_lost_cache_needs_only_what_changed(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    Stack(url, tmp_path / "cache").up(WANTED)
    changed = {**WANTED, "m/sites/s/c/one": "1b"}
    Stack(url, tmp_path / "other").up(changed)
    assert content(bare) == written(changed)
    git(bare, "fsck", "--strict")


def test_a_push_never_fetches_what_it_replaces(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    Stack(url, tmp_path / "cache").up({"m/flux/tst": "\n".join(map(str, range(1000)))})
    git(bare, "config", "uploadpack.allowFilter", "true")
    stack = Stack(url, tmp_path / "other")
    stack.up({"m/flux/tst": "\n".join(map(str, range(1001)))})
    old = f"{head(bare)}^:m/flux/tst"
    assert (
        git(stack.clone.folder, "rev-list", "--objects", "--missing=print", git(bare, "rev-parse", old).strip()).count(
            "?"
        )
        == 2
    )


@pytest.mark.parametrize("moment", ["objects", "commits", "push", "state"])
def test_a_run_that_was_killed_is_finished_by_the_next(bare: Path, stack: Stack, tmp_path: Path, moment: str) -> None:
    stack.up(WANTED)
    changed = {**WANTED, "m/sites/s/c/one": "1b", "m/flux/new": "4"}
    args = [
        sys.executable,
        "-m",
        "tests.delivery.killed_run",
        str(bare),
        str(stack.folder),
        moment,
        json.dumps(changed),
    ]
    assert subprocess.run(args, check=False, cwd=Path(__file__).parents[2]).returncode == -9
    assert commits(bare) == (2 if moment == "state" else 1)
    stack.up(changed)
    assert content(bare) == written(changed)
    assert commits(bare) == 2
    assert elsewhere(bare, tmp_path).up(changed).commits == ()


def test_a_full_disk_loses_nothing(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    changed = {**WANTED, "m/flux/tst": "".join(sha256(b"%d" % number).hexdigest() for number in range(300))}
    before, limits = head(bare), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        with pytest.raises(Failed, match="git fast-import: Git was ended by SIGXFSZ"):
            stack.up(changed)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert head(bare) == before
    stack.up(changed)
    assert content(bare) == written(changed)


def test_objects_that_were_never_stored_are_not_delivered(bare: Path, stack: Stack) -> None:
    with pytest.raises(Failed):
        deliver(stack.plan(WANTED), stack.clone, when=WHEN)
    assert head(bare) == ""


# Destroying


def test_destroying_removes_what_the_stack_owns_in_one_commit(bare: Path, stack: Stack, tmp_path: Path) -> None:
    stack.up(WANTED)
    other = elsewhere(bare, tmp_path, "prd")
    other.up({"p/one": "9"})
    gone = stack.down(embedded=True)
    assert content(bare) == written({"p/one": "9"})
    assert ".schiff/tst.json" not in files(bare)
    assert (len(gone.commits), gone.serial, commits(bare)) == (1, 0, 3)
    assert other.up({"p/one": "9"}).commits == ()
    assert stack.down().commits == ()


def test_destroying_clusters_that_stand_is_refused(bare: Path, stack: Stack) -> None:
    stack.up(WANTED, removal="d")
    before = head(bare)
    with pytest.raises(Refused, match="still has clusters: m/sites/s/c/one, m/sites/s/c/two") as caught:
        stack.down()
    assert (caught.value.code, head(bare)) == ("clusters-remain", before)


def test_destroying_after_the_last_state_is_allowed(bare: Path, stack: Stack) -> None:
    stack.up({"m/sites/s/c/one": "", "m/flux/tst": "list"}, removal="e")
    stack.down()
    assert files(bare) == {}


def test_destroying_does_not_bury_a_foreign_edit(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    edited = commit(bare, {"m/sites/s/c/one/cluster.yaml": "edited\n"})
    with pytest.raises(Conflict, match="m/sites/s/c/one"):
        stack.down(embedded=True)
    assert head(bare) == edited
    stack.down(embedded=True, take_back=True)
    assert content(bare) == {}


def test_a_destroyed_stack_may_come_back(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    stack.down(embedded=True)
    stack.serial = 0
    assert len(stack.up(WANTED).commits) == 1
    assert content(bare) == written(WANTED)


# Proposals


def test_a_proposal_is_a_branch_with_a_merge_request(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    stack = Stack(url, tmp_path / "cache")
    stack.up(WANTED)
    before = head(bare)
    hook(bare, "pre-receive", f'env | grep "^GIT_PUSH_OPTION_[0-9]" | sort > {bare}/seen')
    changed = {**WANTED, "m/flux/tst": "other"}
    proposed = stack.up(changed, proposal=True)
    assert (proposed.proposed, proposed.head, proposed.serial, head(bare)) == (True, before, 1, before)
    assert {key: text for key, text in files(bare, "schiff/tst").items() if key[0] != "."} == written(changed)
    assert head(bare, proposal_branch("tst")) == proposed.commits[-1]
    seen = (bare / "seen").read_text()
    assert re.search(r"=merge_request\.create\n.*=merge_request\.target=main\n.*title=tst: orders, 1 changed\n", seen)


def test_a_proposal_that_stands_is_left_alone_and_renewed_when_the_target_moves(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    changed = {**WANTED, "m/flux/tst": "other"}
    stack.up(changed, proposal=True)
    first = head(bare, "schiff/tst")
    stack.up(changed, proposal=True, when=None)
    assert head(bare, "schiff/tst") == first
    target = commit(bare, {"README.md": "new\n"})
    stack.up(changed, proposal=True)
    assert git(bare, "rev-parse", "schiff/tst^").strip() == target


def test_a_proposal_of_orders_and_wave_that_was_merged_is_delivered(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    orders, wave = {**WANTED, "m/flux/tst": "a"}, {**WANTED, "m/flux/tst": "a", "m/sites/s/c/two": "b"}
    assert len(stack.up(orders, wave, proposal=True).commits) == 2
    git(bare, "update-ref", "refs/heads/main", head(bare, "schiff/tst"))
    merged = stack.up(wave, proposal=True)
    assert (merged.proposed, merged.commits, merged.serial) == (False, (), 3)


def test_a_proposal_shows_a_foreign_edit_of_the_target(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    commit(bare, {"m/sites/s/c/one/cluster.yaml": "edited\n"})
    with pytest.raises(Conflict):
        stack.up(WANTED, proposal=True)


def test_a_removal_can_be_proposed(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    gone = stack.down(embedded=True, proposal=True)
    assert (gone.proposed, content(bare)) == (True, written(WANTED))
    assert files(bare, "schiff/tst") == {}


# Looking


def test_looking_at_an_empty_repository_finds_nothing(stack: Stack) -> None:
    stack.clone.refresh()
    snapshot = look(stack.clone, "tst")
    assert (snapshot.head, snapshot.manifest, snapshot.serial, snapshot.lines) == (None, None, 0, ())
    assert foreign(snapshot) == ()
    wanted = Line("a/b", tree_id(a_tree("1")), "folder", "x")
    assert drift(snapshot, [wanted]) == (Change("a/b", EMPTY_TREE, wanted.tree),)


def test_a_preview_writes_nothing_but_cache(bare: Path, stack: Stack) -> None:
    stack.up(WANTED)
    before = git(bare, "for-each-ref")
    changed = {**WANTED, "m/flux/tst": "other"}
    stack.store(changed)
    comparison = compare(stack.plan(changed), look(stack.clone, "tst"), serial=1)
    assert stack.clone.changed_files(comparison.orders[0].old, comparison.orders[0].new) == (
        "~ cluster.yaml",
        "~ sub/kustomization.yaml",
    )
    assert git(bare, "for-each-ref") == before


def test_thousands_of_folders_are_seen_by_a_handful_of_processes(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {f"m/flux/{number:04}": "x" for number in range(1500)}
    stack.up(wanted)
    stack.clone.refresh()
    snapshot = look(stack.clone, "tst")
    monkeypatch.setenv("PATH", "/nowhere")
    assert drift(snapshot, stack.plan(wanted).wave) == ()
    assert not compare(stack.plan(wanted), snapshot)


def test_a_stored_folder_is_not_stored_again_after_delivery(stack: Stack) -> None:
    stack.up(WANTED)
    trees: dict[str, FileTree] = {path: a_tree(text) for path, text in WANTED.items()}
    assert store_objects(stack.clone, trees) == 0

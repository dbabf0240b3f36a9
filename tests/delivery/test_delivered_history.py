"""What stood delivered after each commit of a branch."""

from __future__ import annotations

from pathlib import Path

import pytest

from schiff.delivery.delivered import DeliveredManifest, LedgerHead, Line
from schiff.delivery.delivered_history import Delivery, deliveries
from schiff.errors import Failed
from schiff.rollout.reopening import Standing
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion
from tests.delivery.world import WHEN, Stack
from tests.git.repositories import a_repository, commit, git, head

ONE = {"m/sites/s/c/one": "1"}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return a_repository(tmp_path)


def past(bare: Path, tmp_path: Path, *stacks: str) -> list[Delivery]:
    return list(deliveries(str(bare), "main", stacks or ("tst",), tmp_path / "elsewhere"))


def test_every_delivery_newest_first_and_nothing_of_others(bare: Path, tmp_path: Path) -> None:
    stack, other = Stack(bare, tmp_path / "cache"), Stack(bare, tmp_path / "cache", "tst-shard")
    stack.up(ONE)
    first = head(bare)
    commit(bare, {"README.md": "of people\n"})
    stack.up({"m/sites/s/c/one": "2"})
    second = head(bare)
    other.up({"n/sites/s/c/two": "1"})
    assert [one.commit for one in past(bare, tmp_path)] == [head(bare), second, first]
    both = past(bare, tmp_path, "tst", "tst-shard")
    assert sorted(line.path for line in both[0].lines) == ["m/sites/s/c/one", "n/sites/s/c/two"]
    assert past(bare, tmp_path, "prd") == []


def test_what_somebody_else_changed_is_no_delivery(bare: Path, tmp_path: Path) -> None:
    stack = Stack(bare, tmp_path / "cache")
    stack.up(ONE)
    first = head(bare)
    manifest = git(bare, "show", "main:.schiff/tst.json")
    commit(bare, {".schiff/tst.json": f"{manifest}\n", "m/sites/s/c/one/cluster.yaml": "edited\n"})
    commit(bare, {".schiff/tst.json": "rubbish"})
    assert [one.commit for one in past(bare, tmp_path)] == [first]


def test_a_branch_without_a_delivery_has_none_and_one_that_cannot_be_read_says_so(bare: Path, tmp_path: Path) -> None:
    assert past(bare, tmp_path) == []
    with pytest.raises(Failed, match="cannot be read"):
        past(tmp_path / "absent.git", tmp_path)


def test_lines_say_what_clusters_and_their_managers_ran() -> None:
    tree, release = "a" * 40, f"sha256:{'1' * 64}"
    manifest = DeliveredManifest(
        "prd",
        1,
        LedgerHead(),
        (
            Line("m/self-definitions", tree, "folder", "m", release, "v1.35.4"),
            Line("m/flux/prd", tree, "folder", "m"),
            Line("m/sites/s/c/one", tree, "cluster", "s/one", "head", "v1.34.6"),
            Line("m/sites/s/c/two", tree, "cluster", "s/two", release, "v1.35.4", "b"),
        ),
    )
    found = Delivery("c0ffee", WHEN, manifest.lines)
    assert found.standings == {
        "m": Standing(release, KubernetesVersion(1, 35, 4)),
        ClusterKey("s", "one"): Standing("head", KubernetesVersion(1, 34, 6)),
        ClusterKey("s", "two"): Standing(release, KubernetesVersion(1, 35, 4), "b"),
    }
    assert found.releases == {release}

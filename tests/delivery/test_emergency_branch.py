"""The branch of backups: only what changed, nothing ever removed, no run undoes another."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schiff.delivery import emergency_branch
from schiff.delivery.emergency_branch import Backup, Saved, backup_path, save
from schiff.errors import Conflict
from schiff.git.repository import LostRace, replace_files
from schiff.manifests.emergency import backup_manifest
from schiff.values.names import ClusterKey
from tests.delivery.sops_documents import a_key, opened, readers
from tests.git.repositories import files, git

WHEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
BRANCH = "emergency/tst"
PRIVATE, PUBLIC = a_key()


@dataclass
class Branch:
    """Somebody who saves backups from a machine of their own."""

    folder: Path
    bin_dir: Path

    @property
    def bare(self) -> Path:
        return self.folder / "ledger.git"

    def save(self, *backups: Backup, cache: str = "cache") -> Saved:
        search_path = str(self.bin_dir)
        return save(str(self.bare), "tst", backups, cache_dir=self.folder / cache, when=WHEN, search_path=search_path)

    @property
    def files(self) -> dict[str, str]:
        return files(self.bare, BRANCH)

    @property
    def commits(self) -> int:
        return int(git(self.bare, "rev-list", "--count", BRANCH))


@pytest.fixture
def branch(tmp_path: Path, bin_dir: Path) -> Branch:
    return Branch(tmp_path, bin_dir)


def a_backup(cluster: str = "shop", content: str = "canary-4711", purpose: str = "ca") -> Backup:
    key, name = ClusterKey("site-1", cluster), f"{cluster}-{purpose}"
    live: dict[str, Any] = {
        "metadata": {"name": name, "namespace": str(key).replace("/", "-")},
        "type": "cluster.x-k8s.io/secret",
        "data": {"value": base64.b64encode(content.encode()).decode()},
    }
    manifest = backup_manifest(live, cluster, "schiff.example")
    return Backup(backup_path("mgmt-1", key, name), manifest, (PUBLIC,))


def test_a_secret_is_one_file_that_its_readers_can_apply_again(branch: Branch) -> None:
    backup = a_backup()
    found = branch.save(backup)
    assert found.paths == ("mgmt-1/site-1/shop/shop-ca.yaml",)
    assert list(branch.files) == list(found.paths)
    assert opened(branch.files[found.paths[0]].encode(), PRIVATE, branch.bin_dir) == backup.manifest.as_dict()


def test_nothing_secret_stands_in_clear_anywhere(branch: Branch) -> None:
    branch.save(a_backup())
    hidden = [b"canary-4711", base64.b64encode(b"canary-4711")]
    (document,) = branch.files.values()
    assert not any(each in document.encode() for each in hidden)
    for path in branch.folder.rglob("*"):
        assert path.is_dir() or not any(each in path.read_bytes() for each in hidden)
    assert "canary" not in repr(a_backup())


def test_what_did_not_change_makes_no_commit(branch: Branch) -> None:
    branch.save(a_backup(), a_backup(purpose="sa"))
    before = branch.files
    assert branch.save(a_backup(), a_backup(purpose="sa"), cache="other") == Saved()
    assert branch.files == before
    assert branch.commits == 1


def test_only_what_changed_is_written(branch: Branch) -> None:
    branch.save(a_backup(), a_backup(purpose="sa"))
    before = branch.files
    found = branch.save(a_backup(content="renewed"), a_backup(purpose="sa"))
    assert found.paths == ("mgmt-1/site-1/shop/shop-ca.yaml",)
    changed = {path for path, text in branch.files.items() if text != before[path]}
    assert changed == set(found.paths)
    assert branch.commits == 2


def test_new_readers_get_what_is_there(branch: Branch) -> None:
    branch.save(a_backup())
    private, public = a_key()
    branch.save(replace(a_backup(), readers=(PUBLIC, public)))
    (document,) = branch.files.values()
    assert sorted(readers(document.encode())) == sorted([PUBLIC, public])
    assert opened(document.encode(), private, branch.bin_dir)["kind"] == "Secret"


def test_a_secret_that_is_gone_keeps_its_backup(branch: Branch) -> None:
    branch.save(a_backup(), a_backup("stall"))
    branch.save(a_backup(content="renewed"))
    assert len(branch.files) == 2


def test_nothing_to_save_makes_no_repository(branch: Branch) -> None:
    assert branch.save() == Saved()
    assert not branch.bare.exists()


def test_whoever_loses_a_race_keeps_what_the_other_saved(branch: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    first = True

    def after_a_rival(*args: Any, **options: Any) -> str:
        nonlocal first
        if first:
            first = False
            branch.save(a_backup("stall"), cache="rival")
        return replace_files(*args, **options)

    monkeypatch.setattr(emergency_branch, "replace_files", after_a_rival)
    branch.save(a_backup())
    assert list(branch.files) == ["mgmt-1/site-1/shop/shop-ca.yaml", "mgmt-1/site-1/stall/stall-ca.yaml"]


def test_runs_at_once_lose_nothing(branch: Branch) -> None:
    names = [f"shop-{number}" for number in range(4)]
    with ThreadPoolExecutor(len(names)) as runs:
        list(runs.map(lambda name: branch.save(a_backup(name), cache=name), names))
    assert [path.split("/")[2] for path in branch.files] == names


def test_a_race_that_is_always_lost_ends(branch: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any, **__: Any) -> str:
        raise LostRace("moved")

    monkeypatch.setattr(emergency_branch, "replace_files", lost)
    with pytest.raises(Conflict, match="run the command again"):
        branch.save(a_backup())

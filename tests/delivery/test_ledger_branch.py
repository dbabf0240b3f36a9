from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schiff.delivery.ledger_branch import Proposal, append_to_ledger, reopen_ledger
from schiff.errors import Conflict, Failed, Refused, Tampered
from schiff.git.process import run_git
from schiff.git.repository import read_branch
from schiff.rollout.bodies import Closed
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.reopening import beginning
from schiff.sources.ledger_branch import read_ledger
from schiff.values.digests import digest_of_bytes
from tests.delivery.ledger_writers import commit_file, notes, one_genesis

KILLS = 6


def commits(url: str, environment: str = "tst") -> list[str]:
    return run_git("log", "--format=%H", f"ledger/{environment}", folder=Path(url)).decode().split()


def begun(folder: Path) -> str:
    url = str(folder / "ledger.git")
    append_to_ledger(url, "tst", one_genesis("tst"), folder / "cache")
    return url


def test_each_entry_is_one_commit_with_one_file_on_an_orphan_branch(tmp_path: Path) -> None:
    url = begun(tmp_path)
    append_to_ledger(url, "tst", notes(2), tmp_path / "cache")
    files = run_git("ls-tree", "-r", "--name-only", "ledger/tst", folder=Path(url)).decode().split()
    assert files == ["000000.json", "000001.json", "000002.json"]
    assert len(commits(url)) == 3


def test_what_an_entry_cites_comes_in_its_commit(tmp_path: Path) -> None:
    url, cited = begun(tmp_path), b'{"v":1}\n'
    digest = digest_of_bytes(cited)

    def propose(ledger: Ledger) -> Proposal | None:
        entry = notes(1)(ledger)
        return None if entry is None else Proposal(entry, {digest: cited})

    ledger = append_to_ledger(url, "tst", propose, tmp_path / "cache")
    changed = run_git("show", "--format=", "--name-only", "ledger/tst", folder=Path(url)).decode().split()
    assert changed == ["000001.json", f"objects/{digest.removeprefix('sha256:')}.json"]
    assert ledger.objects == read_ledger(url, "tst", tmp_path / "cache").objects == {digest: cited}


def test_an_object_under_a_wrong_digest_is_refused(tmp_path: Path) -> None:
    url = begun(tmp_path)
    before = commits(url)

    def propose(ledger: Ledger) -> Proposal | None:
        entry = notes(1)(ledger)
        return None if entry is None else Proposal(entry, {digest_of_bytes(b"a"): b"b"})

    with pytest.raises(Refused, match="is not sha256:"):
        append_to_ledger(url, "tst", propose, tmp_path / "cache")
    assert commits(url) == before


def test_a_witness_hears_of_an_entry_once_it_stands_on_the_branch(tmp_path: Path) -> None:
    url, told = begun(tmp_path), list[tuple[int, int]]()

    def witness(entry: Entry) -> None:
        told.append((entry.seq, len(commits(url))))

    def propose(ledger: Ledger) -> Entry | None:
        if not told and len(ledger.entries) == 1:
            append_to_ledger(url, "tst", notes(1, "user:rival"), tmp_path / "rival-cache")
        return notes(2)(ledger)

    append_to_ledger(url, "tst", propose, tmp_path / "cache", witness=witness)
    assert told == [(2, 3), (3, 4)]


def test_nothing_proposed_writes_nothing(tmp_path: Path) -> None:
    url = begun(tmp_path)
    before = commits(url)
    append_to_ledger(url, "tst", one_genesis("tst"), tmp_path / "cache")
    assert commits(url) == before


def test_equal_entries_make_equal_commits_on_every_machine(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert commits(begun(tmp_path)) == commits(begun(tmp_path / "other"))


def test_environments_have_branches_of_their_own(tmp_path: Path) -> None:
    url = begun(tmp_path)
    append_to_ledger(url, "prd", one_genesis("prd"), tmp_path / "cache")
    assert len(commits(url, "prd")) == len(commits(url, "tst")) == 1


def test_whoever_loses_a_race_decides_again_on_the_new_head(tmp_path: Path) -> None:
    url = begun(tmp_path)
    seen: list[int] = []

    def propose(ledger: Ledger) -> Entry | None:
        seen.append(len(ledger.entries))
        if len(seen) == 1:
            append_to_ledger(url, "tst", notes(1, "user:rival"), tmp_path / "rival-cache")
        return notes(1)(ledger)

    after = append_to_ledger(url, "tst", propose, tmp_path / "cache")
    assert [entry.actor for entry in after.entries] == ["user:a", "user:rival", "user:a"]
    assert seen == [1, 2, 3]


def test_whoever_always_loses_gives_up_without_writing(tmp_path: Path) -> None:
    url = begun(tmp_path)

    def propose(ledger: Ledger) -> Entry | None:
        append_to_ledger(url, "tst", notes(len(ledger.entries), "user:rival"), tmp_path / "rival-cache")
        return notes(1)(ledger)

    with pytest.raises(Conflict, match="others appended to ledger/tst 5 times"):
        append_to_ledger(url, "tst", propose, tmp_path / "cache")
    assert {entry.actor for entry in read_ledger(url, "tst", tmp_path / "cache").entries[1:]} == {"user:rival"}


def test_many_writers_at_once_lose_no_entry_and_write_none_twice(tmp_path: Path) -> None:
    url = begun(tmp_path)

    def write(writer: int) -> None:
        for _ in range(20):
            try:
                append_to_ledger(url, "tst", notes(2, f"user:{writer}"), tmp_path / f"cache-{writer}")
            except Conflict:
                continue
            return

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    texts = [entry.body.get("text") for entry in read_ledger(url, "tst", tmp_path / "cache").entries[1:]]
    assert sorted(map(str, texts)) == sorted(f"user:{writer} {number}" for writer in range(3) for number in range(2))


def test_nothing_is_appended_to_a_chain_that_does_not_hold(tmp_path: Path) -> None:
    url = begun(tmp_path)
    commit_file(tmp_path, url, "ledger/tst", "000000.json", b"{}\n")
    before = commits(url)
    with pytest.raises(Tampered):
        append_to_ledger(url, "tst", notes(1), tmp_path / "cache")
    assert commits(url) == before


def test_an_entry_that_is_refused_leaves_the_branch_as_it_was(tmp_path: Path) -> None:
    url = begun(tmp_path)
    before = commits(url)

    def propose(ledger: Ledger) -> Entry | None:
        return ledger.append("note", {"text": ""}, at="2026-11-25T06:00:00Z", actor="a", fleet="none")

    with pytest.raises(Refused, match="text"):
        append_to_ledger(url, "tst", propose, tmp_path / "cache")
    assert commits(url) == before


def test_a_server_that_is_not_there_is_a_failure_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be read"):
        append_to_ledger(f"file://{tmp_path}/absent.git", "tst", one_genesis("tst"), tmp_path / "cache")


WRITER = """
import sys
from pathlib import Path
from schiff.delivery.ledger_branch import append_to_ledger
from tests.delivery.ledger_writers import notes
append_to_ledger(sys.argv[1], "tst", notes(1000), Path(sys.argv[2]))
"""


def test_a_writer_killed_at_any_moment_leaves_whole_entries_and_no_lock(tmp_path: Path) -> None:
    url = begun(tmp_path)
    for kill in range(KILLS):
        before = len(commits(url))
        process = subprocess.Popen([sys.executable, "-c", WRITER, url, str(tmp_path / "cache")], start_new_session=True)
        deadline = time.monotonic() + 60
        while len(commits(url)) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.013 * kill)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert len(read_ledger(url, "tst", tmp_path / "cache").entries) == len(commits(url)) > before
    count = len(commits(url))
    append_to_ledger(url, "tst", notes(count), tmp_path / "cache")
    assert len(commits(url)) == count + 1


def closing(ledger: Ledger) -> Entry:
    """Return a beginning that closes a chain."""
    end = ledger.entries[-1]
    closed = Closed(seq=end.seq, digest=end.digest, commit="c0ffee", definitions="f00d", reason="broken")
    body = {**ledger.entries[0].body, "closes": closed.as_document()}
    return beginning("tst", closed, body, at=end.at, actor="user:a", fleet="none")


def test_a_new_chain_begins_on_top_of_the_old_one_which_stays_in_the_history(tmp_path: Path) -> None:
    url, told = begun(tmp_path), list[Entry]()
    before = append_to_ledger(url, "tst", notes(2), tmp_path / "cache")
    entry, found = closing(before), read_branch(url, "ledger/tst", tmp_path / "cache")
    reopen_ledger(url, "tst", entry, found, tmp_path / "cache", witness=told.append)
    assert read_ledger(url, "tst", tmp_path / "cache").entries == (entry,)
    assert (commits(url)[1], told) == (found.head, [entry])
    after = append_to_ledger(url, "tst", notes(1), tmp_path / "cache")
    assert [one.seq for one in after.entries] == [3, 4]


def test_whoever_writes_in_between_is_not_written_over(tmp_path: Path) -> None:
    url, told = begun(tmp_path), list[Entry]()
    entry = closing(read_ledger(url, "tst", tmp_path / "cache"))
    found = read_branch(url, "ledger/tst", tmp_path / "cache")
    append_to_ledger(url, "tst", notes(1), tmp_path / "cache")
    with pytest.raises(Conflict, match="somebody wrote to ledger/tst in between"):
        reopen_ledger(url, "tst", entry, found, tmp_path / "cache", witness=told.append)
    assert (len(read_ledger(url, "tst", tmp_path / "cache").entries), told) == (2, [])

"""Running Git: failures become sentences, and nobody's credentials or repositories leak in or out."""

from __future__ import annotations

from pathlib import Path

import pytest

from schiff.errors import Failed
from schiff.git.process import Ended, redacted, run_git, try_git


def test_a_failure_is_a_sentence_with_gits_own_words(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"^git rev-parse: fatal: not a git repository"):
        run_git("rev-parse", "HEAD", folder=tmp_path)


def test_git_missing_from_the_machine_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failed, match="apt install git"):
        run_git("version")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("fatal: https://user:secret@git.example/x.git not found", "fatal: https://git.example/x.git not found"),
        ("'https://token@host/x' and ssh://git@host/y", "'https://host/x' and ssh://host/y"),
        ("a@b and https://host/a@b", "a@b and https://host/a@b"),
    ],
)
def test_credentials_in_urls_are_never_shown(text: str, safe: str) -> None:
    assert redacted(text) == safe


def test_credentials_do_not_reach_an_error() -> None:
    with pytest.raises(Failed) as caught:
        run_git("ls-remote", "http://user:hunter2@127.0.0.1:1/x.git")
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_the_sentence_of_a_failure_keeps_what_matters() -> None:
    said = "hint: try\nremote: \nfatal: http://u:hunter2@h/x is broken\nerror: failed to push some refs to 'x'\n"
    assert Ended(1, b"", said).sentence == "fatal: http://h/x is broken"
    assert Ended(3, b"", "").sentence == "Git ended with status 3 and said nothing"


def test_a_repository_of_the_caller_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run_git("init", "-q", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_TRACE", "1")
    ended = try_git("-C", str(tmp_path), "rev-parse", "--git-dir")
    assert ended.status != 0
    assert "trace" not in ended.err


def test_a_program_that_ends_before_its_input_is_read_says_why() -> None:
    with pytest.raises(Failed, match=r"not a git repository|unknown option"):
        run_git("fast-import", "--no-such-option", stdin=(b"x" * 65536 for _ in range(100)), folder=Path("/nowhere"))


def test_input_that_cannot_be_made_ends_git_too(tmp_path: Path) -> None:
    run_git("init", "-q", "--bare", str(tmp_path))

    def broken() -> bytes:
        raise RuntimeError("no input")

    with pytest.raises(RuntimeError, match="no input"):
        try_git("hash-object", "--stdin", folder=tmp_path, stdin=(broken() for _ in range(1)))

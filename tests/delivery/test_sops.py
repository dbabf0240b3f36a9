"""Encrypting by the real `sops`: the right readers, and no way out for the clear text."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from schiff.delivery.sops import encrypt
from schiff.errors import Failed
from tests.delivery.sops_documents import a_key, opened, readers

CANARY = "canary-4711"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a, namespace: b}}\nstringData: {{k: {CANARY}}}\n".encode()


def test_what_is_encrypted_comes_back_for_each_recipient(bin_dir: Path) -> None:
    keys = [a_key(), a_key()]
    document = encrypt(SECRET, [recipient for _, recipient in keys], str(bin_dir))
    for private, _ in keys:
        assert opened(document, private, bin_dir) == yaml.safe_load(SECRET)


def test_only_data_is_encrypted(bin_dir: Path) -> None:
    document = encrypt(SECRET, [a_key()[1]], str(bin_dir))
    assert CANARY.encode() not in document
    clear = yaml.safe_load(document)
    assert (clear["kind"], clear["metadata"]) == ("Secret", {"name": "a", "namespace": "b"})


def test_no_reader_comes_in_by_a_file_or_a_variable(
    bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, other = a_key()[1], a_key()[1]
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n- age: {other}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOPS_AGE_RECIPIENTS", other)
    monkeypatch.setenv("SOPS_PGP_FP", "A" * 40)
    assert readers(encrypt(SECRET, [wanted], str(bin_dir))) == [wanted]


def test_a_machine_without_sops_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"^the program sops is not there; install it"):
        encrypt(SECRET, [a_key()[1]], str(tmp_path))


def test_the_clear_text_is_in_no_argument_and_in_no_file(
    bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    run = subprocess.run

    def recording(command: Any, **options: Any) -> Any:
        started.append((command, options["env"]))
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", recording)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    encrypt(SECRET, [a_key()[1]], str(bin_dir))
    assert started
    assert CANARY not in str(started)
    assert not list(tmp_path.iterdir())


def test_a_wrong_recipient_is_named_by_sops_own_words(bin_dir: Path) -> None:
    with pytest.raises(Failed, match="age public key") as caught:
        encrypt(SECRET, ["age1" + "q" * 58], str(bin_dir))
    assert CANARY not in str(caught.value)


def test_an_error_never_quotes_the_document(bin_dir: Path) -> None:
    broken = f"stringData: {{k: {CANARY}\n{CANARY}".encode()
    with pytest.raises(Failed, match="takes these recipients and not this document") as caught:
        encrypt(broken, [a_key()[1]], str(bin_dir))
    assert CANARY not in str(caught.value)

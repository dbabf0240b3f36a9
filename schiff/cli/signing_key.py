"""Which SSH key somebody signs with: one they name, else the one that Git signs their commits with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from schiff.errors import InvalidInput, Place, Problem
from schiff.git.process import try_git

_LITERAL = ("ssh-", "ecdsa-", "sk-")


@contextmanager
def signing_key(given: Path | None) -> Iterator[Path]:
    """Give the file of the key; raises `InvalidInput` when there is none.

    Git's setting may spell a public key out, whose private half an agent has.
    """
    said = "" if given is not None else _said()
    literal = said.removeprefix("key::")
    if not literal.startswith(_LITERAL):
        yield given or Path(said)
        return
    with TemporaryDirectory(prefix="schiff-key-") as folder:
        file = Path(folder, "key.pub")
        file.write_text(f"{literal}\n", encoding="utf-8")
        yield file


def _said() -> str:
    said = try_git("config", "--type=path", "--get", "user.signingkey").out.decode(errors="replace").strip()
    if not said:
        cure = "name your key, or tell Git: git config --global user.signingkey ~/.ssh/id_ed25519.pub"
        raise InvalidInput([Problem(Place("--key"), "", "no key is named", cure)])
    return said

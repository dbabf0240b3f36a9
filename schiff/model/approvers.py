"""``fleet/approvers``: whose signature counts, in the form that ``ssh-keygen`` calls *allowed signers*.

One person is one principal, an e-mail address, so that two approvals are two
people and an author is recognised by the address in Git::

    anna@example.org namespaces="schiff" ssh-ed25519 AAAA... laptop

Rules, in the order of the code:

1. A line is a principal, options, a kind of key, the key, and what people say about it.
2. A principal is one e-mail address in small letters: no list, no pattern, no authority that vouches for others.
3. A key is whole, of the kind it says, and of one person.
4. A key that anybody has, as the ones that travel with schiff for rehearsals, counts nowhere else.

Who leaves keeps the line, ended by ``valid-before="20261201"``: what was signed
before still holds, and the chain with it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from schiff.errors import InvalidInput, InvalidValue, Place, Problem

NAMESPACE = "schiff"
"""What a signature is for: one made for another purpose never counts as an approval."""

_KINDS = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
_LINE = re.compile(
    rf"(?P<principal>\S+)\s+(?:(?P<options>(?:[a-z-]+(?:=\"[^\"]*\")?)(?:,[a-z-]+(?:=\"[^\"]*\")?)*)\s+)??"
    rf"(?P<kind>{'|'.join(map(re.escape, _KINDS))})\s+(?P<key>\S+)(?:\s.*)?"
)
_OPTION = re.compile(r"([a-z-]+)(?:=\"([^\"]*)\")?")
_PRINCIPAL = re.compile(r"[^\s@,*?!\"A-Z]+@[^\s@,*?!\"A-Z]+")
_MOMENT = re.compile(r"[0-9]{8}([0-9]{4}([0-9]{2})?)?Z?")
_EXAMPLE = 'anna@example.org namespaces="schiff" ssh-ed25519 AAAA...'


@dataclass(frozen=True, slots=True)
class Approvers:
    """The file as it is, for the program that verifies, and the principals in it."""

    content: bytes = b""
    principals: frozenset[str] = frozenset()


NOBODY = Approvers()
"""A fleet without the file: no signature counts."""


def parse_approvers(content: bytes, file: str, public: Collection[str] = ()) -> Approvers:
    """Read the file; raises `InvalidInput` with every line that is wrong. `public` are keys that anybody has."""
    found = dict(_lines(content))
    problems = [
        Problem(Place(file, number), "", message, cure, rule="approvers")
        for number, message, cure in _problems(found, public)
    ]
    if problems:
        raise InvalidInput(problems)
    return Approvers(content, frozenset(line.split()[0] for line in found.values()))


def keys_of(content: bytes) -> frozenset[str]:
    """Return the keys that a sound file names."""
    matches = (_LINE.fullmatch(line) for _, line in _lines(content))
    return frozenset(match["key"] for match in matches if match)


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _problems(lines: Mapping[int, str], public: Collection[str]) -> Iterator[tuple[int, str, str]]:
    owners: dict[str, tuple[int, str]] = {}
    for number, line in lines.items():
        match = _LINE.fullmatch(line)
        if match is None:
            yield number, "is no line of allowed signers", f"write e.g. {_EXAMPLE}"
            continue
        principal, key = match["principal"], match["key"]
        if not _PRINCIPAL.fullmatch(principal):
            yield (
                number,
                f"{principal!r} is not one e-mail address in small letters",
                "one person, one address, one line",
            )
        yield from ((number, *said) for said in _option_problems(match["options"] or ""))
        yield from ((number, *said) for said in _key_problems(match["kind"], key))
        before, owner = owners.setdefault(key, (number, principal))
        if before != number:
            same = "the same key again" if owner == principal else f"{owner} has this key too"
            yield number, f"{same}, in line {before}", "remove one: two approvals must be two people"
        if key in public:
            yield number, "this key is for rehearsals only: anybody has its private half", "remove the line"


def _option_problems(options: str) -> Iterator[tuple[str, str]]:
    for name, value in _OPTION.findall(options):
        if name == "namespaces":
            if NAMESPACE not in value.split(","):
                yield f"its namespaces leave out {NAMESPACE}", f'write namespaces="{NAMESPACE}"'
        elif name in {"valid-after", "valid-before"}:
            if not _MOMENT.fullmatch(value):
                yield f"{name} is no day", f'write e.g. {name}="20261201"'
        elif name == "cert-authority":
            yield "an authority may vouch for anybody", "name each person's own key"
        else:
            yield f"{name} is no option of allowed signers", "remove it"


def _key_problems(kind: str, key: str) -> Iterator[tuple[str, str]]:
    try:
        _require_key(kind, key)
    except InvalidValue as error:
        yield str(error), "copy the line of the .pub file"


def _require_key(kind: str, key: str) -> None:
    """Raise `InvalidValue` unless a key is whole and of the kind that is said."""
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue("the key is not whole") from None
    parts = list(_parts(blob))
    if len(parts) < 2 or b"".join(len(part).to_bytes(4) + part for part in parts) != blob:
        raise InvalidValue("the key is not whole")
    if parts[0] != kind.encode():
        raise InvalidValue(f"the key is not of the kind {kind}")


def _parts(blob: bytes) -> Iterator[bytes]:
    """Yield the length-prefixed parts that a key is made of."""
    place = 0
    while place + 4 <= len(blob):
        length = int.from_bytes(blob[place : place + 4])
        yield blob[place + 4 : place + 4 + length]
        place += 4 + length

"""Writing an order with the cluster's key beside it: both after everything was checked, or neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from schiff.checks.fleet_rules import fleet_problems
from schiff.checks.fleet_secret_rules import RULES_FILE
from schiff.cli.fleet_check import on_head
from schiff.errors import InvalidInput, Problem, Refused
from schiff.layers.assemble import survey
from schiff.layers.fleet_layout import SECRETS
from schiff.layers.resolve import survey_environment
from schiff.layers.yaml_documents import read_document
from schiff.manifests.sops import KEY_FILE, sops_file
from schiff.model.fleet import Document
from schiff.sources.fleet_files import FleetFiles, read_folder, survey_fleet
from schiff.values.names import ENVIRONMENTS

RULES = RULES_FILE
"""Where `sops` finds the recipients of each place; made from the fleet, so that nobody is forgotten."""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order that is not in the fleet yet: its path without ending, and its text."""

    stem: str
    text: str

    @property
    def file(self) -> str:
        """Where the order goes."""
        return f"{self.stem}.yaml"

    @property
    def key(self) -> str:
        """Where the cluster's key goes."""
        return f"{self.stem}{SECRETS}/{KEY_FILE}"


def write_order(folder: Path, order: NewOrder, encrypted: Callable[[], bytes | None]) -> None:
    """Write an order that the fleet can take, and its key, if any, else raise and leave everything as it is.

    The key is asked for last, when nothing else can say no; it stands in the
    folder before the order, so that no order is ever without its key.
    """
    for path in (folder / order.file, folder / order.key):
        if path.exists():
            raise Refused(f"{path} exists already; edit it, or take another name", code="order-exists")
    files = read_folder(folder)
    ordered = {**files.documents, order.file: read_document(order.text.encode(), order.file)}
    if problems := _problems(files, ordered) - _problems(files, files.documents):
        raise InvalidInput(problems)
    key = encrypted()
    _write_all(folder, {**({order.key: key} if key else {}), order.file: order.text.encode()})


def write_rules(folder: Path) -> None:
    """Write who can read what; problems that the fleet had before do not keep the new order from its rule."""
    fleet, _ = survey_fleet(folder)
    if fleet is not None:
        (folder / RULES).write_text(sops_file(fleet), encoding="utf-8")


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write new files, and take away again what was written when one of them cannot be."""
    written: list[Path] = []
    try:
        for file, content in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as stream:
                written.append(path)
                stream.write(content)
    except OSError:
        for path in written:
            path.unlink()
            with suppress(OSError):  # a folder that others use stays
                path.parent.rmdir()
        raise


def _problems(files: FleetFiles, documents: Mapping[str, Document]) -> set[Problem]:
    """Return everything that is wrong with a fleet of these documents when all of it follows head."""
    fleet, found = survey(documents, files.secrets, files.vendored)
    problems = set(found)
    if fleet is not None:
        surveyed = [survey_environment(fleet, name, on_head(fleet, name)) for name in ENVIRONMENTS]
        problems.update(problem for _, each in surveyed for problem in each)
        problems.update(fleet_problems(*(resolved for resolved, _ in surveyed)))
    return problems

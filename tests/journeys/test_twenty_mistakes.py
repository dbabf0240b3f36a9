"""Twenty mistakes that a real API server refuses, and `schiff check --manifests` names before it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from schiff.cli.check import check
from schiff.errors import InvalidInput
from tests.bed.crds import CrdSet
from tests.bed.dry_run import UNKNOWN_KIND, Verdict, dry_run, split
from tests.bed.kubernetes_client import KubernetesClient

EXAMPLES = Path(__file__).parents[1] / "bed" / "examples.yaml"
MISTAKES = yaml.safe_load(Path(__file__).with_name("twenty_mistakes.yaml").read_text("utf-8"))


def changed(mistake: Mapping[str, str]) -> tuple[str, str]:
    """Return the good object of a kind and the same with one field changed."""
    texts = [each.text for each in split(EXAMPLES.read_text("utf-8")) if each.value["kind"] == mistake["kind"]]
    good = next(text for text in texts if mistake["good"] in text)
    return good, good.replace(mistake["good"], mistake["bad"], 1)


def checked(folder: Path, text: str) -> Result:
    """Return how the command ends over a folder with one file."""
    (folder / "object.yaml").write_text(text, encoding="utf-8")
    app = typer.Typer()
    app.command()(check)
    return CliRunner().invoke(app, ["--manifests", str(folder)])


def judged(server: KubernetesClient, text: str) -> Verdict:
    """Return the server's own verdict."""
    (verdict,) = dry_run(server, text)
    return verdict


def title(mistake: Mapping[str, str]) -> str:
    return f"{mistake['kind']} {mistake['path']}"


def test_there_are_twenty() -> None:
    assert len({title(mistake) for mistake in MISTAKES}) == 20


@pytest.mark.parametrize("mistake", MISTAKES, ids=title)
def test_the_server_and_the_check_agree(
    mistake: Mapping[str, str], api_server: KubernetesClient, crds: CrdSet, tmp_path: Path
) -> None:
    good, bad = changed(mistake)
    passed = checked(tmp_path, good)
    assert passed.exit_code == 0, passed.exception
    refused = checked(tmp_path, bad)
    assert isinstance(refused.exception, InvalidInput)
    named = [problem for problem in refused.exception.problems if problem.path == mistake["path"]]
    assert [problem.place.file for problem in named] == ["object.yaml"]
    assert named[0].place.line

    accepted, refusal = judged(api_server, good), judged(api_server, bad)
    if crds.missing and accepted.message == refusal.message == UNKNOWN_KIND:
        return  # only the check could speak: outside CI not every definition can be had, and the summary names those
    assert accepted.accepted
    assert not refusal.accepted
    assert mistake["path"] in refusal.message

"""Both repositories behind a Git server, written over HTTP by the real engine; credentials stay Git's own."""

from __future__ import annotations

from tests.bed.git_server import GitServer
from tests.git.repositories import git, head
from tests.journeys.pulumi_project import PulumiProject

CANARY = "canary-token-5f1d"


def test_served_repositories_get_what_embedded_ones_get(project: PulumiProject, git_server: GitServer) -> None:
    _serve(project, git_server)
    project.schiff("up", "-e", "tst")
    for repository in ("definitions", "components"):
        served = git_server.folder / f"cluster-{repository}.git"
        assert git(served, "rev-parse", "main^{tree}") == git(
            project.repository(repository), "rev-parse", "main^{tree}"
        )
    assert "unchanged" in project.pulumi("preview", "--expect-no-changes")


def test_a_password_in_a_url_is_refused_and_never_said_or_kept(project: PulumiProject, git_server: GitServer) -> None:
    _serve(project, git_server, credentials=f"bot:{CANARY}@")
    said = project.schiff("up", "-e", "tst", status=2) + project.schiff("preview", "-e", "tst", status=2)
    said += project.pulumi("preview", status=1) + project.pulumi("up", "--yes", status=1)
    assert said.count("Pulumi.tst.yaml: schiff:definitions: the URL holds credentials") >= 4
    assert CANARY not in said
    kept = [file for file in (project.root / ".schiff").rglob("*") if file.is_file()]
    assert [file for file in kept if CANARY.encode() in file.read_bytes()] == []
    assert head(git_server.folder / "cluster-definitions.git") == ""


def _serve(project: PulumiProject, server: GitServer, credentials: str = "") -> None:
    settings = project.root / "Pulumi.tst.yaml"
    text = settings.read_text()
    for name in ("cluster-definitions", "cluster-components"):
        url = server.url(name).replace("http://", f"http://{credentials}")
        text = text.replace(f".schiff/{name}.git", url)
    settings.write_text(text)
    project.commit_fleet()
